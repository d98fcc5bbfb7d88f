"""Reading zarr arrays and OME-Zarr groups (0.1 to 0.5), and the metadata for writing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.axes import check_axes, guess_axes
from dgno_core.io.source import ImageSource
from dgno_core.io.units import unit_name

TYPES = {"T": "time", "C": "channel", "S": "channel", "Z": "space", "Y": "space", "X": "space"}
LETTERS = {"time": "T", "channel": "C"}


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr array or group."""
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zarray"))


def read_zarr(path: Path, axes: str | None = None) -> ImageSource:
    """Open a zarr array, or the full-resolution image of an OME-Zarr group.

    Raises
    ------
    DGNOError
        If the store is damaged, holds no image that could be chosen, or `axes` do not fit.
    """
    import zarr

    try:
        node = zarr.open(path, mode="r")
        if isinstance(node, zarr.Array):
            return _source(path, node, axes or _named_axes(node))
        attributes = ome_attributes(node.attrs)
        if "multiscales" not in attributes and "bioformats2raw.layout" in attributes:
            inner = read_zarr(path / "0", axes)
            others = [name for name, _ in node.groups() if name.isdigit() and name != "0"]
            note = (f"{path.name} holds {len(others) + 1} images; only the first one is read.",)
            return ImageSource(
                inner.data, inner.axes, inner.pixel_size, inner.units, path.name, path,
                warnings=note if others else (), axes_guessed=inner.axes_guessed,
            )  # fmt: skip
        if "multiscales" not in attributes:
            return _only_array(path, node, axes)
        multiscale = attributes["multiscales"][0]
        level = multiscale["datasets"][0]
        array: Any = node[level["path"]]
        letters, units = _axes(multiscale, array.ndim)
        scale = _scale(multiscale, level, array.ndim)
    except DGNOError:
        raise
    except Exception as error:  # metadata of the wild
        raise DGNOError(f"{path} cannot be read as a zarr image ({error!r}).") from error
    # Axes that do not fit the array are complained about by their number, if not given anew.
    sizes = dict(zip(letters, scale, strict=False))
    pixel_size = {letter: sizes[letter] for letter in units if sizes.get(letter, 0) > 0}
    return _source(path, array, axes or letters, pixel_size, units)


def ome_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the OME part of a group's attributes: under ``ome`` since 0.5, bare before."""
    ome = attributes.get("ome")
    return ome if isinstance(ome, Mapping) else attributes


def ome_metadata(source: ImageSource) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr 0.5 image of one level like `source`."""
    axes = []
    for letter in source.axes:
        axis = {"name": letter.lower()}
        if letter in TYPES:
            axis["type"] = TYPES[letter]
        if letter in source.units:
            axis["unit"] = source.units[letter]
        axes.append(axis)
    scale = [float(source.pixel_size.get(letter, 1.0)) for letter in source.axes]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    multiscale = {"name": source.name, "axes": axes, "datasets": [level]}
    return {"ome": {"version": "0.5", "multiscales": [multiscale]}}


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


def _only_array(path: Path, group: Any, axes: str | None) -> ImageSource:
    arrays = [array for _, array in group.arrays()]
    if len(arrays) != 1:
        kind = (
            "is a plate; open one of its wells"
            if "plate" in group.attrs
            else (f"holds {len(arrays)} arrays and no OME-Zarr image; give the path of one array")
        )
        raise DGNOError(f"{path} {kind}.")
    return _source(path, arrays[0], axes or _named_axes(arrays[0]))


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


def _scale(multiscale: Mapping[str, Any], level: Mapping[str, Any], ndim: int) -> list[float]:
    """Return the product of the level's and the image's own scales."""
    scale = [1.0] * ndim
    for part in (level, multiscale):
        for transformation in part.get("coordinateTransformations", ()):
            if transformation["type"] == "scale" and "scale" in transformation:
                factors = transformation["scale"]
                scale = [a * float(b) for a, b in zip(scale, factors, strict=True)]
    return scale
