"""What a restoration reports while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from dgno_core.io.normalise import IntensityRange
from dgno_core.io.provenance import Provenance


@dataclass(frozen=True)
class RestoreStarted:
    """The work is planned. Comes again if it has to start over with smaller tiles."""

    planes: int
    tiles: int
    tile: int
    device: str
    model: str


@dataclass(frozen=True)
class PlaneMeasured:
    """A plane has been read for the intensity range of the stack; nothing is restored yet."""

    done: int
    total: int


@dataclass(frozen=True)
class TileRestored:
    """One more tile is done, of all tiles of all planes."""

    done: int
    total: int


@dataclass(frozen=True)
class PlaneRestored:
    """A plane is complete and written; `index` counts along the axes besides Y, X and colour."""

    index: tuple[int, ...]
    done: int
    total: int


@dataclass(frozen=True)
class RestoreWarned:
    """Something the user should know; the work goes on."""

    message: str


@dataclass(frozen=True)
class Restored:
    """All is done; `data` is the array, or the path of the file."""

    data: NDArray[Any] | Path
    provenance: Provenance


@dataclass(frozen=True)
class RegionRestored:
    """A region of a plane is done.

    Attributes
    ----------
    data
        The region with the axes of one plane (colour where it was) and the type of the image.
    ranges
        The intensity ranges of the stack, for the next region of it; None if each plane has its
        own.
    model
        Name or file of the model that restored it.
    """

    data: NDArray[Any]
    ranges: tuple[IntensityRange, ...] | None
    model: str


RestoreEvent = (
    RestoreStarted | PlaneMeasured | TileRestored | PlaneRestored | RestoreWarned | Restored
)
RegionEvent = PlaneMeasured | TileRestored | RestoreWarned | RegionRestored
