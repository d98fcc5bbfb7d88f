"""Which objects of two label images are the same, and how well that agrees with a ground truth.

As in `stardist.matching`: objects are paired one to one so that as many pairs as possible reach
the threshold of intersection over union (IoU), and among those pairings the one with the largest
sum of IoU is taken. What StarDist and the Data Science Bowl call average precision is then
``tp / (tp + fp + fn)``; nothing is integrated over a precision-recall curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # of IoU: 0.5, 0.55 ... 0.95
EmptyRule = Literal["zero", "one", "skip"]


@dataclass(frozen=True)
class Match:
    """What became of the objects of one plane.

    Attributes
    ----------
    iou
        The threshold.
    pairs
        ``(n, 2)``: label before and label after of each object found in both.
    ious
        ``(n,)``: intersection over union of each pair, `iou` to 1.
    lost
        Labels of the objects found before only.
    gained
        Labels of the objects found after only.
    """

    iou: float
    pairs: NDArray[np.int64]
    ious: NDArray[np.float64]
    lost: NDArray[np.int64]
    gained: NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How many objects agree with the ground truth of one plane.

    Attributes
    ----------
    thresholds
        The IoUs from which on two objects agree.
    tp, fp, fn
        At each threshold: objects that agree, objects found that are none, objects missed.
    """

    thresholds: tuple[float, ...]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    fn: NDArray[np.int64]


def match(before: NDArray[Any], after: NDArray[Any], iou: float = 0.5) -> Match:
    """Pair the objects of two label images.

    Parameters
    ----------
    before, after
        ``(Y, X)`` integers, 0 for background; the numbers need not be consecutive.
    iou
        Two objects can be the same one if their intersection over union is at least this.

    Raises
    ------
    DGNOError
        If the two are not label images of one shape.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core.metrics import match
    >>> before, after = np.array([[1, 1, 0, 2, 2]]), np.array([[7, 7, 0, 0, 0]])
    >>> same = match(before, after)
    >>> same.pairs.tolist(), same.lost.tolist()
    ([[1, 7]], [2])
    """
    first, second, table = overlaps(before, after)
    rows, columns = _assign(table, iou)
    good = table[rows, columns] >= iou
    rows, columns = rows[good], columns[good]
    return Match(
        iou,
        np.stack([first[rows], second[columns]], axis=1),
        table[rows, columns],
        np.delete(first, rows),
        np.delete(second, columns),
    )


def count(
    truth: NDArray[Any], found: NDArray[Any], thresholds: Sequence[float] = THRESHOLDS
) -> Counts:
    """Count the objects that agree with the ground truth, at each threshold.

    Raises
    ------
    DGNOError
        If the two are not label images of one shape.
    """
    true_labels, labels, table = overlaps(truth, found)
    hits = []
    for threshold in thresholds:
        rows, columns = _assign(table, threshold)
        hits.append(np.count_nonzero(table[rows, columns] >= threshold))
    tp = np.array(hits, np.int64)
    return Counts(tuple(thresholds), tp, len(labels) - tp, len(true_labels) - tp)


def average_precision(
    counts: Sequence[Counts], *, by_image: bool = False, empty: EmptyRule = "zero"
) -> NDArray[np.float64]:
    """Return ``tp / (tp + fp + fn)`` at each threshold, from 0 to 1.

    Parameters
    ----------
    counts
        Of one or several planes, at the same thresholds.
    by_image
        Average the values of the planes, each plane counting the same. By default the counts are
        added up over all planes first, each object counting the same.
    empty
        What a plane counts without objects in either image: ``zero`` (StarDist's rule, though
        finding nothing where nothing is would be right), ``one``, or ``skip`` to leave it out.

    Returns
    -------
    numpy.ndarray
        NaN where nothing is left to average.

    Examples
    --------
    One of two objects is found:

    >>> import numpy as np
    >>> from dgno_core.metrics import average_precision, count
    >>> truth = np.array([[1, 1, 0, 2, 2]])
    >>> found = np.array([[1, 1, 0, 0, 0]])
    >>> average_precision([count(truth, found, (0.5,))]).tolist()
    [0.5]
    """
    tp, fp, fn = (
        np.array([getattr(one, name) for one in counts], np.float64) for name in ("tp", "fp", "fn")
    )
    if not by_image:
        tp, fp, fn = (part.sum(axis=0, keepdims=True) for part in (tp, fp, fn))
    total = tp + fp + fn
    blank = {"zero": 0.0, "one": 1.0, "skip": np.nan}[empty]
    values = np.where(total > 0, tp / np.maximum(total, 1), blank)
    known = ~np.isnan(values)
    sums, planes = np.where(known, values, 0).sum(axis=0), known.sum(axis=0)
    return np.where(planes > 0, sums / np.maximum(planes, 1), np.nan)


def overlaps(
    first: NDArray[Any], second: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the labels of two label images, and the IoU of each with each.

    Returns
    -------
    tuple
        Labels of the first ``(n,)``, of the second ``(m,)``, and their IoU ``(n, m)``.

    Raises
    ------
    DGNOError
        If the two are not label images of one shape.
    """
    for image in (first, second):
        if image.dtype.kind not in "iub" or (image.size and image.min() < 0):
            raise DGNOError(
                "A label image holds whole numbers from 0 on, one for each object, not "
                f"{image.dtype} values{' below 0' if image.dtype.kind == 'i' else ''}."
            )
    if first.shape != second.shape:
        raise DGNOError(
            f"Two label images of shapes {first.shape} and {second.shape} cannot be compared; "
            "both must belong to the same field."
        )
    # Zero is put in front so that row and column 0 are the background, also where there is none.
    names, rows = np.unique(np.append(0, first.ravel()), return_inverse=True)
    other_names, columns = np.unique(np.append(0, second.ravel()), return_inverse=True)
    size = len(names), len(other_names)
    cells = np.bincount(rows[1:] * size[1] + columns[1:], minlength=size[0] * size[1])
    shared = cells.reshape(size)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    table = shared[1:, 1:] / np.maximum(union[1:, 1:], 1)
    return names[1:].astype(np.int64), other_names[1:].astype(np.int64), table


def _assign(table: NDArray[np.float64], iou: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pair rows with columns: most pairs above the threshold first, then the largest IoU."""
    from scipy.optimize import linear_sum_assignment

    few = max(min(table.shape), 1)
    rows, columns = linear_sum_assignment(-(table >= iou).astype(float) - table / (2 * few))
    return rows, columns
