"""A loaded model with its settings: what every face of the project restores with."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError, RestoreWarning
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.events import (
    PlaneMeasured,
    RegionEvent,
    RegionRestored,
    Restored,
    RestoreEvent,
    RestoreWarned,
)
from dgno_core.inference.predictor import Predictor, as_predictor, load_predictor
from dgno_core.inference.prepared import PreparedImage, Source, open_source, prepare
from dgno_core.inference.region import restore_region
from dgno_core.inference.restore import restore_prepared
from dgno_core.io.axes import is_colour
from dgno_core.io.normalise import IntensityRange

if TYPE_CHECKING:
    from torch import nn

    from dgno_core.io.sinks import ImageSink
    from dgno_core.models.card import ModelCard

WHOLE = (slice(None), slice(None))
# What decides which module lies in memory, and where; another value of the others shares it.
LOADED = ("model", "model_folder", "device")


class Restorer:
    """A model that is loaded once, and the settings with which it restores.

    Parameters
    ----------
    model
        A name from `dgno models`, a path, ``auto`` (the packaged model for grey or colour, as the
        image is), or a loaded model with a card, which stays where it is for ``device="auto"``.
    **settings
        The fields of `RestoreConfig`. `axes` and `series` are of one image; where images differ,
        leave them out and say them with each image.

    Raises
    ------
    DGNOError
        If a setting cannot be.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core import Restorer
    >>> from skimage.data import coins
    >>> restorer = Restorer("dgno-cell-small", device="cpu")
    >>> stack = np.stack([coins()[:64, :64], coins()[64:128, :64]])
    >>> ranges = restorer.ranges(stack, axes="ZYX")
    >>> view = (slice(0, 32), slice(16, 48))
    >>> restorer.region(stack, view, (1,), axes="ZYX", ranges=ranges).shape
    (32, 32)
    """

    def __init__(self, model: str | Path | nn.Module = "auto", **settings: Any) -> None:
        if isinstance(model, str | Path):
            settings["model"], self._given = str(model), None
        else:
            self._given = model
        self.config = RestoreConfig(**settings)
        self._loaded: dict[bool, Predictor] = {}
        self._loading = Lock()

    @classmethod
    def of(cls, config: RestoreConfig, model: nn.Module | None = None) -> Restorer:
        """Make one of settings that are there already, and of a loaded model in place of a name."""
        restorer = cls()
        restorer.config, restorer._given = config, model
        return restorer

    def adjusted(self, config: RestoreConfig) -> Restorer:
        """Return one with other settings, which shares what is loaded if it may."""
        other = Restorer.of(config, self._given)
        if all(getattr(config, name) == getattr(self.config, name) for name in LOADED):
            other._loaded, other._loading = self._loaded, self._loading
        return other

    @property
    def card(self) -> ModelCard:
        """Card of the model; of that for grey images if the model is chosen by the image."""
        return self.network().card

    def network(self, *, colour: bool = False) -> Predictor:
        """Return the model, loaded on first use, on the device of the settings.

        Parameters
        ----------
        colour
            Whether ``auto`` means the model for colour.

        Raises
        ------
        DGNOError
            If there is no such model or device.
        """
        from dgno_core.models.device import resolve_device

        kind = colour and self._given is None and self.config.model == "auto"
        with self._loading:
            if kind not in self._loaded:
                self._loaded[kind] = (
                    load_predictor(self.config, colour=kind)
                    if self._given is None
                    else as_predictor(self._given, self.config)
                )
            network = self._loaded[kind]
        if self._given is None or self.config.device != "auto":
            # It may have had to leave its device for an image before.
            home = resolve_device(self.config.device)
            if network.device != home:
                network.move(home)
        return network.at(self.config.precision)

    def prepare(
        self, image: Source, *, axes: str | None = None, series: int | None = None
    ) -> PreparedImage:
        """Check an image and see how it falls into what the model takes.

        Parameters
        ----------
        image
            An array (numpy, dask, zarr), an image source, or a path.
        axes, series
            In place of those of the settings.

        Raises
        ------
        DGNOError
            If the image cannot be restored, the model or device is not there, or a model for
            colour meets an image without.
        """
        config = self.config
        if axes is not None or series is not None:
            series = config.series if series is None else series
            config = config.changed(axes=axes or config.axes, series=series)
        source = open_source(image, config.axes, config.series)
        network = self.network(colour=is_colour(source.axes, source.shape, source.dtype))
        return prepare(source, network, config)

    def events(
        self,
        image: Source,
        sink: ImageSink | None = None,
        *,
        axes: str | None = None,
        series: int | None = None,
    ) -> Generator[RestoreEvent, None, None]:
        """Restore an image plane by plane, reporting on the way.

        Closing the generator cancels: as after any error, the sink is aborted, which removes the
        partial output. All planes are done with one size of tile. Should memory run out, the work
        starts over with tiles of half the size, and at last on the CPU; `RestoreWarned` tells, and
        `RestoreStarted` comes again. A model that was given and not named then stays on the CPU.

        Parameters
        ----------
        image, axes, series
            As for `prepare`.
        sink
            Where the planes go; by default into memory. A sink of a file also gets its provenance
            beside it.

        Yields
        ------
        RestoreEvent
            Last of all `Restored`.

        Raises
        ------
        DGNOError
            If the image, the model, the device or the output is at fault; nothing is written then.
        """
        try:
            prepared = self.prepare(image, axes=axes, series=series)
            restored = yield from restore_prepared(prepared, sink)
        except BaseException as error:
            # Also GeneratorExit and KeyboardInterrupt: removes the partial output.
            if sink is not None:
                sink.abort()
            if isinstance(error, MemoryError):
                name = getattr(image, "name", image if isinstance(image, str | Path) else "image")
                raise DGNOError(
                    f"Memory ran out while {name} was restored; close other programs, crop it, or "
                    "restore it where there is more memory."
                ) from None
            raise
        yield restored

    def restore(
        self, image: Source, *, axes: str | None = None, series: int | None = None
    ) -> NDArray[Any]:
        """Restore an image in memory.

        Parameters
        ----------
        image, axes, series
            As for `prepare`.

        Returns
        -------
        numpy.ndarray
            The restored image, of the shape and type of the input.

        Raises
        ------
        DGNOError
            If the image, the model or the device is at fault.

        Warns
        -----
        RestoreWarning
            What the user should know, such as that the image is outside of what the model is for.
        """
        return last_array(self.events(image, axes=axes, series=series))

    def region_events(
        self,
        image: Source,
        yx_slices: tuple[slice, slice] = WHOLE,
        plane_index: Sequence[int] = (),
        *,
        ranges: tuple[IntensityRange, ...] | None = None,
        axes: str | None = None,
    ) -> Generator[RegionEvent, None, None]:
        """Restore a region of one plane, as it will look in the whole, reporting on the way.

        The region is restored with a halo of its surroundings, on the same grid of elements as the
        whole image, and with the intensity range of the stack. It differs from the full result as
        tiles do: the network sees less of the image.

        Parameters
        ----------
        image, axes
            As for `prepare`.
        yx_slices
            The region; steps are not allowed.
        plane_index
            Where the plane is along each axis besides Y, X and colour, in the order of the axes. A
            last C of 3 may be among them even if the model takes its three channels together.
        ranges
            What `ranges` gave, to save reading the stack for each region.

        Yields
        ------
        RegionEvent
            Last of all `RegionRestored`.

        Raises
        ------
        DGNOError
            As for `events`, or if the region lies outside the image.
        """
        prepared = self.prepare(image, axes=axes)
        yield from restore_region(prepared, yx_slices, plane_index, ranges)

    def region(
        self,
        image: Source,
        yx_slices: tuple[slice, slice] = WHOLE,
        plane_index: Sequence[int] = (),
        *,
        ranges: tuple[IntensityRange, ...] | None = None,
        axes: str | None = None,
    ) -> NDArray[Any]:
        """Restore a region of one plane in memory; parameters as for `region_events`.

        Returns
        -------
        numpy.ndarray
            The region with the axes of one plane (colour where it was) and the type of the image.
        """
        return last_array(
            self.region_events(image, yx_slices, plane_index, ranges=ranges, axes=axes)
        )

    def ranges_events(
        self, image: Source, *, axes: str | None = None
    ) -> Generator[PlaneMeasured, None, tuple[IntensityRange, ...] | None]:
        """Measure the intensity ranges of a stack, returning them; see `ranges`."""
        return self.prepare(image, axes=axes).measure()

    def ranges(
        self, image: Source, *, axes: str | None = None
    ) -> tuple[IntensityRange, ...] | None:
        """Measure the intensity ranges of a stack, for many regions of it.

        Returns
        -------
        tuple of IntensityRange or None
            One for each group of channels that the model takes together; None if the settings
            give each plane its own.
        """
        work = self.ranges_events(image, axes=axes)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                ranges: tuple[IntensityRange, ...] | None = finished.value
                return ranges


def last_array(events: Generator[RestoreEvent | RegionEvent, None, None]) -> NDArray[Any]:
    """Run to the end, passing warnings on; return the array that came last."""
    result: object = None
    for event in events:
        if isinstance(event, RestoreWarned):
            warnings.warn(event.message, RestoreWarning, stacklevel=3)
        elif isinstance(event, Restored | RegionRestored):
            result = event.data
    assert isinstance(result, np.ndarray)
    return result
