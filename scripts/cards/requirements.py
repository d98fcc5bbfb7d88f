"""What is asked of the packaged weights on the public evaluation set, and whether they keep it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dgno_core.evaluation.focal_stack import PlaneScore
from dgno_core.evaluation.protocol import ImageResult
from dgno_core.evaluation.report import markdown_table
from dgno_core.evaluation.scores import ModelScores, groups, worst
from dgno_core.evaluation.tile_cost import TileCost

NOT_MEASURED = "not measured: no such image"

TILE_COST = 0.05  # dB, each image
SEAM_RATIO = 1.1  # each image
COST_TEXT = f"tiles cost at most {TILE_COST} dB against untiled restoration"
SEAM_TEXT = (
    "the mean absolute difference between neighbouring pixels across tile borders is at most "
    f"{SEAM_RATIO} times that elsewhere"
)

FAR = 3  # planes from focus, beyond which each must improve
NEAR_LOSS = 0.3  # dB that a plane next to focus may lose
FOCUS_PSNR = 36.0  # dB of the plane in focus against itself


@dataclass(frozen=True)
class Requirement:
    """One requirement and what was measured; `kept` is None where nothing could be measured."""

    text: str
    measured: str
    kept: bool | None


@dataclass(frozen=True)
class GroupBounds:
    """What is asked for one group of images.

    Parameters
    ----------
    subject
        What the images show.
    restored, aim
        Least mean PSNR of the restored images in dB, and the mean PSNR that we aim at.
    sharp_mean, sharp_each
        Least PSNR in dB of sharp images that are restored, against themselves: the mean, and each.
    """

    subject: str
    restored: float
    aim: float
    sharp_mean: float
    sharp_each: float


# 2 dB above the better classical method with the true mean width, for nuclei.
BOUNDS = {
    "bbbc039": GroupBounds("nuclei", 39.85, 42.9, 45.0, 40.0),
    "stained": GroupBounds("stained tissue", 31.9, 34.0, 36.0, 36.0),
    "cytology": GroupBounds("cytology", 31.2, 32.0, 36.0, 36.0),
}


def requirements_of(scores: ModelScores) -> list[Requirement]:
    """Compare what was measured of a model with what can be asked of such a model."""
    found = fidelity_requirements(scores.results) if scores.results else []
    found += stack_requirements(scores.planes, scores.left_out) if scores.planes else []
    return found + (tile_requirements(scores.results) if scores.results else [])


def fidelity_requirements(results: Sequence[ImageResult]) -> list[Requirement]:
    """Compare the results of one model with what we ask for the groups that it restored."""
    least = worst(results)
    found = [
        Requirement(
            "no image worse than its blurred input",
            f"smallest gain {least.gain:+.2f} dB ({least.name})",
            least.gain >= 0,
        )
    ]
    for group, members in groups(results).items():
        if group in BOUNDS:
            found += _group_requirements(BOUNDS[group], members)
    return found


def _group_requirements(bounds: GroupBounds, members: Sequence[ImageResult]) -> list[Requirement]:
    mean = fmean(member.scores["ours"].psnr for member in members)
    reached = "reached" if mean >= bounds.aim else "not reached"
    identity = fmean(member.identity.psnr for member in members)
    least = min(members, key=lambda member: member.identity.psnr)
    return [
        Requirement(
            f"{bounds.subject}: mean PSNR at least {bounds.restored:g} dB",
            f"{mean:.2f} dB (the aim, {bounds.aim:g} dB, is {reached})",
            mean >= bounds.restored,
        ),
        Requirement(
            f"{bounds.subject}: sharp images come back with at least "
            f"{bounds.sharp_mean:g} dB, mean",
            f"{identity:.2f} dB",
            identity >= bounds.sharp_mean,
        ),
        Requirement(
            f"{bounds.subject}: no sharp image comes back with less than {bounds.sharp_each:g} dB",
            f"{least.identity.psnr:.2f} dB at the least ({least.name})",
            least.identity.psnr >= bounds.sharp_each,
        ),
    ]


def tile_requirements(results: Sequence[ImageResult]) -> list[Requirement]:
    """Judge each size of tile by itself: all images take the model's own, a few a smaller one."""
    by_tile: dict[int, list[tuple[str, TileCost]]] = {}
    for result in results:
        for cost in result.tile_costs:
            by_tile.setdefault(cost.tile, []).append((result.name, cost))
    if not by_tile:
        return [Requirement(text, NOT_MEASURED, None) for text in (COST_TEXT, SEAM_TEXT)]
    found: list[Requirement] = []
    for tile, costs in sorted(by_tile.items(), reverse=True):
        where = f"tile {tile}, n = {len(costs)}"
        name, worst_cost = max(costs, key=lambda pair: pair[1].psnr)
        found += [
            Requirement(
                f"{COST_TEXT} ({where})",
                f"{worst_cost.psnr:+.3f} dB in the worst image ({name})",
                worst_cost.psnr <= TILE_COST,
            ),
            Requirement(
                f"{SEAM_TEXT} ({where})",
                _seam_measured(costs),
                all(cost.seam <= SEAM_RATIO for _, cost in costs),
            ),
            Requirement(
                f"the same as a mean over the images, and tiles raise it no more ({where})",
                f"{fmean(cost.seam for _, cost in costs):.3f} times; raised at most "
                f"{max(cost.raised for _, cost in costs):.3f}-fold",
                _seam_kept([cost for _, cost in costs]),
            ),
        ]
    return found


