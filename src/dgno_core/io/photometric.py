"""What the numbers of a TIFF mean: intensities, white minus intensities, or places in a palette."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.io.metadata import Channel

if TYPE_CHECKING:
    from tifffile import TiffPage

#: Colours of another kind than red, green and blue, by their number in the TIFF standard.
FOREIGN = {5: "CMYK", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab", 32845: "LogLuv"}
MINISWHITE, PALETTE = 0, 3


@dataclass(frozen=True)
class Photometric:
    """How the numbers in a file become intensities; by default they are intensities.

    Attributes
    ----------
    table
        What each number stands for: ``(N,)`` grey or ``(N, 3)`` red, green, blue.
    white
        The number that stands for black, if 0 is white.
    channel
        The one channel of the image, if its palette only says in which colour it is shown.
    note
        What the user should know.
    """

    table: NDArray[Any] | None = None
    white: int | None = None
    channel: Channel | None = None
    note: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the numbers are intensities."""
        return self.table is None and self.white is None

    @property
    def colours(self) -> tuple[int, ...]:
        """Length of the axis of colours that is added to the image: none, or one of 3."""
        return () if self.table is None else self.table.shape[1:]

    def dtype(self, stored: np.dtype[Any]) -> np.dtype[Any]:
        """Return the type of the intensities."""
        return stored if self.table is None else self.table.dtype

    def intensities(self, block: NDArray[Any]) -> NDArray[Any]:
        """Turn numbers of the file into intensities, colours last."""
        if self.table is not None:
            return self.table[np.minimum(block, len(self.table) - 1)]
        if self.white is None:
            return block
        return (self.white - block.astype(np.int64)).astype(block.dtype)

    def apply(self, data: Any) -> Any:
        """Turn an array into intensities when these are read; nothing is read yet."""
        if self.is_plain:
            return data
        import dask.array as da

        lazy = da.from_array(data, chunks=data.chunks)
        added = {"new_axis": lazy.ndim, "chunks": (*lazy.chunks, (3,))} if self.colours else {}
        return lazy.map_blocks(self.intensities, dtype=self.dtype(lazy.dtype), **added)


def photometric(page: TiffPage, path: Path, *, is_imagej: bool = False) -> Photometric:
    """Find out what the numbers of a page mean.

    Parameters
    ----------
    page
        The page, its pixels unread.
    path
        Its file.
    is_imagej
        Whether ImageJ wrote it, for which a palette is always but a way to show intensities.

    Raises
    ------
    DGNOError
        If they are colours that are not red, green and blue, or the palette is missing.
    """
    kind = int(page.photometric)
    if kind in FOREIGN:
        raise DGNOError(f"{path} has its colours as {FOREIGN[kind]}; save it as RGB.")
    if kind == MINISWHITE:
        return _from_white(np.dtype(page.dtype), page.bitspersample, path)
    if kind == PALETTE and page.colormap is None and not is_imagej:
        raise DGNOError(
            f"{path} holds the places of its colours in a palette, but no palette; save it again "
            "as RGB, or with grey values."
        )
    if kind == PALETTE and page.colormap is not None and page.samplesperpixel == 1:
        palette, dtype = np.asarray(page.colormap), np.dtype(page.dtype)
        return _from_palette(palette, dtype, path, is_display=is_imagej)
    return Photometric()


def _from_white(dtype: np.dtype[Any], bits: int, path: Path) -> Photometric:
    if dtype.kind not in "iu":
        return Photometric(
            note=f"{path.name} says that its lowest value is white (MinIsWhite), which is not "
            "defined for floats; its values are taken as they are."
        )
    return Photometric(
        white=-1 if dtype.kind == "i" else (1 << bits) - 1,
        note=f"{path.name} counts from white to black (MinIsWhite); it is read, and results are "
        "written, from black to white, so that they look like it.",
    )


def _from_palette(
    palette: NDArray[Any], dtype: np.dtype[Any], path: Path, *, is_display: bool
) -> Photometric:
    """Resolve a palette ``(3, N)``: in 16 bits by the standard, in 8 bits by some programs.

    One that goes from black to one colour only says in which colour intensities are shown.
    """
    wide = palette.T.astype(np.uint16) * (257 if palette.max(initial=0) < 256 else 1)
    narrow = (wide >> 8).astype(np.uint8)
    if (wide == wide[:, :1]).all() and not is_display:
        has_8_bits = ((wide & 0xFF == 0) | (wide & 0xFF == narrow)).all()
        table = narrow[:, 0] if has_8_bits else wide[:, 0]
        if table.dtype == dtype and (table == np.arange(len(table))).all():
            return Photometric()
        return Photometric(table)
    colour = ramp_colour(narrow) if len(narrow) == 256 and dtype == np.uint8 else None
    if colour is not None or is_display:
        note = f"{path.name} is shown in the colours of a lookup table, which results do not get."
        return Photometric(channel=Channel(colour=colour), note=None if colour else note)
    return Photometric(
        narrow,
        note=f"{path.name} has a palette of colours; it is read as the RGB image that it looks "
        "like. If the colours only show intensities, save it in grey first.",
    )


def ramp_colour(palette: NDArray[np.uint8]) -> str | None:
    """Return the colour that a palette ``(N, 3)`` goes evenly to from black, as ``RRGGBB``."""
    share = np.linspace(0, 1, len(palette))[:, None]
    if (np.abs(palette - share * palette[-1]) > 1).any():
        return None
    return "".join(f"{part:02X}" for part in palette[-1])
