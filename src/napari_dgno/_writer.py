"""Saves an image layer with what napari's own writer leaves out: scale, units, axes and record."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.io.metadata import Channel, ImageMetadata
from dgno_core.io.source import ImageSource
from napari_dgno.shared.layers import RESULT_KEY, layer_source

if TYPE_CHECKING:
    from napari.layers import Image

    from dgno_core.io import Provenance
    from dgno_core.io.write import PlaneWritten

ENDINGS = (".tif", ".tiff", ".zarr")
DEFAULT_ENDING = ".ome.tif"


def write_ome_tiff(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer as OME-TIFF, the way napari asks a plugin to.

    Parameters
    ----------
    path : str
        File to write.
    data, meta
        Pixels and keywords of the layer.

    Returns
    -------
    list of str
        What has been written.
    """
    return _write(Path(path), data, meta, DEFAULT_ENDING)


def write_ome_zarr(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write an image layer as OME-Zarr; see `write_ome_tiff`."""
    return _write(Path(path), data, meta, ".ome.zarr")


def _write(path: Path, data: Any, meta: dict[str, Any], ending: str) -> list[str]:
    from napari.layers import Image

    if not path.suffix:
        path = path.with_name(path.name + ending)
    if path.suffix.lower() in ENDINGS:
        return save_layer(Image(data, **meta), path)
    # Our kinds come first in napari's list; who leaves it so and asks for a PNG shall have one.
    from napari_builtins.io import napari_write_image

    written = napari_write_image(str(path), data, meta)
    return [] if written is None else [written]


@dataclass(frozen=True)
class Saved:
    """A layer has been saved.

    Parameters
    ----------
    paths : tuple of str
        The image, and the record if there is one.
    warnings : tuple of str
        What of the layer the file does not hold, in sentences.
    """

    paths: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """What of a layer is saved, so that a worker can write it without asking the layer.

    Parameters
    ----------
    source : ImageSource
        The image with all that a file can hold of it; its pixels are the layer's own.
    record : Provenance or None
        How it was made.
    unkept : tuple of str
        What no file holds, in sentences.
    """

    source: ImageSource
    record: Provenance | None
    unkept: tuple[str, ...]

    @classmethod
    def of(cls, layer: Image) -> Content:
        """Describe a layer as it is now."""
        return cls(described_layer(layer), layer_record(layer), tuple(_unkept(layer)))


def save_layer(layer: Image, path: str | Path) -> list[str]:
    """Save an image layer as OME-TIFF or OME-Zarr, and beside it how it was made.

    The file gets the layer's axes, scale, units, translation, name and look; a restored layer also
    gets its record, ``<path>.json``. An older file of this name is replaced. What the file cannot
    hold is told as a warning.

    Parameters
    ----------
    layer : napari.layers.Image
        Grey or RGB(A); of a multiscale layer, level 0.
    path : str or pathlib.Path
        ``.tif``, ``.tiff`` or ``.zarr``; a name without an ending becomes ``.ome.tif``.

    Returns
    -------
    list of str
        The image, and the record if there is one.

    Raises
    ------
    DGNOError
        If the layer does not fit the format, or the file cannot be written.
    """
    from napari.utils.notifications import show_warning

    *_, saved = saving(Content.of(layer), path)
    assert isinstance(saved, Saved)
    for warning in saved.warnings:
        show_warning(warning)
    return list(saved.paths)


def saving(content: Content, path: str | Path) -> Generator[PlaneWritten | Saved, None, None]:
    """Save what a layer holds, as `save_layer` does, reporting on the way.

    Closing the generator cancels: nothing is written then, and an older file stays as it was.

    Yields
    ------
    PlaneWritten or Saved
        The latter last.

    Raises
    ------
    DGNOError
        See `save_layer`.
    """
    from dgno_core.io.provenance import beside, read_beside
    from dgno_core.io.targets import is_foreign_record
    from dgno_core.io.write import write_image_events

    path, record = Path(path), content.record
    if not path.suffix:
        path = path.with_name(path.name + DEFAULT_ENDING)
    if path.suffix.lower() not in ENDINGS:
        raise DGNOError(f"{path} cannot be written: end its name in .ome.tif or .ome.zarr.")
    if is_foreign_record(path) and record is not None:
        raise DGNOError(
            f"{beside(path)} exists already, where the record of {path.name} would go; "
            "choose another name."
        )
    lost = yield from write_image_events(path, content.source, overwrite=True)
    paths = [str(path)]
    if record is not None:
        paths.append(str(record.write_beside(path)))
    elif not is_foreign_record(path) and read_beside(path) is not None:
        beside(path).unlink()  # it told of the image that has just been replaced
    yield Saved(tuple(paths), (*lost, *content.unkept))


def layer_record(layer: Image) -> Provenance | None:
    """Return how a layer was made, if this plugin made it by restoring."""
    from pydantic import ValidationError

    from dgno_core.io import Provenance

    try:
        return Provenance.model_validate(layer.metadata.get(RESULT_KEY))
    except ValidationError:
        return None


def described_layer(layer: Image) -> ImageSource:
    """Describe a layer as an image with all that a file can hold of it."""
    source = layer_source(layer)
    axes = source.axes.replace("S", "")
    scale = {letter: float(size) for letter, size in zip(axes, layer.scale, strict=True)}
    origin = {letter: float(start) for letter, start in zip(axes, layer.translate, strict=True)}
    channel = Channel(layer.name, _colour(layer), tuple(map(float, layer.contrast_limits)))
    return replace(
        source,
        pixel_size=dict(source.pixel_size)
        | {letter: size for letter, size in scale.items() if size > 0 and size != 1},
        path=None,  # an image may be saved over the file that it was read from
        metadata=ImageMetadata(
            title=layer.name,
            channels=() if layer.rgb or "C" in axes else (channel,),
            origin={letter: start for letter, start in origin.items() if start},
        ),
    )


def _colour(layer: Image) -> str | None:
    """Return the colour that a layer is shown in, if it goes from black to one colour."""
    colours = np.asarray(layer.colormap.colors)
    if len(colours) != 2 or colours[0, :3].any():
        return None
    return "".join(f"{round(255 * float(part)):02X}" for part in colours[1, :3])


def _unkept(layer: Image) -> Iterator[str]:
    """Say what of a layer's placement no file holds."""
    turned = not np.allclose(layer.rotate, np.eye(layer.ndim)) or np.any(layer.shear)
    moved = not np.allclose(layer.affine.affine_matrix, np.eye(layer.ndim + 1))
    if turned or moved:
        yield f"The rotation, shear and affine of {layer.name!r} are not saved, only its scale."
    if any(size <= 0 for size in layer.scale):
        yield f"The negative scale of {layer.name!r} is not saved."
