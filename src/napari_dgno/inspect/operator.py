"""The section of the Inspect panel that shows what an operator does inside."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSpinBox

from dgno_core.errors import DGNOError
from napari_dgno.inspect import tooltips as tips
from napari_dgno.inspect.faces import face_layer, grid_layer
from napari_dgno.inspect.section import Section
from napari_dgno.inspect.words import NO_FACES, SCALES, SHOWN, ordinal
from napari_dgno.inspect.work import OperatorPicture, OperatorRequest, looking_inside
from napari_dgno.shared.analysis_cache import Key, key_of, plane_checksum
from napari_dgno.shared.analysis_overlay import Legend, Overlay, legend_of, overlay_layer
from napari_dgno.shared.analysis_panel import Analysis, with_content
from napari_dgno.shared.panel import explain_labels, set_out
from napari_dgno.shared.progress import wrapped_label

if TYPE_CHECKING:
    from napari.layers import Layer

    from dgno_core.interpretation.operator_maps import OperatorMaps
    from dgno_core.models import ModelCard
    from napari_dgno.inspect.form import InspectForm
    from napari_dgno.shared.analysis_panel import AnalysisPanel
    from napari_dgno.shared.analysis_place import Place

#: How many times wider the features are than the network, at each size.
_WIDER = {"quarter": 4, "half": 2, "full": 1}


class OperatorSection(Section):
    """Scale, operator, what to show, and of which channels."""

    def __init__(self, panel: AnalysisPanel, form: InspectForm) -> None:
        super().__init__(panel, form, tips.OPERATOR)
        self.show_combo = QComboBox()
        for name, (title, text) in SHOWN.items():
            self.show_combo.addItem(title, name)
            self.show_combo.setItemData(self.show_combo.count() - 1, text, 3)
        self.scale_combo = QComboBox()
        for name, title in SCALES.items():
            self.scale_combo.addItem(f"{title} size" if name != "quarter" else "Quarter size", name)
        self.iteration_spin = QSpinBox()
        self.iteration_spin.setRange(1, 2)
        self.head_spin, self.dimension_spin = QSpinBox(), QSpinBox()
        for spin in (self.head_spin, self.dimension_spin):
            spin.setSpecialValueText("All")
            spin.setRange(0, 16)
        self.grid_box = QCheckBox("Element grid")
        self.grid_box.setToolTip(tips.GRID)
        self.explanation = wrapped_label()
        fields = QFormLayout()
        set_out(fields)
        rows = (
            ("Show", self.show_combo, tips.SHOW),
            ("Image at", self.scale_combo, tips.SCALE),
            ("Operator", self.iteration_spin, tips.ITERATION),
            ("Head", self.head_spin, tips.HEAD),
            ("Dimension", self.dimension_spin, tips.DIMENSION),
        )
        for title, widget, tip in rows:
            fields.addRow(title, widget)
            widget.setToolTip(tip)
        explain_labels(fields, [(widget, tip) for _, widget, tip in rows])
        fields.addRow(self.grid_box)
        self._fields = fields
        self.column.addLayout(fields)
        self.column.addWidget(self.explanation)
        self.button = self.main_button("Show map", tips.SHOW_MAP)
        self.button.clicked.connect(lambda: panel.try_to(self.prepare))
        self.show_combo.currentIndexChanged.connect(self.refresh)
        self.scale_combo.currentIndexChanged.connect(self.refresh)
        self.head_spin.valueChanged.connect(self.refresh)
        form.changed.connect(self.refresh)
        self.refresh()

    def request(self) -> OperatorRequest:
        """Return which map is asked for."""
        shown = str(self.show_combo.currentData())
        head = self.head_spin.value() - 1 if self.head_spin.value() else None
        dimension = self.dimension_spin.value() - 1 if self.dimension_spin.value() else None
        if head is None or shown.startswith("face_") or shown == "ratio":
            dimension = None
        return OperatorRequest(
            str(self.scale_combo.currentData()),
            self.iteration_spin.value() - 1,
            shown,
            head,
            dimension,
            self.grid_box.isChecked(),
        )

    def prepare(self) -> Analysis:
        """Collect what the analysis needs.

        Raises
        ------
        DGNOError
            If something is missing, or the model has no faces.
        """
        place = self.form.place()
        card = self.form.card()
        if not has_faces(card):
            raise DGNOError(NO_FACES.format(name=card.name))
        config, request = self.form.config(), self.request()
        subject = self.subject(place, config)
        described = card.model_dump_json()
        kept = self.panel_key("operator", place, described, request.scale, request.iteration)
        content = cache(lambda: plane_checksum(place))

        def known() -> tuple[Key, OperatorMaps | None]:
            """In the worker."""
            key = with_content(kept, content())
            return key, self.panel.cache.get(key, place.source.data)

        return Analysis(
            place.layer,
            place.source.data,
            self.panel_key("operator map", place, described, request),
            "Reading the image and the model …",
            looking_inside,
            (subject, config, self.panel.models, request, known),
            lambda picture: self._show(place, request, picture),
            content=content,
        )

    def panel_key(self, kind: str, place: Place, *settings: Hashable) -> Key:
        """Key of an analysis that the second model does not matter to."""
        scaling = self.form.config().normalise
        return key_of(kind, place, scaling, self.form.channel(), *settings)

    def _show(self, place: Place, request: OperatorRequest, picture: OperatorPicture) -> str:
        operator = f"({request.scale} size, {ordinal(request.iteration + 1)} operator)"
        layers: list[tuple[Layer, Legend | None]] = []
        title = SHOWN[request.shown][0].lower()
        if picture.map is not None:
            made = picture.map
            overlay = Overlay(
                f"operator {made.name}",
                f"{title}{_channel(request)} {operator}",
                made.data,
                made.limits,
                made.legend,
                made.unit,
                made.colour_map,
                made.scale,
                made.translate,
            )
            layers.append((overlay_layer(overlay, place), legend_of(overlay)))
        else:
            kind = request.shown.removeprefix("face_")
            of = f"{title}{_channel(request)} {operator}"
            layers.append(face_layer(picture.faces, kind, picture.boundary, place, of))
        if request.grid:
            layers.append((grid_layer(picture.faces, place, f"element grid {operator}"), None))
        self.panel.add_over(layers, place.layer)
        if request.grid:
            layers[-1][0].visible = True
        return f"See the new layer over the image.{self.where(place)}"

    def refresh(self) -> None:
        """Offer what the chosen model has."""
        shown = str(self.show_combo.currentData())
        try:
            card = self.form.card()
        except DGNOError:
            card = None
        usable = card is not None and has_faces(card)
        self.button.setEnabled(usable)
        text = SHOWN[shown][1]
        if card is not None and not usable:
            text = NO_FACES.format(name=card.name)
        self.explanation.setText(text)
        if card is None or not usable:
            return
        config = card.config
        self.iteration_spin.setMaximum(config.iterations)
        self.iteration_spin.setSuffix(f" of {config.iterations}")
        self.head_spin.setMaximum(config.heads)
        wider = _WIDER[str(self.scale_combo.currentData())]
        self.dimension_spin.setMaximum(config.width * wider // config.heads)
        single = shown != "ratio" and not shown.startswith("face_")
        self.dimension_spin.setEnabled(single and self.head_spin.value() > 0)


def has_faces(card: ModelCard) -> bool:
    """Whether a model is made of operators with fluxes between elements."""
    config = card.config
    return config.kind == "dgno" and config.formulation in ("cell", "face")


def _channel(request: OperatorRequest) -> str:
    if request.head is None:
        return ""
    of = f" of head {request.head + 1}"
    return of if request.dimension is None else f"{of}, dimension {request.dimension + 1}"
