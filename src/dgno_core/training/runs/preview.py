"""The pairs that would be trained on, to be looked at first."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.training.runs.files import CONFIG
from dgno_core.training.runs.image_files import blocks
from dgno_core.training.runs.image_folders import SharpFolder
from dgno_core.training.runs.images import StackImage
from dgno_core.training.runs.request import Request, config, write

if TYPE_CHECKING:
    from dgno_core.training import TrainConfig
    from dgno_core.training.data_config import PairsConfig

#: So many pairs tell whether the choice was right.
MOST = 24
#: So many are checked for what may be wrong with them.
CHECKED = 8
#: Longer sides are cut to their middle, in pixels.
LONGEST = 1024
#: Images that are loaded to show how sharp ones are blurred.
SAMPLED = 8


@dataclass(frozen=True)
class FocusFound:
    """The sharpest plane of a stack.

    Parameters
    ----------
    plane : int
        From 0 on.
    warning : str or None
        Why it may be another.
    """

    plane: int
    warning: str | None


@dataclass(frozen=True)
class PairsFound:
    """Pairs to look at.

    Parameters
    ----------
    blurred, sharp : numpy.ndarray
        ``(pairs, Y, X)``, or ``(pairs, Y, X, 3)`` in colour.
    names : tuple of str
        One for each pair.
    total : int or None
        Pairs there are; None where each crop is blurred anew.
    notes : tuple of str
        What the user should know, a sentence each.
    """

    blurred: np.ndarray
    sharp: np.ndarray
    names: tuple[str, ...]
    total: int | None
    notes: tuple[str, ...]


def finding_focus(choice: StackImage) -> Iterator[Any]:
    """Find the sharpest plane of the first stack of an image."""
    from dgno_core.focus import best_plane

    choice.check()
    best = best_plane(next(blocks(choice.source, "ZYX")))
    yield FocusFound(best.index, best.warning)


def finding_pairs(request: Request) -> Iterator[Any]:
    """Find the pairs of a choice with the engine's own code, so that the training finds the same.

    Yields
    ------
    Written, Noted, PairsFound

    Raises
    ------
    DGNOError
        If there are none.
    """
    from dgno_core.training.config_file import load_config
    from dgno_core.training.data_config import SyntheticData

    request = replace(request, name="pairs")  # nothing is kept, so no name is needed yet
    if isinstance(request.choice, SharpFolder):
        request = replace(request, choice=replace(request.choice, most=SAMPLED))
    with tempfile.TemporaryDirectory(prefix="dgno-pairs-") as place:
        folder = Path(place)
        yield from write(request, config(request, request.choice.kind()), folder)
        settings = load_config(folder / CONFIG)
        if isinstance(settings.data, SyntheticData):
            yield _blurred_by_computer(settings)
        else:
            yield _recorded(settings.data)


def _recorded(data: PairsConfig) -> PairsFound:
    """Pairs as they were taken; of many, some that are spread evenly."""
    from dgno_core.focus.pair_check import check_pairs
    from dgno_core.training.data_config import FolderData
    from dgno_core.training.pair_sources import split
    from dgno_core.training.sources import spread

    found = split(data)
    shown = spread(found.train, MOST)
    unsure = isinstance(data, FolderData)
    faults = check_pairs(shown[:CHECKED], alignment=unsure)
    images = [pair.read() for pair in shown]
    return PairsFound(
        _stacked([blurred for blurred, _ in images]),
        _stacked([sharp for _, sharp in images if sharp is not None]),
        tuple(pair.name for pair in shown),
        len(found.train),
        tuple(dict.fromkeys([*found.notes, *(fault.text for fault in faults)])),
    )


def _stacked(images: Sequence[np.ndarray]) -> np.ndarray:
    """Images of perhaps unequal size as one array: their middles, as large as all of them have."""
    height, width = (min(LONGEST, *(image.shape[axis] for image in images)) for axis in (0, 1))

    def middle(image: np.ndarray) -> np.ndarray:
        top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
        return image[top : top + height, left : left + width]

    return np.stack([middle(image) for image in images])


def _blurred_by_computer(settings: TrainConfig) -> PairsFound:
    """Crops as the training blurs them."""
    from dgno_core.training.sources import open_data

    batches = open_data(settings).batches
    found = [batches.batch(number) for number in range(MOST // 2 // settings.batch)]
    blurred, sharp = (
        np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*found, strict=True)
    )
    names = tuple(f"crop {number + 1}" for number in range(len(blurred)))
    return PairsFound(_last(blurred), _last(sharp), names, None, ())


def _last(crops: np.ndarray) -> np.ndarray:
    """Move the channels of ``(N, C, Y, X)`` behind X; leave out a single one."""
    if crops.shape[1] == 1:
        return crops[:, 0]
    return np.clip(np.moveaxis(crops, 1, -1), 0, 1)
