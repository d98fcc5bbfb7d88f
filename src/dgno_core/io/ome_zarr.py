"""Reading zarr arrays and OME-Zarr groups (0.1 to 0.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes, guess_axes
from dgno_core.io.metadata import ImageMetadata
from dgno_core.io.ngff import read_metadata, unread_attributes, unread_parts
from dgno_core.io.omero import are_samples
from dgno_core.io.series import check_series, which_image
from dgno_core.io.source import ImageSource
from dgno_core.io.units import unit_name

LETTERS = {"time": "T", "channel": "C"}


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def read_zarr(path: Path, axes: str | None = None, series: int = 0) -> ImageSource:
    """Open a zarr array, or the full-resolution image of an OME-Zarr group.

    Parameters
    ----------
    path
        The store.
    axes
        One letter for each dimension.
    series
        Which image of a collection, as bioformats2raw writes them, counted from 0.

    Raises
    ------
    DGNOError
        If the store is damaged, holds no such image, or `axes` do not fit.
    """
    import zarr

    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            check_series(path, series, 1)
            return _bare_source(path, node, axes)
        attributes = ome_attributes(node.attrs)
        if "multiscales" not in attributes and "bioformats2raw.layout" in attributes:
            return _one_of_several(path, node, axes, series)
        check_series(path, series, 1)
        if "multiscales" not in attributes:
            return _only_array(path, node, axes)
        multiscale = attributes["multiscales"][0]
        level = multiscale["datasets"][0]
        array: Any = node[level["path"]]
        others = [
            *(["image labels"] if "labels" in node else []),
            *unread_parts(attributes["multiscales"]),
            *unread_attributes({**node.attrs, **attributes, **array.attrs}),
        ]
        letters, units = _axes(multiscale, array.ndim)
        scale, origin = _transformation(multiscale, level, array.ndim)
    except DGNOError:
        raise
    except Exception as error:  # metadata of the wild
        raise DGNOError(f"{path} cannot be read as a zarr image ({error!r}).") from error
    # Axes that do not fit the array are complained about by their number, if not given anew.
    sizes = dict(zip(letters, scale, strict=False))
    pixel_size = {
        letter: size
        for letter, size in sizes.items()
        if size > 0 and (letter in units or (letter in "ZYX" and size != 1))
    }
    start = dict(zip(letters, origin, strict=False))
    metadata = read_metadata(attributes, multiscale.get("name"), start, array.dtype, others)
    # Letters that the user gives are those of the array as it lies in the store.
    colours = letters.find("C") if axes is None and "S" not in letters else -1
    if 0 <= colours < array.ndim and are_samples(
        node.attrs, metadata.channels, array.shape[colours], array.dtype
    ):
        array, letters = _colour_last(array, colours), letters.replace("C", "") + "S"
        is_all = not any(channel.display for channel in metadata.channels)
        metadata = _with_others(metadata, [] if is_all else ["display settings of OMERO"])
        metadata = replace(metadata, channels=())
    source = _source(path, array, axes or letters, pixel_size, units)
    return replace(source, metadata=metadata)


def ome_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OME part of a group's attributes: under ``ome`` since 0.5, bare before."""
    ome = attributes.get("ome")
    return ome if isinstance(ome, Mapping) else attributes


def _source(
    path: Path,
    array: Any,
    axes: str | None,
    pixel_size: Mapping[str, float] | None = None,
    units: Mapping[str, str] | None = None,
) -> ImageSource:
    guessed = axes is None and array.ndim > 2
    axes = check_axes(axes or guess_axes(array.shape, array.dtype), array.shape, path.name)
    return ImageSource(
        array, axes, pixel_size or {}, units or {}, path.name, path, axes_guessed=guessed
    )


def _bare_source(path: Path, array: Any, axes: str | None) -> ImageSource:
    """Make a source of an array that is no OME-Zarr."""
    source = _source(path, array, axes or _named_axes(array))
    return replace(source, metadata=ImageMetadata(others=unread_attributes(array.attrs)))


def _one_of_several(path: Path, group: Any, axes: str | None, series: int) -> ImageSource:
    names = sorted((name for name, _ in group.groups() if name.isdigit()), key=int)
    check_series(path, series, len(names))
    inner = read_zarr(path / names[series], axes)
    note = which_image(path, series, len(names))
    xml = ["OME/METADATA.ome.xml"] * (path / "OME" / "METADATA.ome.xml").is_file()
    metadata = _with_others(inner.metadata, [*unread_attributes(group.attrs), *xml])
    return replace(
        inner, name=path.name, path=path, warnings=(note,) if note else (), metadata=metadata
    )


def _only_array(path: Path, group: Any, axes: str | None) -> ImageSource:
    arrays = [array for _, array in group.arrays()]
    if len(arrays) != 1:
        kind = (
            "is a plate; open one of its wells"
            if "plate" in group.attrs
            else (f"holds {len(arrays)} arrays and no OME-Zarr image; give the path of one array")
        )
        raise DGNOError(f"{path} {kind}.")
    source = _bare_source(path, arrays[0], axes)
    return replace(source, metadata=_with_others(source.metadata, unread_attributes(group.attrs)))


def _with_others(metadata: ImageMetadata, others: Iterable[str]) -> ImageMetadata:
    """Add names of what is not read."""
    return replace(metadata, others=tuple(dict.fromkeys([*metadata.others, *others])))


def _named_axes(array: Any) -> str | None:
    """Return the axes that an array's dimension names spell (zarr 3, or xarray's), if they do."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    letters = [str(name).upper() for name in names or ()]
    spelt = len(letters) == array.ndim and set("YX") <= set(letters) <= set("TPCZYXS")
    return "".join(letters) if spelt and len(set(letters)) == len(letters) else None


def _axes(multiscale: Mapping[str, Any], ndim: int) -> tuple[str, dict[str, str]]:
    """Return letters and units; before 0.4 axes were plain names, before 0.3 always TCZYX."""
    letters, units = "", {}
    for axis in multiscale.get("axes") or list("tczyx"[-ndim:]):
        entry = axis if isinstance(axis, Mapping) else {"name": axis}
        name = str(entry["name"]).upper()
        letter = name if name in tuple("TPCZYXS") else LETTERS.get(entry.get("type", ""), "P")
        letters += letter
        if unit := unit_name(entry.get("unit")):
            units[letter] = unit
    return letters, units


def _transformation(
    multiscale: Mapping[str, Any], level: Mapping[str, Any], ndim: int
) -> tuple[list[float], list[float]]:
    """Return scale and translation: the level's own, then the image's on top of these."""
    scale, origin = [1.0] * ndim, [0.0] * ndim
    for part in (level, multiscale):
        for transformation in part.get("coordinateTransformations", ()):
            kind = transformation["type"]
            values = [float(value) for value in transformation.get(kind, ())]
            if kind == "scale" and values:
                scale = [a * b for a, b in zip(scale, values, strict=True)]
                origin = [a * b for a, b in zip(origin, values, strict=True)]
            elif kind == "translation" and values:
                origin = [a + b for a, b in zip(origin, values, strict=True)]
    return scale, origin


def _colour_last(array: Any, axis: int) -> Any:
    """Move the colours to the end, where all else expects them; nothing is read yet."""
    import dask.array as da

    return da.moveaxis(da.from_zarr(array), axis, -1)
