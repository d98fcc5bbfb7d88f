"""Reading TIFF, OME-TIFF and ImageJ stacks, page by page."""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.io.axes import AXES, check_axes
from dgno_core.io.beginnings import beginning
from dgno_core.io.imagej import read_imagej
from dgno_core.io.metadata import ImageHeader, ImageMetadata
from dgno_core.io.ome_xml import ome_xml_files, read_ome_xml
from dgno_core.io.photometric import photometric
from dgno_core.io.series import check_series, which_image
from dgno_core.io.source import ImageSource
from dgno_core.io.tiff_tags import read_tags, unread_programs
from dgno_core.wording import file_problem

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

DAMAGE = ("invalid page offset", "invalid value offset", "corrupt", "missing data")


def read_tiff(path: Path, axes: str | None = None, series: int = 0) -> ImageSource:
    """Open an image of a TIFF file; its pages are read when they are needed.

    The full-resolution level of a pyramid is taken. Axes and pixel size come from OME or ImageJ
    metadata, or else from the tags; an axis that has no meaning there becomes Z. A palette is
    resolved, and what counts from white to black is turned.

    Parameters
    ----------
    path
        The file.
    axes
        One letter for each dimension; that of the colours of a palette may be left out.
    series
        Which of several images, counted from 0.

    Raises
    ------
    DGNOError
        If the file is no TIFF, damaged or cut off, has no such image, or `axes` do not fit.
    """
    import zarr

    with contextlib.ExitStack() as opened:
        tiff, image = opened.enter_context(_opened(path, series))
        meaning = photometric(image.keyframe, path, is_imagej=tiff.is_imagej)
        try:
            header = _header(tiff, series)
            # zarr reads no more than the pages that are asked for, whatever the TIFF's layout.
            stored = zarr.open_array(image.aszarr(level=0, chunkmode="page"), mode="r")
        except Exception as error:  # a damaged header raises anything
            raise DGNOError(f"{path} cannot be read as a TIFF image ({error}).") from error
        data = meaning.apply(stored)
        added = "S" * len(meaning.colours)
        if axes is not None and len(axes) + len(added) == data.ndim:
            axes += added
        letters = check_axes(axes or known_axes(image.axes, path) + added, data.shape, path.name)
        # The file stays open as long as somebody holds the array.
        weakref.finalize(stored, opened.pop_all().close)
    metadata = header.metadata
    if meaning.channel is not None and not metadata.channels:
        metadata = replace(metadata, channels=(meaning.channel,))
    return ImageSource(
        data,
        letters,
        {letter: size for letter, size in header.pixel_size.items() if letter in image.axes},
        {letter: unit for letter, unit in header.units.items() if letter in image.axes},
        path.name,
        path,
        files=tuple(sorted(_files(image))),
        warnings=tuple(filter(None, (which_image(path, series, len(tiff.series)), meaning.note))),
        axes_guessed=axes is None and len(letters) > 2 and not set(image.axes) <= set(AXES),
        metadata=metadata,
    )


def read_tiff_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any], str]:
    """Read shape, type and axes of the first image of a TIFF file, but no pixels.

    Raises
    ------
    DGNOError
        If the file is no TIFF, damaged or cut off.
    """
    with _opened(path, 0) as (tiff, image):
        meaning = photometric(image.keyframe, path, is_imagej=tiff.is_imagej)
        dtype = meaning.dtype(image.dtype.newbyteorder("="))
        letters = known_axes(image.axes, path) + "S" * len(meaning.colours)
        return (*image.shape, *meaning.colours), dtype, letters


def known_axes(axes: str, path: Path) -> str:
    """Replace the letters that say nothing here (Q, I, A ...) by free ones: Z, then T, C, P."""
    unknown = [letter for letter in axes if letter not in AXES]
    free = [letter for letter in "PCTZ" if letter not in axes][-len(unknown) :]
    if len(free) < len(unknown):
        raise DGNOError(
            f"{path}: the meaning of its axes {axes!r} is not clear; give them, such as TCZYX."
        )
    letters = iter(free if unknown else ())
    return "".join(letter if letter in AXES else next(letters) for letter in axes)


