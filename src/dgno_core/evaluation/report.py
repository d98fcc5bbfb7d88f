"""The evaluation as a page of Markdown and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dgno_core.evaluation.protocol import (
    METHODS,
    RICHARDSON_LUCY_ITERATIONS,
    SMALL_TILE,
    SMALL_TILED,
    WIENER_BALANCE,
    ImageResult,
)
from dgno_core.evaluation.summary import group_means, groups, promises, worst

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


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; the first column is aligned left, the numbers right."""
    rule = ["---", *("---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def report_page(
    results: Sequence[ImageResult], pictures: Mapping[str, str], command: str, version: str
) -> str:
    """Write the page.

    Parameters
    ----------
    results
        One per image.
    pictures
        File of each image's picture by its name, and of each group's worst image by
        ``"<group>/worst"``; relative to the page.
    command
        The line that makes this page again.
    version
        Version of this package.
    """
    models = sorted({f"`{r.model}` ({r.weights_sha256[:12] or 'no hash'})" for r in results})
    parts = [
        "# Evaluation on real images with known blur",
        f"Made by `{command}` (dgno {version}). Weights (start of their SHA-256): "
        f"{', '.join(models)}.",
        _METHOD_TEXT,
        "## Means",
        _means_table(results),
        "## What we ask of the weights",
        _promise_table(results),
    ]
    for group, members in groups(results).items():
        parts += _group_section(group, members, pictures)
    table = _tile_table(results)
    parts += ["## Tiles", _TILE_TEXT, table] if table else []
    return "\n\n".join(parts) + "\n"


_METHOD_TEXT = (
    "PSNR in dB and SSIM (7 x 7 uniform window) after scaling both images by the SHARP image's "
    "minimum and maximum, data range 1, nothing clipped; means of the images' values. Wiener "
    f"(balance {WIENER_BALANCE:g}) and Richardson-Lucy ({RICHARDSON_LUCY_ITERATIONS} iterations) "
    "are told the kernel's true kind and true mean width, with mirrored borders; our network is "
    "told nothing. The width of the blur changes from pixel to pixel, and camera noise is added. "
    "*Sharp in* is the restored sharp image against itself: how much a restorer spoils what needs "
    "no help."
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


def _means_table(results: Sequence[ImageResult]) -> str:
    header = ["images", "n", *(TITLES[method] for method in METHODS), "sharp in"]
    rows = []
    for group, members in groups(results).items():
        summary = group_means(group, members)
        scores = [f"{psnr:.2f} / {ssim:.3f}" for psnr, ssim in summary.means.values()]
        scores[-1] = f"**{scores[-1]}**"
        rows.append(
            [SUBJECTS.get(group, group), str(summary.count), *scores, _decibel(summary.identity)]
        )
    return markdown_table(header, rows)


def _promise_table(results: Sequence[ImageResult]) -> str:
    verdict = {True: "kept", False: "**not kept**", None: "-"}
    rows = [[p.text, p.measured, verdict[p.kept]] for p in promises(results)]
    return markdown_table(["asked", "measured", ""], rows)


def _group_section(
    group: str, members: Sequence[ImageResult], pictures: Mapping[str, str]
) -> list[str]:
    least = worst(members)
    parts = [f"## {SUBJECTS.get(group, group)}", _image_table(members)]
    parts.append(
        f"Worst image: **{least.name}**, {least.gain:+.2f} dB against its blurred input "
        f"({least.psf}, {least.map} map, mean width {least.mean_width:.1f} px). "
        "The framed spot is where our error is largest."
    )
    large = pictures.get(f"{group}/worst")
    if large:
        parts.append(f"![{least.name}, the worst of its group, at full size]({large})")
    parts += [
        f"![{member.name}: sharp, blurred, deconvolved, ours, error]({pictures[member.name]})"
        for member in members
        if member.name in pictures
    ]
    return parts


def _image_table(members: Sequence[ImageResult]) -> str:
    header = ["image", "blur (mean px)", *(TITLES[method] for method in METHODS)]
    header += ["gain dB", "sharp in"]
    rows = [
        [
            member.name,
            f"{member.psf}, {member.map} ({member.mean_width:.1f})",
            *(f"{member.scores[m].psnr:.2f} / {member.scores[m].ssim:.3f}" for m in METHODS),
            f"{member.gain:+.2f}",
            _decibel(member.identity.psnr),
        ]
        for member in members
    ]
    return markdown_table(header, rows)


def _tile_table(results: Sequence[ImageResult]) -> str:
    rows = [
        [
            result.name,
            str(cost.tile),
            f"{cost.psnr:+.3f}",
            f"{cost.seam:.3f}",
            f"{cost.seam_untiled:.3f}",
            f"{cost.raised:.3f}",
            f"{cost.offset:.3%}",
        ]
        for result in results
        for cost in result.tile_costs
    ]
    header = ["image", "tile", "cost dB", "seam", "untiled", "raised", "offset"]
    return markdown_table(header, rows) if rows else ""


def _decibel(value: float) -> str:
    return "identical" if math.isinf(value) else f"{value:.2f}"


def report_json(results: Sequence[ImageResult], command: str, version: str) -> str:
    """Write all numbers as JSON; an infinite PSNR (identical images) becomes null."""
    record = {
        "command": command,
        "version": version,
        "convention": "both images scaled by the sharp image's minimum and maximum; data range 1",
        "ssim_window": "uniform 7 x 7",
        "promises": [asdict(promise) for promise in promises(results)],
        "groups": [asdict(group_means(name, members)) for name, members in groups(results).items()],
        "images": [asdict(result) | {"gain": result.gain} for result in results],
    }
    return json.dumps(_finite(record), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value
