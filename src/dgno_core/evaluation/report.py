"""The evaluation as a page of Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from dgno_core.evaluation.protocol import (
    METHODS,
    RICHARDSON_LUCY_ITERATIONS,
    SMALL_TILE,
    SMALL_TILED,
    WIENER_BALANCE,
    ImageResult,
)
from dgno_core.evaluation.scores import ModelScores, group_means, groups, worst

TITLES = {
    "blurred": "blurred",
    "wiener": "Wiener",
    "richardson_lucy": "Richardson-Lucy",
    "ours": "ours",
}
SUBJECTS = {
    "bbbc039": "nuclei, fluorescence (BBBC039, CC0)",
    "stained": "stained tissue, colour (BBBC038 / DSB 2018, CC0)",
    "cytology": "cervical cytology, grey (BBBC038 / DSB 2018, CC0)",
}


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False
) -> str:
    """Write a table; the first column is aligned left, the others right unless they are words."""
    rule = ["---", *("---" if words else "---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def decibel(value: float) -> str:
    """Write a PSNR; an infinite one is that of identical images."""
    return "identical" if math.isinf(value) else f"{value:.2f}"


def report_page(
    scores: Sequence[ModelScores], pictures: Mapping[str, str], command: str, version: str
) -> str:
    """Write the page.

    Parameters
    ----------
    scores
        One per model.
    pictures
        Files by what `Gallery.draw` calls them, relative to the page.
    command
        The line that makes this page again.
    version
        Version of this package.
    """
    models = [f"`{one.model}` ({one.weights_sha256[:12] or 'no hash'})" for one in scores]
    parts = [
        "# Evaluation on real images with known blur",
        f"Made by `{command}` (dgno {version}). Weights (start of their SHA-256): "
        f"{', '.join(models)}.",
        _METHOD_TEXT,
    ]
    judged = [one for one in scores if one.results]
    if judged:
        parts += ["## Means", _means_table(judged)]
    parts += _stack_section([one for one in scores if one.planes], pictures)
    parts += _failure_section(judged, pictures)
    names = list(groups(result for one in judged for result in one.results))
    for group in names:
        parts += _group_section(group, judged, pictures)
    table = _tile_table(judged)
    parts += ["## Tiles", _TILE_TEXT, table] if table else []
    return "\n\n".join(parts) + "\n"


_METHOD_TEXT = (
    "PSNR in dB and SSIM (7 x 7 uniform window) after scaling both images by the SHARP image's "
    "minimum and maximum, data range 1, nothing clipped; means of the images' values. Wiener "
    f"(balance {WIENER_BALANCE:g}) and Richardson-Lucy ({RICHARDSON_LUCY_ITERATIONS} iterations) "
    "are told the kernel's true kind and true mean width, with mirrored borders; our networks are "
    "told nothing. The width of the blur changes from pixel to pixel, and camera noise is added. "
    "*Sharp in* is the restored sharp image against itself: how much a restorer spoils what needs "
    "no help. *Gain* is against the blurred image."
)

_STACK_TEXT = (
    "Planes of a real focal stack of a smear (CC0). Each plane is restored as recorded, with one "
    "intensity range for the stack. Then the recorded and "
    "the restored plane are resampled on the grid of plane 0, which is in focus, both by the same "
    "transform (shift, magnification, rotation; estimated from the recorded planes), and compared "
    "with it where both show the same, for the range of plane 0. Plane 0 is compared with itself "
    "as recorded, so that it has no PSNR before and cannot gain; its line tells how much of what "
    "is in focus is left."
)

_FAILURE_TEXT = (
    "For each model the three images in which it is most wrong, each in the square of 128 pixels "
    "with the largest mean absolute error. PSNR in the square is for the range of the whole sharp "
    "image. From left to right: blurred, restored, sharp, error."
)

_TILE_TEXT = (
    "The network's scan and normalisation see the whole tile, so a tiled result is not identical "
    "to that of the image in one piece. Tiles end on multiples of 32 pixels and are at most as "
    "large as told; a border is where one tile begins to count more than the other. The first "
    f"{SMALL_TILED} images of each group are also restored with tiles of {SMALL_TILE} px, of which "
    "they take many. *Cost*: PSNR of the image in one piece less that of the tiled one. *Seam*: "
    "mean absolute difference between neighbouring pixels across tile borders, relative to "
    "elsewhere. *Untiled*: the same ratio at the same pixels of the result in one piece, which has "
    "no borders: what the picture itself, its edges and flat parts, contributes. *Raised*: the "
    "first ratio over the second, what the tiles add. *Offset*: where the change by the tiles "
    "differs most between the two sides of a ramp from tile to tile, as a share of the sharp "
    "image's range (0.1 % is a quarter of a grey level in 8 bits); a wide, slow band would show "
    "here."
)


def _means_table(scores: Sequence[ModelScores]) -> str:
    header = ["images", "n", *(TITLES[method] for method in METHODS[:-1])]
    header += ["model", "restored", "sharp in"]
    rows = []
    for one in scores:
        for group, members in groups(one.results).items():
            summary = group_means(group, members)
            cells = [f"{psnr:.2f} / {ssim:.3f}" for psnr, ssim in summary.means.values()]
            row = [SUBJECTS.get(group, group), str(summary.count), *cells[:-1]]
            rows.append([*row, one.model, f"**{cells[-1]}**", decibel(summary.identity)])
    return markdown_table(header, sorted(rows, key=lambda row: row[0]))


def _stack_section(scores: Sequence[ModelScores], pictures: Mapping[str, str]) -> list[str]:
    if not scores:
        return []
    parts = ["## A real focal stack", _STACK_TEXT, stack_table(scores)]
    parts += [f"Left out, plane {text}" for text in scores[0].left_out]
    if "stack/curve" in pictures:
        parts.append(f"![PSNR of the planes, recorded and restored]({pictures['stack/curve']})")
    if "stack" in pictures:
        parts.append(f"![Planes as recorded, and restored by each model]({pictures['stack']})")
    return parts


def stack_table(scores: Sequence[ModelScores]) -> str:
    """Write the planes of a real stack, recorded and restored by each model."""
    header = ["plane", "recorded dB"]
    for one in scores:
        header += [f"{one.model} dB", "gain dB"]
    rows = []
    for plane in scores[0].planes:
        row = [f"{plane.depth:+d}" if plane.depth else "0", decibel(plane.before)]
        for one in scores:
            same = one.plane(plane.depth)
            gain = None if same is None else same.gain
            row.append("" if same is None else decibel(same.after))
            row.append("-" if gain is None else f"{gain:+.2f}")
        rows.append(row)
    return markdown_table(header, rows)


def _failure_section(scores: Sequence[ModelScores], pictures: Mapping[str, str]) -> list[str]:
    shown = [one for one in scores if f"{one.model}/failures" in pictures]
    if not shown:
        return []
    parts = ["## Where each model is most wrong", _FAILURE_TEXT]
    for one in shown:
        parts.append(f"### Failures of {one.model}")
        parts.append(f"![{failure_text(one)}]({pictures[f'{one.model}/failures']})")
    return parts


def failure_text(scores: ModelScores) -> str:
    """Name the spots of the picture of failures."""
    spots = (
        f"{spot.image} ({spot.before:.1f} to {spot.after:.1f} dB in the spot)"
        for spot in scores.failures
    )
    return f"Most wrong of {scores.model}: {', '.join(spots)}"


def _group_section(
    group: str, scores: Sequence[ModelScores], pictures: Mapping[str, str]
) -> list[str]:
    judged = [(one, groups(one.results).get(group, [])) for one in scores]
    judged = [(one, members) for one, members in judged if members]
    parts = [f"## {SUBJECTS.get(group, group)}", _image_table(judged)]
    for one, members in judged:
        least = worst(members)
        parts.append(
            f"Least gain of {one.model}: **{least.name}**, {least.gain:+.2f} dB against its "
            f"blurred input ({least.psf}, {least.map} map, mean width {least.mean_width:.1f} px)."
        )
    names = dict.fromkeys(member.name for _, members in judged for member in members)
    parts += [
        f"![{name}: sharp, blurred, deconvolved, restored, error]({pictures[name]})"
        for name in names
        if name in pictures
    ]
    return parts


def _image_table(judged: Sequence[tuple[ModelScores, Sequence[ImageResult]]]) -> str:
    header = ["image", "blur (mean px)", *(TITLES[method] for method in METHODS[:-1])]
    for one, _ in judged:
        header += [one.model, "gain dB", "sharp in"]
    first: dict[str, ImageResult] = {}
    for _, members in judged:
        first = {member.name: member for member in members} | first
    rows = []
    for name, result in first.items():
        row = [name, f"{result.psf}, {result.map} ({result.mean_width:.1f})"]
        row += [_score(result, method) for method in METHODS[:-1]]
        for one, _ in judged:
            same = one.result(name)
            if same is None:
                row += ["", "", ""]
            else:
                row += [_score(same, "ours"), f"{same.gain:+.2f}", decibel(same.identity.psnr)]
        rows.append(row)
    return markdown_table(header, rows)


def _score(result: ImageResult, method: str) -> str:
    return f"{result.scores[method].psnr:.2f} / {result.scores[method].ssim:.3f}"


def _tile_table(scores: Sequence[ModelScores]) -> str:
    rows = [
        [
            result.name,
            one.model,
            str(cost.tile),
            f"{cost.psnr:+.3f}",
            f"{cost.seam:.3f}",
            f"{cost.seam_untiled:.3f}",
            f"{cost.raised:.3f}",
            f"{cost.offset:.3%}",
        ]
        for one in scores
        for result in one.results
        for cost in result.tile_costs
    ]
    header = ["image", "model", "tile", "cost dB", "seam", "untiled", "raised", "offset"]
    return markdown_table(header, rows) if rows else ""