@contextlib.contextmanager
def _opened(path: Path, number: int) -> Iterator[tuple[TiffFile, TiffPageSeries]]:
    """Open a TIFF file and one of its images, of which no pixels are missing."""
    from tifffile import TiffFile, TiffFileError

    with contextlib.ExitStack() as opened:
        try:
            with _complaints() as complaints:
                tiff = opened.enter_context(TiffFile(path))
                _check_ome_xml(tiff, path, number)
                check_series(path, number, len(tiff.series))
                series = tiff.series[number]
                damaged = _is_cut_off(tiff, series)
        except DGNOError:
            raise
        except OSError as error:
            raise DGNOError(f"{path} cannot be read: {file_problem(error)}.") from error
        except Exception as error:  # a damaged header raises anything
            if isinstance(error, TiffFileError) and "not a TIFF file" in str(error):
                raise DGNOError(
                    f"{path} is not a TIFF file (it begins {beginning(path)}); give the image "
                    "itself, or save it as TIFF."
                ) from error
            raise DGNOError(f"{path} cannot be read as a TIFF image ({error}).") from error
        if damaged or any(word in text for text in complaints for word in DAMAGE):
            raise DGNOError(
                f"{path} is damaged or was cut off: some of its image data are missing; "
                "copy it again."
            )
        yield tiff, series


def _check_ome_xml(tiff: TiffFile, path: Path, number: int) -> None:
    """Check that OME-XML is whole, and that the files are there over which it spreads an image.

    Raises
    ------
    DGNOError
        If it is not: what lies where could not be told, or planes would be black.
    """
    text = tiff.pages.first.description
    if "<OME" not in text[:2000] or "openmicroscopy.org" not in text[:2000]:
        return
    try:
        names = ome_xml_files(text, number)
    except ElementTree.ParseError as error:
        raise DGNOError(
            f"{path}: the OME-XML in it, which says what its planes are, is damaged or was cut off "
            f"({error}); copy the file again, or save it anew as TIFF."
        ) from error
    missing = [name for name in names if not (path.parent / name).exists()]
    if missing:
        raise DGNOError(
            f"{path} is one of several files of an OME-TIFF, and {', '.join(missing[:3])} is "
            f"missing; copy it into {path.parent.resolve()}, under this name."
        )


def _is_cut_off(tiff: TiffFile, series: TiffPageSeries) -> bool:
    """Tell whether image data that the headers promise lie beyond the end of the file."""
    expected = (tiff.imagej_metadata or {}).get("images", 1)
    if tiff.is_imagej and len(tiff.series) == 1:
        shape, letters = series.shape, series.axes
        frames = 1
        for size, letter in zip(shape, letters, strict=True):
            frames *= 1 if letter in "YXS" else size
        if frames < expected:
            return True
    if series.dataoffset is not None:
        return bool(series.dataoffset + series.nbytes > tiff.filehandle.size)
    for page in series.pages:
        if page is None:
            return True
        size = page.parent.filehandle.size
        ends = zip(page.dataoffsets, page.databytecounts, strict=False)
        if any(offset + count > size for offset, count in ends):
            return True
    return False


def _files(series: TiffPageSeries) -> set[Path]:
    pages = series.pages if series.dataoffset is None else series.pages[:1]
    return {Path(page.parent.filehandle.path) for page in pages if page is not None}


def _header(tiff: TiffFile, number: int) -> ImageHeader:
    """Read what OME, ImageJ or the tags say of an image."""
    if tiff.is_ome and tiff.ome_metadata:
        header = read_ome_xml(tiff.ome_metadata, number)
    elif tiff.is_imagej:
        header = read_imagej(tiff)
    else:
        try:
            header = read_tags(tiff, tiff.series[number].keyframe)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # The pixels do not need them.
            header = ImageHeader(metadata=ImageMetadata(others=("tags",)))
    levels = ["lower resolutions"] * (len(tiff.series[number].levels) > 1)
    others = (*header.metadata.others, *levels, *unread_programs(tiff))
    return replace(header, metadata=replace(header.metadata, others=others))


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what tifffile logs: it reads on after damage, and tells only its logger."""
    texts: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())

    logger, handler = logging.getLogger("tifffile"), Collector(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield texts
    finally:
        logger.removeHandler(handler)