def _seam_kept(costs: Sequence[TileCost]) -> bool:
    """Judge the mean over the images, and in each image what the tiles add.

    In a single image the ratio also tells whether something with edges happens to lie under a
    border of tiles; that part stands in the untiled result as well, and says nothing of seams.
    """
    typical = fmean(cost.seam for cost in costs) <= SEAM_RATIO
    return typical and all(cost.raised <= SEAM_RATIO for cost in costs)


def _seam_measured(costs: Sequence[tuple[str, TileCost]]) -> str:
    """Tell the worst ratio, and what part of it is the picture's own."""
    name, most = max(costs, key=lambda pair: pair[1].seam)
    text = (
        f"{most.seam:.3f} times in the worst image ({name}; the same pixels untiled: "
        f"{most.seam_untiled:.3f})"
    )
    own = [
        f"{name} ({cost.seam_untiled:.3f})"
        for name, cost in costs
        if cost.seam_untiled > SEAM_RATIO
    ]
    if own:
        text += f"; without any tiles the picture itself exceeds it there in {', '.join(own)}"
    return text


def stack_requirements(
    planes: Sequence[PlaneScore], left_out: Sequence[str] = ()
) -> list[Requirement]:
    """Compare the scores of a stack with what this project asks of its weights.

    The plane in focus has an infinite PSNR to begin with, so what it loses is no number; like
    every sharp bright-field image, it must come back with at least `FOCUS_PSNR`. Where planes could
    not be registered (`left_out`), nothing that is asked of every plane can be kept.
    """
    far = [plane for plane in planes if abs(plane.depth) > FAR and plane.gain is not None]
    near = [plane for plane in planes if abs(plane.depth) == 1 and plane.gain is not None]
    focus = [plane for plane in planes if plane.depth == 0]
    texts = (
        f"real stack: every plane beyond ±{FAR} improves",
        f"real stack: planes -1 and +1 lose less than {NEAR_LOSS:g} dB",
        f"real stack: the plane in focus comes back with at least {FOCUS_PSNR:g} dB",
    )
    found = []
    for text, chosen, least in zip(texts, (far, near), (0.0, -NEAR_LOSS), strict=False):
        if not chosen:
            found.append(Requirement(text, NOT_MEASURED, None))
            continue
        gain, depth = min((plane.gain or 0.0, plane.depth) for plane in chosen)
        measured = f"{gain:+.2f} dB at {depth:+d}, the least of {len(chosen)}"
        if left_out:
            measured += f"; not compared: {' '.join(left_out)}"
        found.append(Requirement(text, measured, gain > least and not left_out))
    after = focus[0].after if focus else None
    measured = NOT_MEASURED if after is None else f"{after:.2f} dB"
    return [*found, Requirement(texts[2], measured, None if after is None else after >= FOCUS_PSNR)]


def requirement_table(requirements: Iterable[Requirement]) -> str:
    """Write what was asked, what was measured, and whether that is enough."""
    verdict = {True: "kept", False: "**not kept**", None: "-"}
    rows = [[one.text, one.measured, verdict[one.kept]] for one in requirements]
    return markdown_table(["asked", "measured", ""], rows, words=True)
