"""The section of the Inspect panel that says where a restoration can be trusted."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from napari_dgno.inspect import tooltips as tips
from napari_dgno.inspect.section import Section
from napari_dgno.inspect.words import VERDICT_COLOURS
from napari_dgno.inspect.work import Weighed, weighing_trust
from napari_dgno.shared.analysis_cache import plane_checksum
from napari_dgno.shared.analysis_overlay import (
    FADE,
    Legend,
    Overlay,
    legend_of,
    overlay_layer,
    picture_layer,
)
from napari_dgno.shared.analysis_panel import Analysis
from napari_dgno.shared.compare import CompareBar
from napari_dgno.shared.curtain import end_comparison
from napari_dgno.shared.panel import set_out
from napari_dgno.shared.progress import wrapped_label

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from dgno_core.interpretation.trust import TrustMap, Verdict
    from napari_dgno.inspect.form import InspectForm
    from napari_dgno.shared.analysis_panel import AnalysisPanel
    from napari_dgno.shared.analysis_place import Place

#: Residuals up to so many standard deviations of the noise mean nothing.
NOISE = 3.0


class TrustSection(Section):
    """A button, the verdict in one sentence, what lies behind it, and a choice of maps."""

    def __init__(self, panel: AnalysisPanel, form: InspectForm, viewer: Viewer) -> None:
        super().__init__(panel, form, tips.TRUST)
        self._viewer = viewer
        self._layers: list[Layer] = []
        self.button = self.main_button("Check the result", tips.CHECK)
        self.verdict = wrapped_label()
        self.verdict.hide()
        self.column.insertWidget(self.column.indexOf(self.result), self.verdict)
        self.map_combo = QComboBox()
        self.map_combo.setToolTip(tips.MAP)
        self.chooser = QWidget()
        fields = QFormLayout(self.chooser)
        set_out(fields)
        fields.addRow("Map", self.map_combo)
        self.column.addWidget(self.chooser)
        self.compare = CompareBar(viewer)
        self.column.addWidget(self.compare)
        self.chooser.hide()
        self.compare.hide()
        self.button.clicked.connect(lambda: panel.try_to(self.prepare))
        self.map_combo.activated.connect(self.choose)
        viewer.layers.events.removed.connect(self._on_removed)

    def prepare(self) -> Analysis:
        """Collect what the analysis needs.

        Raises
        ------
        DGNOError
            If something is missing.
        """
        place, configs, models = self.form.place(), self.form.configs(), self.panel.models
        return Analysis(
            place.layer,
            place.source.data,
            self.key("trust", place),
            "Reading the image and the model …",
            weighing_trust,
            (self.subject(place, configs[0]), configs, models, self.form.pixel_size(place)),
            lambda weighed: self._show(place, weighed),
            content=lambda: plane_checksum(place),
        )

    def choose(self, index: int) -> None:
        """Show one of the maps and hide the others."""
        end_comparison(self._viewer)
        for number, layer in enumerate(self._layers):
            layer.visible = number == index
        self._viewer.layers.selection.active = self._layers[index]

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        self.compare.shut_down()

    def _show(self, place: Place, weighed: Weighed) -> str:
        self.compare.stop()  # what it compares is about to be replaced
        found = weighed.found
        overlays = [_overlay(made) for made in found.maps]
        layers: list[tuple[Layer, Legend | None]] = [
            (overlay_layer(overlay, place), legend_of(overlay)) for overlay in overlays
        ]
        for layer, _ in layers[1:]:
            layer.visible = False
        self._layers = []  # their removal is none of the user's doing
        below = self._restored(place, weighed)
        self.panel.add_over([*layers, *((layer, None) for layer in below)], place.layer)
        self._layers = [layer for layer, _ in layers]
        self.compare.set_layers(place.layer, below[-1])
        self.map_combo.clear()
        for made in found.maps:
            self.map_combo.addItem(made.title, made.key)
        self._pronounce(found.verdict)
        self.say(escape(found.summary), place.layer)
        if not place.is_whole_plane:
            return f"The map lies over the restored part of the image.{self.where(place)}"
        return "The map lies over the restored image, which is to its right once more, bare."

    def _pronounce(self, verdict: Verdict) -> None:
        """Show the verdict, larger than all else, with a bar in the colour of its level."""
        colour = VERDICT_COLOURS[verdict.level]
        self.verdict.setStyleSheet(
            f"QLabel {{ border-left: 6px solid {colour}; padding: 4px 4px 4px 8px; "
            "font-size: 13pt; font-weight: bold; }"
        )
        self.verdict.setText(verdict.sentence)

    def show_result(self, shown: bool) -> None:
        """Show or hide the verdict, what lies behind it, and the choice of maps."""
        super().show_result(shown)
        self.verdict.setVisible(shown)
        self.chooser.setVisible(shown and bool(self._layers))
        self.compare.setVisible(shown)
        if not shown:
            self.compare.leave()  # nobody could end it

    def _restored(self, place: Place, weighed: Weighed) -> list[Image]:
        """Make layers of the restored image: in its place, and bare beside a whole plane."""
        region, like = place.region, place.layer
        y, x = float(region.y.start), float(region.x.start)
        grey = weighed.restored.ndim == 2 and not like.rgb
        look = {"colormap": like.colormap, "contrast_limits": like.contrast_limits} if grey else {}
        layers = [picture_layer(weighed.restored, place, "restored", (y, x), **look)]
        if place.is_whole_plane:
            beside = place.beside(y)
            layers[:0] = [
                picture_layer(weighed.restored, place, "restored, beside", beside, **look)
            ]
        return layers

    def _on_removed(self, event: Any) -> None:
        if event.value in self._layers:
            index = self._layers.index(event.value)
            self._layers.pop(index)
            self.map_combo.removeItem(index)
            self.chooser.setVisible(bool(self._layers))


def _fade(made: TrustMap) -> tuple[float, float] | None:
    """Where a map is transparent: at little error, and where the residual is mere noise."""
    if made.key == "blur_width":
        return None
    if made.key == "residual":
        noise = min(NOISE / max(made.limits[1], NOISE), 0.9)
        return noise, min(2 * noise, 1.0)
    return FADE


def _overlay(made: TrustMap) -> Overlay:
    return Overlay(
        f"trust {made.key}",
        made.title[:1].lower() + made.title[1:],
        made.values,
        made.limits,
        made.legend,
        made.unit,
        made.colour_map,
        made.scale,
        made.translate,
        fade=_fade(made),
        words=made.words,
    )
