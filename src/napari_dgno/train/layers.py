"""The layers of the Train panel: pairs to look at, and pictures of the validation; knows no Qt."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_dgno.shared.curtain import end_comparison
from napari_dgno.shared.layers import RESULT_KEY

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from dgno_core.training.runs.preview import PairsFound
    from dgno_core.training.runs.record import RunRecord

#: Pixels between two pictures.
GAP = 16


class PairView:
    """Shows pairs side by side, and nothing else meanwhile.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets two layers; its others are hidden until these are gone.
    """

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._layers: list[Image] = []
        self._hidden: list[weakref.ref[Any]] = []
        self._view: Viewpoint | None = None

    @property
    def is_shown(self) -> bool:
        """Whether a pair is on screen."""
        return any(layer in self._viewer.layers for layer in self._layers)

    def show(self, found: PairsFound) -> None:
        """Show pairs, in place of those shown before."""
        from napari.layers import Image

        self.hide()
        end_comparison(self._viewer)
        layers = self._viewer.layers
        self._view = Viewpoint.of(self._viewer) if len(layers) else None
        self._hidden = [weakref.ref(layer) for layer in layers if layer.visible]
        for layer in list(layers):
            layer.visible = False
        place = placement(self._viewer, 3)
        colour = found.sharp.ndim == 4
        shift = np.zeros(3)
        shift[2] = (found.blurred.shape[2] + GAP) * place["scale"][2]
        look: dict[str, Any] = {"rgb": colour, "axis_labels": ("pair", "y", "x"), **place}
        if not colour:
            low, high = np.percentile(found.sharp, (0.1, 99.9))
            look["contrast_limits"] = (float(low), float(max(high, low + 1e-6)))
        active = layers.selection.active
        self._layers = [
            Image(
                data,
                name=name,
                translate=translate,
                metadata={RESULT_KEY: {"pairs": list(found.names)}},
                **look,
            )
            for data, name, translate in (
                (found.blurred, "pairs, blurred", np.zeros(3)),
                (found.sharp, "pairs, sharp", shift),
            )
        ]
        layers.extend(self._layers)
        layers.selection.active = active
        self._viewer.dims.set_current_step(self._viewer.dims.ndim - 3, 0)
        self._viewer.reset_view()

    def hide(self) -> None:
        """Remove the pairs and show the other layers again, as they were on screen before."""
        shown = [layer for layer in self._layers if layer in self._viewer.layers]
        self._layers = []
        if shown:
            end_comparison(self._viewer)
        for layer in shown:
            self._viewer.layers.remove(layer)
        for reference in self._hidden:
            layer = reference()
            if layer is not None and layer in self._viewer.layers:
                layer.visible = True
        self._hidden = []
        view, self._view = self._view, None
        if view is not None and len(self._viewer.layers):
            view.restore(self._viewer)


@dataclass(frozen=True)
class Viewpoint:
    """What of the layers is on screen.

    Parameters
    ----------
    point : tuple of float
        The plane: a place in world coordinates, one number for each dimension.
    centre : tuple of float
        What the camera looks at.
    zoom : float
        Screen pixels per unit of the world.
    """

    point: tuple[float, ...]
    centre: tuple[float, ...]
    zoom: float

    @classmethod
    def of(cls, viewer: Viewer) -> Viewpoint:
        """Return what a viewer shows."""
        camera = viewer.scene.camera
        return cls(viewer.dims.point, camera.center, camera.zoom)

    def restore(self, viewer: Viewer) -> None:
        """Show it again; dimensions that are no more are left out, the last ones fit."""
        ndim = min(viewer.dims.ndim, len(self.point))
        viewer.dims.set_point(range(-ndim, 0), self.point[-ndim:])
        camera = viewer.scene.camera
        camera.center, camera.zoom = self.centre, self.zoom


class PictureView:
    """Shows the validation pictures of one run, each as a layer that is updated in place.

    Parameters
    ----------
    viewer : napari.Viewer
        Gets the layers, below all others.
    folder : pathlib.Path
        The run's folder.
    """

    def __init__(self, viewer: Viewer, folder: Path) -> None:
        self._viewer = viewer
        self._folder = folder
        self._steps: dict[int, int] = {}
        self._layers: dict[int, weakref.ref[Image]] = {}
        self._corner: np.ndarray | None = None

    def update(self, record: RunRecord) -> None:
        """Show the latest pictures; one whose layer was deleted is not shown again."""
        for number, (step, path) in sorted(record.pictures.items()):
            if self._steps.get(number) != step:
                pixels = read_picture(self._folder / "pictures" / path.name)
                if pixels is not None:
                    self._steps[number] = step
                    self._show(number, step, pixels)

    def follow(self, folder: Path) -> None:
        """Go on with a run that has got another name, and give that to the layers."""
        self._folder = folder
        for number, reference in self._layers.items():
            layer = reference()
            if layer is not None:
                layer.name = self._name(number, self._steps[number])
                layer.metadata = self._metadata(self._steps[number])

    def _name(self, number: int, step: int) -> str:
        return f"{self._folder.name} {number}, step {step}"

    def _show(self, number: int, step: int, pixels: np.ndarray) -> None:
        name = self._name(number, step)
        if number not in self._layers:
            self._layers[number] = weakref.ref(self._new(pixels, name, step))
            return
        layer = self._layers[number]()
        if layer is None or layer not in self._viewer.layers:
            return
        if layer.data.shape == pixels.shape:
            layer.data = pixels
        layer.name = name
        layer.metadata = self._metadata(step)

    def _metadata(self, step: int) -> dict[str, Any]:
        return {RESULT_KEY: {"training": str(self._folder), "step": step}}

    def _new(self, pixels: np.ndarray, name: str, step: int) -> Image:
        from napari.layers import Image

        layers = self._viewer.layers
        place = placement(self._viewer, 2)
        first = self._corner is None
        if self._corner is None:
            self._corner = np.zeros(2)
            if len(layers):
                low, high = layers.extent.world[:, -2:]
                self._corner = np.array([high[0] + GAP * place["scale"][0], low[1]])
        layer = Image(
            pixels,
            name=name,
            rgb=pixels.ndim == 3,
            translate=self._corner.copy(),
            metadata=self._metadata(step),
            **place,
        )
        self._corner[0] += (pixels.shape[0] + GAP) * place["scale"][0]
        active = layers.selection.active
        layers.append(layer)
        layers.selection.active = active if active is not None else layer
        if first:
            self._viewer.reset_view()
        return layer


def placement(viewer: Viewer, ndim: int) -> dict[str, Any]:
    """Pixel size and units of the first layer, so that new layers fit beside it.

    Parameters
    ----------
    viewer : napari.Viewer
        Its first layer counts.
    ndim : int
        Dimensions of the new layer; those that the first one lacks get a step of 1.
    """
    if not len(viewer.layers):
        return {"scale": (1.0,) * ndim}
    layer = viewer.layers[0]
    scale = (1.0,) * max(0, ndim - layer.ndim) + tuple(float(s) for s in layer.scale[-ndim:])
    units = ("pixel",) * max(0, ndim - layer.ndim) + tuple(str(u) for u in layer.units[-ndim:])
    return {"scale": scale, "units": units}


def read_picture(path: Path) -> np.ndarray | None:
    """Read a validation picture; None if it is not there any more."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except OSError:
        return None
