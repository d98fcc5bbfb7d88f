"""The section of the Inspect panel that attributes restored edges to input pixels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QComboBox, QFormLayout, QPushButton

from dgno_core.errors import DGNOError
from napari_dgno.inspect import tooltips as tips
from napari_dgno.inspect.box import box_layer, drawing_layer, drawn_box
from napari_dgno.inspect.section import Section
from napari_dgno.inspect.words import ATTRIBUTION_MEANING, DIFFUSION, EFFORTS
from napari_dgno.inspect.work import attributing
from napari_dgno.shared.analysis_cache import plane_checksum
from napari_dgno.shared.analysis_overlay import (
    BESIDE,
    Legend,
    Overlay,
    legend_of,
    overlay_layer,
    picture_layer,
)
from napari_dgno.shared.analysis_panel import Analysis
from napari_dgno.shared.panel import explain_labels, set_out

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from dgno_core.interpretation.lam import Attribution
    from napari_dgno.inspect.form import InspectForm
    from napari_dgno.shared.analysis_panel import AnalysisPanel
    from napari_dgno.shared.analysis_place import Place

#: Attribution is a few bright pixels among many faint ones: half of its colours are for the faint.
SHOWN = 99.9
FADING = (0.02, 0.2)
START = 0.35


class AttributionSection(Section):
    """A rectangle, an effort, and how far the network looks."""

    def __init__(self, panel: AnalysisPanel, form: InspectForm, viewer: Viewer) -> None:
        super().__init__(panel, form, tips.ATTRIBUTION)
        self._viewer = viewer
        self.draw_button = QPushButton("Draw a rectangle")
        self.draw_button.setToolTip(tips.DRAW)
        self.effort_combo = QComboBox()
        for name, title in EFFORTS.items():
            self.effort_combo.addItem(title, name)
        self.effort_combo.setToolTip(tips.EFFORT)
        self.column.addWidget(self.draw_button)
        fields = QFormLayout()
        set_out(fields)
        fields.addRow("Effort", self.effort_combo)
        explain_labels(fields, [(self.effort_combo, tips.EFFORT)])
        self.column.addLayout(fields)
        self.button = self.main_button("Show attribution", tips.ATTRIBUTE)
        self.draw_button.clicked.connect(self.draw)
        self.button.clicked.connect(lambda: panel.try_to(self.prepare))

    def draw(self) -> None:
        """Let the user drag a rectangle, in a layer of its own."""
        try:
            place = self.form.place()
        except DGNOError as error:
            self.panel.show_error(str(error))
            return
        shapes = drawing_layer(self._viewer, place.layer)
        if shapes is None:
            shapes = box_layer(place)
            self._viewer.layers.append(shapes)
        shapes.visible = True
        self._viewer.layers.selection.active = shapes
        shapes.mode = "add_rectangle"

    def prepare(self) -> Analysis:
        """Collect what the analysis needs.

        Raises
        ------
        DGNOError
            If something is missing, the rectangle above all.
        """
        from dgno_core.interpretation.lam import LamSettings, Window

        place = self.form.place()
        window = Window(*drawn_box(self._viewer, place))
        settings = LamSettings(effort=self.effort_combo.currentData())
        configs = self.form.configs()
        return Analysis(
            place.layer,
            place.source.data,
            self.key("attribution", place.on_plane(), str(window), settings.model_dump_json()),
            "Reading the image and the model …",
            attributing,
            (self.subject(place, configs[0]), configs, self.panel.models, window, settings),
            lambda found: self._show(place, found),
            content=lambda: plane_checksum(place),
        )

    def _show(self, place: Place, found: Sequence[Attribution]) -> str:
        layers: list[tuple[Layer, Legend | None]] = []
        high = max(map(_high, found))  # the same for both, to compare them
        for number, attribution in enumerate(found):
            overlay = Overlay(
                BESIDE if number else "attribution",
                f"attribution, {attribution.model}" + (", beside" if number else ""),
                attribution.absolute,
                (0.0, high),
                ATTRIBUTION_MEANING,
                "of the largest",
                "inferno",
                attribution.scale,
                self._translate(place, attribution, number),
                FADING,
                START,
            )
            layer = overlay_layer(overlay, place, diffusion_index=attribution.diffusion_index)
            layers.append((layer, legend_of(overlay) if number == 0 else None))
        if len(found) > 1:
            layers.append((self._beside(place, found[1]), None))
        self.panel.add_over(layers, place.layer)
        self.say(_in_words(found), place.layer)
        if len(found) > 1:
            self._viewer.reset_view()
            return "The first model's map lies on the image, the second one's to its right."
        return "See the new layer over the image."

    def _translate(
        self, place: Place, attribution: Attribution, number: int
    ) -> tuple[float, float]:
        """Where a map lies: the first model's on the image, the second one's beside it."""
        y, x = attribution.translate
        return place.beside(y) if number else (y, x)

    def _beside(self, place: Place, attribution: Attribution) -> Image:
        """Make the layer of the neighbourhood, to lie under the second map."""
        image = np.moveaxis(np.clip(attribution.image, 0, 1), 0, -1)
        pixels = image if image.shape[-1] == 3 else image[..., 0]
        at = self._translate(place, attribution, 1)
        return picture_layer(pixels, place, "the same pixels, beside", at)


def _high(attribution: Attribution) -> float:
    """Where the colours end, as a share of the largest: few pixels are brighter."""
    return max(float(np.percentile(attribution.absolute, SHOWN)), 0.05)


def _in_words(found: Sequence[Attribution]) -> str:
    """Say how widely the networks look."""
    lines = [
        f"<b>{escape(one.model)}</b>: diffusion index <b>{one.diffusion_index:.1f}</b>, "
        f"{escape(one.effort)}"
        for one in found
    ]
    return "<br>".join([*lines, escape(DIFFUSION)])
