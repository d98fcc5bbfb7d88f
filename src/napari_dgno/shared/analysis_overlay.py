"""Maps as coloured layers on the image, and what their colours mean; knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.layers import RESULT_KEY

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.utils.colormaps import Colormap

    from napari_dgno.shared.analysis_place import Place

#: Up to the first share of the range a map is transparent, from the second on opaque, so that the
#: image shows where the map says nothing.
FADE = (0.0, 0.25)
#: Opacity of a map that has no transparent places.
THIN = 0.6
OPAQUE = 0.85
#: Marks a layer that shows pixels, for comparison: it is taken away by the next analysis.
BESIDE = "beside"


@dataclass(frozen=True)
class Overlay:
    """A map and how to show it.

    Parameters
    ----------
    key : str
        What the map is, for the layer's metadata.
    title : str
        What the layer is called, after the name of the image.
    values : numpy.ndarray
        ``(Y, X)``.
    limits : tuple of float
        The values at the two ends of the colour map.
    meaning : str
        One sentence: what the colour means.
    unit : str
        What the numbers count; may be empty.
    colour_map : str
        Name of a perceptually uniform colour map.
    scale, translate : tuple of float
        Where the map lies in the image: pixels of the image per pixel of the map, and the pixel of
        the image at the centre of the map's first.
    start : float
        Where in the colour map the lowest colour is, 0 to below 1: dark ones are not seen in thin
        structures on a dark image.
    fade : tuple of float or None
        Shares of the range up to which it is transparent, and from which on opaque; None if it is
        the same everywhere.
    words : tuple of str
        What the two ends of the colours mean, in a word or two.
    """

    key: str
    title: str
    values: np.ndarray
    limits: tuple[float, float]
    meaning: str
    unit: str = ""
    colour_map: str = "magma"
    scale: tuple[float, float] = (1.0, 1.0)
    translate: tuple[float, float] = (0.0, 0.0)
    fade: tuple[float, float] | None = FADE
    start: float = 0.0
    words: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Legend:
    """What the colours of a layer mean: a range of numbers, or a few colours by name.

    Parameters
    ----------
    title : str
        What is shown.
    meaning : str
        One sentence: what the colour means.
    unit : str
        What the numbers count; may be empty.
    limits : tuple of float, optional
        The values at the two ends, of a layer that does not know them itself.
    colours : numpy.ndarray or None
        ``(N, 4)``, 0 to 1: the colours from low to high, of such a layer.
    kinds : sequence of (str, str)
        Colour (``"#rrggbb"``) and words of each kind, if there is no range.
    words : tuple of str
        What the two ends mean, in a word or two; it holds for the limits that the layer has first.
    """

    title: str
    meaning: str
    unit: str = ""
    limits: tuple[float, float] | None = None
    colours: np.ndarray | None = None
    kinds: Sequence[tuple[str, str]] = ()
    words: tuple[str, str] = ("", "")


@cache
def colour_map(
    name: str,
    *,
    signed: bool = False,
    fade: tuple[float, float] | None = FADE,
    start: float = 0.0,
) -> Colormap:
    """Return one of matplotlib's colour maps, which becomes transparent towards zero."""
    import matplotlib
    from napari.utils.colormaps import Colormap

    place = np.linspace(0, 1, 256)
    colours = np.array(matplotlib.colormaps[name](start + (1 - start) * place), dtype=float)
    if fade is not None:
        size = np.abs(2 * place - 1) if signed else place
        colours[:, 3] = OPAQUE * np.interp(size, fade, (0, 1))
    return Colormap(colours, name=name if fade is None else f"{name}, fading")


def overlay_layer(overlay: Overlay, place: Place, **record: Any) -> Image:
    """Make the layer of a map, lying exactly on its part of the plane.

    Parameters
    ----------
    overlay : Overlay
        The map.
    place : Place
        Where it was looked.
    **record
        Goes into ``metadata["dgno"]``.
    """
    from napari.layers import Image

    low, high = (float(limit) for limit in overlay.limits)
    signed = low < 0 < high
    layer = Image(
        place.expanded(np.asarray(overlay.values, dtype=np.float32)),
        name=layer_name(overlay.title, place),
        rgb=False,
        multiscale=False,
        colormap=colour_map(
            overlay.colour_map, signed=signed, fade=overlay.fade, start=overlay.start
        ),
        contrast_limits=(low, high if high > low else low + 1e-6),
        opacity=THIN if overlay.fade is None else 1.0,
        blending="translucent",
        interpolation2d="nearest",
        metadata=mark(overlay.key, place, **record),
        **place.map_keywords(overlay.scale, overlay.translate),
    )
    layer.contrast_limits_range = layer.contrast_limits
    return layer


def picture_layer(
    pixels: np.ndarray, place: Place, title: str, at: tuple[float, float], **look: Any
) -> Image:
    """Make the layer of an image that an analysis brings along; the next one takes it away.

    Parameters
    ----------
    pixels : numpy.ndarray
        ``(Y, X)`` or, in colour, ``(Y, X, 3)``.
    place : Place
        Where it was looked.
    title : str
        What the layer is called, before the name of the image.
    at : tuple of float
        The pixel of the image at the centre of its first.
    **look
        Colour map and contrast limits of the layer.
    """
    from napari.layers import Image

    colour = pixels.ndim == 3
    channels = np.moveaxis(pixels, -1, 0) if colour else pixels[None]
    planes = [place.expanded(channel) for channel in channels]
    return Image(
        np.stack(planes, axis=-1) if colour else planes[0],
        rgb=colour,
        multiscale=False,
        name=layer_name(title, place),
        blending="translucent",
        metadata=mark(BESIDE, place),
        **place.map_keywords((1, 1), at),
        **look,
    )


def layer_name(title: str, place: Place) -> str:
    """Name a layer, what it shows first: napari's list has no room for more."""
    return f"{title[:1].upper()}{title[1:]} · {place.layer.name}"


def mark(key: str, place: Place, **record: Any) -> dict[str, Any]:
    """Metadata by which a layer of an analysis is known."""
    return {RESULT_KEY: {"analysis": key, "image": place.layer.name, **record}}


def legend_of(overlay: Overlay) -> Legend:
    """Say what the colours of a map mean."""
    title = overlay.title[:1].upper() + overlay.title[1:]
    return Legend(title, overlay.meaning, overlay.unit, words=overlay.words)


def analysed_image(layer: Layer) -> str | None:
    """Return the name of the image that an analysis made a layer for; None for other layers."""
    record = layer.metadata.get(RESULT_KEY)
    return record.get("image") if isinstance(record, dict) and "analysis" in record else None
