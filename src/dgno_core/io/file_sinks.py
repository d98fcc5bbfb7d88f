"""Images that are written to disk plane by plane, in whatever order the planes come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import discard, partial_path, publish, writing
from dgno_core.io.axes import Index
from dgno_core.io.lost import lost_in_png, lost_in_tiff, lost_in_zarr
from dgno_core.io.ngff import ngff_layout, ome_metadata
from dgno_core.io.ome_xml import ome_xml_metadata, with_significant_bits
from dgno_core.io.source import DTYPES, ImageSource

BIG = 3_000_000_000  # bytes: beyond, an ordinary TIFF could run out of offsets
CHUNK = 1024  # pixels along Y and X of a chunk


class FileSink(ABC):
    """A file that is written under a hidden name and appears on `close`.

    Parameters
    ----------
    path
        The final name.
    source
        The image whose shape, axes and pixel size the file gets.
    dtype
        Type of the pixels.
    lost
        What the format cannot hold of the image.

    Attributes
    ----------
    axes
        Letters of the axes in the file.
    warnings
        What of the image the file cannot hold, in sentences.
    """

    def __init__(
        self, path: Path, source: ImageSource, dtype: np.dtype[Any], lost: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.source = source
        self.dtype = dtype
        self.partial = partial_path(path)
        self.axes = source.axes
        self.warnings: tuple[str, ...] = ()
        if lost:
            self.warnings = (f"{path.name} does not hold of {source.name}: {', '.join(lost)}.",)
        self._is_open = self._is_complete = False

    @property
    def result(self) -> Path:
        """The final path."""
        return self.path

    def write(self, index: Index, block: NDArray[Any]) -> None:
        """Write the plane at `index`, whole along Y and X.

        Raises
        ------
        DGNOError
            If the disk is full or refuses.
        """
        with writing(self.path):
            if not self._is_open:
                self._is_open = True
                self._create()
            self._write(index, np.asarray(block, self.dtype))

    def close(self) -> None:
        """Complete the file and give it its name.

        Raises
        ------
        DGNOError
            If the disk is full or refuses; nothing is left then.
        """
        self.complete()
        try:
            with writing(self.path):
                publish(self.partial, self.path)
        except BaseException:
            self.abort()
            raise

    def complete(self) -> Path:
        """Complete the file under its hidden name, which is returned; writing is over then.

        Raises
        ------
        DGNOError
            If the disk is full or refuses; nothing is left then.
        """
        if not self._is_complete:
            try:
                with writing(self.path):
                    self._finish()
            except BaseException:
                self.abort()
                raise
            self._is_complete = True
        return self.partial

    def abort(self) -> None:
        """Delete what has been written; an older file of the same name stays."""
        self._release()
        discard(self.partial)

    @abstractmethod
    def _create(self) -> None: ...

    @abstractmethod
    def _write(self, index: Index, block: NDArray[Any]) -> None: ...

    def _finish(self) -> None:
        self._release()

    def _release(self) -> None:  # noqa: B027 - only some formats hold something open
        """Close what is open; may be called twice."""


class TiffSink(FileSink):
    """OME-TIFF, uncompressed, so that every plane has its place from the start.

    Y, X and S come last in the file, wherever they are in the image, which must have Y before X;
    a last C of 3 in 8-bit data becomes S.
    """

    def __init__(self, path: Path, source: ImageSource, dtype: np.dtype[Any]) -> None:
        super().__init__(path, source, dtype, lost_in_tiff(source))
        _check_orientation(path, source)
        if dtype not in DTYPES:
            raise DGNOError(
                f"{path}: OME-TIFF cannot hold pixels of type {dtype}; convert {source.name} to "
                "float32 or int32, or write .zarr."
            )
        layout = source.layout()
        is_rgb = "C" in layout.inner
        letters = source.axes.replace("C", "S") if is_rgb else source.axes
        self._order = sorted(range(len(letters)), key=lambda i: ("YXS".find(letters[i]), i))
        self.axes = "".join(letters[i] for i in self._order)
        self.shape = tuple(source.shape[i] for i in self._order)
        self._inner = 3 if "S" in letters else 2
        self._file: BinaryIO | None = None
        self._start = self._bits = 0

    def _create(self) -> None:
        from tifffile import TiffWriter

        samples = self.shape[-1] if self.axes.endswith("S") else 1
        outer = self.axes[: -self._inner]
        metadata = {"axes": self.axes, **ome_xml_metadata(self.source, outer)}
        size = int(np.prod(self.shape)) * self.dtype.itemsize
        with TiffWriter(self.partial, ome=True, bigtiff=size > BIG) as writer:
            placed = writer.write(
                None,
                shape=self.shape,
                dtype=self.dtype,
                photometric="rgb" if samples in (3, 4) else "minisblack",
                planarconfig="contig" if samples > 1 else None,
                extrasamples=_extra_samples(samples),
                metadata=metadata,
                returnoffset=True,
            )
        assert placed is not None
        self._start = placed[0]
        self._file = self.partial.open("r+b", buffering=0)

    def _write(self, index: Index, block: NDArray[Any]) -> None:
        assert self._file is not None
        # Undo what integers in the index took away, then go through the file's pages.
        sizes = self.source.shape
        full = block.reshape([1 if isinstance(at, int) else sizes[i] for i, at in enumerate(index)])
        pages = full.transpose(self._order)
        first = [index[i] if isinstance(index[i], int) else 0 for i in self._order]
        outer = pages.ndim - self._inner
        page_bytes = int(np.prod(self.shape[outer:])) * self.dtype.itemsize
        for at in product(*map(range, pages.shape[:outer])):
            place = [a + b for a, b in zip(at, first[:outer], strict=True)]  # type: ignore[operator]
            number = int(np.ravel_multi_index(place, self.shape[:outer])) if outer else 0
            self._file.seek(self._start + number * page_bytes)
            _write_all(self._file, np.ascontiguousarray(pages[at]).data.cast("B"))
        self._bits = max(self._bits, bits_of(block))

    def _finish(self) -> None:
        """Correct how many bits of a pixel are filled, if the pixels take more than the input's."""
        super()._finish()
        promised = self.source.metadata.significant_bits
        if promised is not None and self._bits > promised:
            from tifffile import tiffcomment

            text = with_significant_bits(str(tiffcomment(self.partial)), self._bits)
            tiffcomment(self.partial, text.encode())

    def _release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


