"""What the Restore panel does in the worker thread; torch is imported here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.errors import DGNOError
from napari_dgno.restore.command import command_text
from napari_dgno.restore.known import Known, is_whole
from napari_dgno.shared.layers import ViewRegion
from napari_dgno.shared.loaded_models import LoadedModels, weights_stamp
from napari_dgno.shared.measured import MeasuredRanges
from napari_dgno.shared.threads import take_threads

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource

#: A result in memory may take this share of what is free.
MEMORY_SHARE = 0.8


@dataclass(frozen=True)
class Previewed:
    """The view has been restored.

    Parameters
    ----------
    data : numpy.ndarray
        Restored part of a plane, its axes in the order in which the image has them.
    region : ViewRegion
        Where it belongs.
    measured : MeasuredRanges or None
        The brightness ranges of the stack, to be handed to the next preview.
    model : str
        Name or file of the model that restored it.
    known : Known or None
        The whole result, where the view is all of the image; to be handed to `restoring`.
    """

    data: np.ndarray
    region: ViewRegion
    measured: MeasuredRanges | None = None
    model: str = ""
    known: Known | None = None


@dataclass(frozen=True)
class CommandFound:
    """The shell line is known.

    Parameters
    ----------
    text : str
        See `napari_dgno.restore.command.command_text`.
    """

    text: str


def check_fits(source: ImageSource, free: int) -> None:
    """Refuse a result that would fill nearly all of the `free` bytes of memory.

    Raises
    ------
    DGNOError
        If it needs more than `MEMORY_SHARE` of them.
    """
    needed = math.prod(source.shape) * source.dtype.itemsize
    if needed > MEMORY_SHARE * free:
        raise DGNOError(
            f"The restored {source.name!r} needs {needed / 1e9:.1f} GB, but only "
            f"{free / 1e9:.1f} GB of memory are free: press Copy command and run that in a "
            "terminal, where the result goes to a file plane by plane."
        )


def restoring(
    source: ImageSource, config: RestoreConfig, models: LoadedModels, known: Known | None = None
) -> Iterator[Any]:
    """Restore a whole image into memory; see `dgno_core.inference.Restorer.events`.

    What a preview has restored already is taken from there, if it still holds.

    Raises
    ------
    DGNOError
        Also if the result would not fit into memory.
    """
    import psutil

    if known is not None and known.holds_for(source, config):
        yield known.restored
        return
    check_fits(source, psutil.virtual_memory().available)
    take_threads()
    yield from models.restorer(config).events(source)


def previewing(
    source: ImageSource,
    config: RestoreConfig,
    models: LoadedModels,
    region: ViewRegion,
    measured: MeasuredRanges | None = None,
) -> Iterator[Any]:
    """Restore the part of a plane that is on screen; what to know is said as in `restoring`.

    The first preview of a stack measures its brightness range, which reads all of it; what an
    earlier `Previewed` measured saves that while it still holds.
    """
    from dgno_core.inference import RegionRestored, Restored

    take_threads()
    weights, restorer = weights_stamp(config), models.restorer(config)
    if is_whole(source, region):
        for event in restorer.events(source):
            if not isinstance(event, Restored):
                yield event
                continue
            known = Known.of(source, config, weights, event)
            yield Previewed(np.asarray(event.data), region, None, event.provenance.model, known)
        return
    if measured is not None and not measured.hold_for(source, config):
        measured = None
    ranges = None if measured is None or config.normalise == "plane" else measured.ranges
    place = (region.y, region.x)
    for event in restorer.region_events(source, place, region.position, ranges=ranges):
        if not isinstance(event, RegionRestored):
            yield event
            continue
        found = event.ranges
        kept = None if found is None else MeasuredRanges.of(source, config, found)
        yield Previewed(event.data, region, kept, event.model)


def finding_command(source: ImageSource, config: RestoreConfig) -> Iterator[Any]:
    """Find the shell line; opening the file to compare it with the layer may take a while."""
    yield CommandFound(command_text(source, config))
