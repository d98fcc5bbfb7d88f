"""Small pictures of the pairs that will be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.pairs import FocusPair
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import writing

INK, QUIET = "#1b1f24", "#6a737d"
SIDE = 160
WINDOW = (0.1, 99.9)


@dataclass(frozen=True, eq=False)
class PairPreview:
    """A small picture of a pair.

    Attributes
    ----------
    title
        Name of the pair.
    blurred, sharp
        ``(Y, X)`` or ``(Y, X, 3)``, uint8, in one window of brightness; `sharp` is None where the
        pair has none.
    note
        Size of the pair, or why it cannot be shown.
    """

    title: str
    blurred: NDArray[np.uint8]
    sharp: NDArray[np.uint8] | None
    note: str


def preview_pairs(pairs: Sequence[FocusPair], n: int = 8, side: int = SIDE) -> list[PairPreview]:
    """Show the middle of some pairs, spread evenly over the list, pixel by pixel.

    Parameters
    ----------
    pairs
        To choose from.
    n
        How many at most.
    side
        Largest side in pixels.

    Returns
    -------
    list of PairPreview
        A pair that cannot be read is shown in grey, with the reason as its note.
    """
    count = min(n, len(pairs))
    picks = np.linspace(0, len(pairs) - 1, count).round()
    return [_preview(pairs[int(pick)], side) for pick in picks]


def contact_sheet(
    pairs: Sequence[FocusPair], path: Path, n: int = 8, side: int = SIDE, columns: int = 2
) -> Path:
    """Write a picture of some pairs, blurred beside sharp.

    Parameters
    ----------
    pairs
        To choose from.
    path
        PNG, JPEG, SVG or PDF.
    n
        How many at most.
    side
        Largest side of an image in pixels.
    columns
        Pairs in a row.

    Raises
    ------
    DGNOError
        If there are no pairs, or the picture cannot be written.
    """
    from matplotlib.figure import Figure

    previews = preview_pairs(pairs, n, side)
    if not previews:
        raise DGNOError("There are no pairs to show.")
    rows = -(-len(previews) // columns)
    inches = side / 100
    figure = Figure(
        figsize=(columns * (2 * inches + 0.2), rows * (inches + 0.5)), dpi=100, facecolor="white"
    )
    grid = figure.subplots(rows, 2 * columns, squeeze=False)
    figure.subplots_adjust(
        left=0.01, right=0.99, bottom=0.01, top=1 - 0.4 / (rows * 2), wspace=0.03
    )
    for axes in grid.ravel():
        axes.set_axis_off()
    for index, preview in enumerate(previews):
        row, column = divmod(index, columns)
        for axes, image in zip(
            grid[row, 2 * column : 2 * column + 2], (preview.blurred, preview.sharp), strict=True
        ):
            if image is not None:
                axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        for text, height, colour, size in (
            (preview.title, 13, INK, 8),
            (preview.note[:60], 4, QUIET, 6.5),
        ):
            grid[row, 2 * column].annotate(
                text, (0, 1), (1, height), "axes fraction", "offset points", color=colour,
                fontsize=size, annotation_clip=False,
            )  # fmt: skip
    with writing(path):
        figure.savefig(path)
    return path


def _preview(pair: FocusPair, side: int) -> PairPreview:
    try:
        blurred, sharp = pair.read()
    except DGNOError as error:
        return PairPreview(pair.name, np.full((side, side), 128, np.uint8), None, str(error))
    note = f"{blurred.shape[0]} x {blurred.shape[1]} px, {blurred.dtype}"
    top, left = (max(0, (size - side) // 2) for size in blurred.shape[:2])
    cut = (slice(top, top + side), slice(left, left + side))
    shown = blurred if sharp is None else sharp
    low, high = (float(value) for value in np.percentile(shown, WINDOW))
    small = [
        None if image is None else _to_bytes(image[cut], low, high) for image in (blurred, sharp)
    ]
    assert small[0] is not None
    return PairPreview(pair.name, small[0], small[1], note)


def _to_bytes(image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    scaled = (image.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.rint(255 * np.clip(scaled, 0, 1)).astype(np.uint8)