class ZarrSink(FileSink):
    """OME-Zarr 0.5 (zarr 3) of one level, one plane a chunk, axes in the order of NGFF."""

    def __init__(self, path: Path, source: ImageSource, dtype: np.dtype[Any]) -> None:
        super().__init__(path, source, dtype, lost_in_zarr(source))
        self._ngff = ngff_layout(source)
        self._windows: dict[int, tuple[float, float]] = {}
        self.axes = self._ngff.axes
        if self._ngff.problem is not None:
            self.warnings += (f"{path.name}: {self._ngff.problem}.",)

    def _create(self) -> None:
        import zarr

        discard(self.partial)
        self._group = group = zarr.open_group(self.partial, mode="w", zarr_format=3)
        layout = self.source.layout()
        sizes = [
            1 if letter in layout.outer else min(size, CHUNK)
            for letter, size in zip(layout.axes, layout.shape, strict=True)
        ]
        self._array = group.create_array(
            "0",
            shape=tuple(layout.shape[i] for i in self._ngff.order),
            dtype=self.dtype,
            chunks=tuple(sizes[i] for i in self._ngff.order),
            dimension_names=[letter.lower() for letter in self.axes],
        )

    def _write(self, index: Index, block: NDArray[Any]) -> None:
        # The axes that the block still has, in the order in which they lie in the store.
        kept = [i for i, at in enumerate(index) if isinstance(at, slice)]
        inner = [kept.index(i) for i in self._ngff.order if i in kept]
        self._array[tuple(index[i] for i in self._ngff.order)] = block.transpose(inner)
        self._widen(index, block)

    def _widen(self, index: Index, block: NDArray[Any]) -> None:
        """Follow the extremes of each channel: between them it is shown."""
        at = index[self.source.axes.index("C")] if "C" in self.source.axes else 0
        channel = at if isinstance(at, int) else 0
        low, high = float(np.fmin.reduce(block, None)), float(np.fmax.reduce(block, None))
        if np.isfinite([low, high]).all():
            known = self._windows.get(channel, (low, high))
            self._windows[channel] = (min(low, known[0]), max(high, known[1]))

    def _finish(self) -> None:
        self._group.attrs.update(ome_metadata(self.source, self._ngff, self.dtype, self._windows))


class PngSink(FileSink):
    """PNG, for one plane of 8 or 16 bits, or of 8 bits in colour."""

    def __init__(self, path: Path, source: ImageSource, dtype: np.dtype[Any]) -> None:
        super().__init__(path, source, dtype, lost_in_png(source))
        _check_orientation(path, source)
        layout = source.layout()
        if len(layout) != 1:
            raise DGNOError(
                f"{path}: PNG holds one plane, but {source.name} has {len(layout)}; "
                "write .tif or .zarr."
            )
        samples = layout.colours + layout.alpha
        depths = (np.uint8, np.uint16) if samples == 1 else (np.uint8,)
        if samples > 4 or dtype not in depths:
            raise DGNOError(
                f"{path}: PNG cannot hold {samples} x {dtype} a pixel; write .tif or .zarr."
            )
        self._layout = layout
        self._samples: NDArray[Any] | None = None

    def _create(self) -> None:
        """Nothing: the one plane is written at the end."""

    def _write(self, index: Index, block: NDArray[Any]) -> None:
        self._samples = self._layout.split(block)

    def _finish(self) -> None:
        from PIL import Image

        assert self._samples is not None
        pixels = np.ascontiguousarray(np.moveaxis(self._samples, 0, -1))
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        picture.save(self.partial, format="PNG")


def bits_of(block: NDArray[Any]) -> int:
    """Count the bits that integers take, with the sign of a signed type; 0 for floats."""
    if block.dtype.kind not in "iu" or not block.size:
        return 0
    low, high = int(block.min()), int(block.max())
    return max(high, ~low if low < 0 else 0).bit_length() + (block.dtype.kind == "i")


def _check_orientation(path: Path, source: ImageSource) -> None:
    """Refuse what a format of rows would have to turn on its side."""
    if source.axes.index("X") < source.axes.index("Y"):
        raise DGNOError(
            f"{path} would be {source.name} on its side, as its axes are {source.axes}: the axes "
            "must name Y before X, or the output end in .zarr."
        )


def _extra_samples(samples: int) -> list[str] | None:
    """Say what the samples beyond grey or RGB are: opacity, or just more of them."""
    if samples in (2, 4):
        return ["unassalpha"]
    return ["unspecified"] * (samples - 1) if samples > 4 else None


def _write_all(file: BinaryIO, data: memoryview) -> None:
    """Write all bytes: an unbuffered file may take fewer at a time."""
    while data:
        data = data[file.write(data) :]
