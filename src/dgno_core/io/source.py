"""An image to be read plane by plane, wherever its pixels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.axes import Index, PlaneLayout, check_axes, guess_axes, plane_layout
from dgno_core.io.host_memory import check_room
from dgno_core.io.metadata import NOTHING, ImageMetadata

SMALLEST = 16  # pixels along Y and X
DTYPES = tuple(
    np.dtype(name)
    for name in ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")
)  # fmt: skip


class NotFiniteError(DGNOError):
    """Pixels of an image are NaN or infinite."""


class ArrayLike(Protocol):
    """What numpy, dask and zarr arrays have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each dimension."""

    @property
    def dtype(self) -> Any:
        """Type of the pixels."""

    def __getitem__(self, index: Any, /) -> Any: ...


@dataclass(frozen=True)
class ImageSource:
    """An image with its axes and physical size.

    Attributes
    ----------
    data
        A numpy, dask or zarr array; lazy ones are read one plane at a time.
    axes
        One letter of ``TPCZYXS`` for each dimension of `data`.
    pixel_size
        Size of a pixel along some of the axes, in `units`.
    units
        UDUNITS names, such as micrometer; of a size without unit nothing physical is known.
    name
        What errors call the image: its file name or layer name.
    path
        Where it was read from, if it was.
    files
        Every file that belongs to it where these are not all under `path`.
    warnings
        What the user should know about how it was read.
    axes_guessed
        Whether its file has more than two dimensions and does not say what they are.
    metadata
        What its file says of it besides: names and colours of the channels, times, places.
    """

    data: ArrayLike
    axes: str
    pixel_size: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    name: str = "image"
    path: Path | None = None
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    axes_guessed: bool = False
    metadata: ImageMetadata = NOTHING

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return tuple(int(size) for size in self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its pixels, in this machine's byte order."""
        dtype: np.dtype[Any] = np.dtype(self.data.dtype)
        return dtype.newbyteorder("=")

    def with_axes(self, axes: str) -> ImageSource:
        """Return the image with its dimensions called `axes`; pixel sizes go by letter."""
        return replace(self, axes=check_axes(axes, self.shape, self.name), axes_guessed=False)

    def layout(self, *, colour_model: bool = False) -> PlaneLayout:
        """Return how the image falls into planes."""
        return plane_layout(self.axes, self.shape, self.dtype, colour_model=colour_model)

    def read(self, index: Index) -> NDArray[Any]:
        """Read a part of the image into memory, in this machine's byte order.

        Raises
        ------
        DGNOError
            If the pixels cannot be read or do not fit the memory; `NotFiniteError` if a float is
            not finite.
        """
        block = self.load(index)
        if block.dtype.kind == "f" and not np.isfinite(block).all():
            raise NotFiniteError(
                f"{self.name} holds pixels that are NaN or infinite{_where(self.axes, index)}; "
                "replace them first, in Python with image[~numpy.isfinite(image)] = 0"
            )
        return block

    def load(self, index: Index) -> NDArray[Any]:
        """Read as `read` does, but whatever the numbers are.

        Raises
        ------
        DGNOError
            If the pixels cannot be read or do not fit the memory.
        """
        shape = " x ".join(map(str, self.shape))
        check_room(
            _bytes_to_read(self.data, index),
            f"To read {self.name} ({shape} pixels){_where(self.axes, index)}",
            "close other programs or cut the image up",
        )
        try:
            block = np.asarray(self.data[index])
        except DGNOError:
            raise
        except MemoryError:
            raise DGNOError(
                f"{self.name} is {' x '.join(map(str, self.shape))} pixels (axes {self.axes}), and "
                f"there is not enough memory to read it{_where(self.axes, index)}; close other "
                "programs or cut the image up."
            ) from None
        except Exception as error:  # the many decoders behind zarr and dask raise anything
            raise DGNOError(
                f"{self.name}: some of its pixels cannot be read ({error}); "
                "the file is probably damaged or was cut off while it was copied."
            ) from error
        return block.astype(self.dtype, copy=False)

    def check(self) -> None:
        """Check that the image can be restored at all.

        Raises
        ------
        DGNOError
            If the axes do not fit, the image is empty or smaller than 16 pixels along Y or X,
            or its pixels are neither integers of at most 32 bits nor floats.
        """
        check_axes(self.axes, self.shape, self.name)
        if 0 in self.shape:
            raise DGNOError(f"{self.name} is empty: its shape is {self.shape}.")
        if self.dtype not in DTYPES:
            raise DGNOError(f"{self.name} {_unusable(self.dtype)}.")
        layout = self.layout()
        if min(layout.height, layout.width) < SMALLEST:
            raise DGNOError(
                f"{self.name} is {layout.height} x {layout.width} pixels (axes {self.axes}); "
                f"at least {SMALLEST} x {SMALLEST} are needed{_axes_hint(self.shape)}."
            )


def _unusable(dtype: np.dtype[Any]) -> str:
    """Say what is wrong with a type of pixels, and the way out."""
    if dtype.kind == "b":
        return "is a mask of true and false, not an image; choose the image that it was made of"
    if dtype.kind in "iu":
        return (
            f"has whole numbers of {8 * dtype.itemsize} bits as pixels ({dtype}), more than is "
            "restored without loss; convert it to uint16 if no pixel is above 65535, otherwise to "
            "float32, in Python with image.astype('uint16')"
        )
    if dtype.kind == "c":
        return f"has complex pixels ({dtype}), not intensities; take abs(image)"
    return (
        f"has pixels of type {dtype}, which are not restored; convert it to float32, in Python "
        "with image.astype('float32')"
    )


def as_source(
    array: ArrayLike | ImageSource, axes: str | None = None, name: str = "image"
) -> ImageSource:
    """Make a source of an array, guessing its axes if they are not given.

    Raises
    ------
    DGNOError
        If the axes do not fit the array.
    """
    if isinstance(array, ImageSource):
        return array if axes is None else array.with_axes(axes)
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        array = np.asarray(array)
    if axes is None:
        axes = guess_axes(array.shape, array.dtype)
    return ImageSource(array, check_axes(axes, array.shape, name), name=name)


def _bytes_to_read(data: ArrayLike, index: Index) -> int:
    """Return what it takes to read a part: its pixels and, decoded, a chunk; 0 in memory."""
    if isinstance(data, np.ndarray):
        return 0
    pixels, chunk = 1, 1
    chunks = getattr(data, "chunks", None)
    for size, at, piece in zip(data.shape, index, chunks or data.shape, strict=False):
        pixels *= 1 if isinstance(at, int) else len(range(*at.indices(int(size))))
        chunk *= max(piece) if isinstance(piece, tuple) else int(piece)
    if chunks is None:
        chunk = 0  # an array of another kind, which reads what is asked for
    return (pixels + chunk) * int(np.dtype(data.dtype).itemsize)


def _axes_hint(shape: tuple[int, ...]) -> str:
    """Suggest other axes where it could be these that make an image small."""
    if len(shape) == 2:
        return ""
    if shape[-1] in (2, 3, 4) and len(shape) <= 6:
        return f"; if its last axis is the channels, the axes are {'PTZYXC'[-len(shape) :]}"
    return "; check the axes"


def _where(axes: str, index: Index) -> str:
    places = [
        f"{letter} = {at}" for letter, at in zip(axes, index, strict=False) if at != slice(None)
    ]
    return f" in the plane {', '.join(places)}" if places else ""
