"""What the three sections of the Inspect panel have in common."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_dgno.inspect.work import Subject, range_key
from napari_dgno.shared.analysis_cache import Key, key_of
from napari_dgno.shared.loaded_models import weights_stamp
from napari_dgno.shared.progress import wrapped_label

if TYPE_CHECKING:
    from napari.layers import Layer

    from dgno_core.inference import RestoreConfig
    from napari_dgno.inspect.form import InspectForm
    from napari_dgno.shared.analysis_panel import AnalysisPanel
    from napari_dgno.shared.analysis_place import Place


class Section(QWidget):
    """One kind of analysis: what it is, its settings, and a button.

    Parameters
    ----------
    panel : AnalysisPanel
        Runs the analysis and shows what it finds.
    form : InspectForm
        Which image and which models.
    purpose : str
        One sentence: what this analysis is for.
    """

    def __init__(self, panel: AnalysisPanel, form: InspectForm, purpose: str) -> None:
        super().__init__()
        self.panel = panel
        self.form = form
        self.purpose = wrapped_label()
        self.purpose.setText(purpose)
        self.result = wrapped_label()
        self.result.setTextFormat(Qt.TextFormat.RichText)
        self.result.hide()
        self._about: Layer | None = None
        form.layer_combo.layer_changed.connect(self.show_findings)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 4, 0, 0)
        self.column.addWidget(self.purpose)

    def main_button(self, title: str, tip: str) -> QPushButton:
        """Add the button that starts the analysis."""
        button = QPushButton(title)
        button.setToolTip(tip)
        button.setStyleSheet("font-weight: bold;")
        self.column.addWidget(button)
        self.column.addWidget(self.result)
        return button

    def say(self, html: str, layer: Layer) -> None:
        """Show what the last analysis of a layer found, in words."""
        self._about = layer
        self.result.setText(html)
        self.show_findings()

    def show_findings(self) -> None:
        """Show what was found while its image is the chosen one; forget it with the image."""
        chosen = self.form.layer_combo.layer()
        if self._about is not None and not self.form.has_layer(self._about):
            self._about = None
        self.show_result(self._about is not None and self._about is chosen)

    def show_result(self, shown: bool) -> None:
        """Show or hide the words."""
        self.result.setVisible(shown)

    def subject(self, place: Place, config: RestoreConfig) -> Subject:
        """Describe what is analysed, with what earlier analyses have measured."""
        subject = Subject(place.source, place.region, self.form.channel())
        ranges = self.panel.cache.get(range_key(subject, config), place.source.data)
        return Subject(place.source, place.region, self.form.channel(), ranges)

    def key(self, kind: str, place: Place, *settings: Hashable) -> Key:
        """Key of an analysis with the chosen models, by their files."""
        configs = self.form.configs()
        weights = [weights_stamp(config) for config in configs]
        scaling = configs[0].normalise
        return key_of(kind, place, *weights, scaling, self.form.channel(), *settings)

    def where(self, place: Place) -> str:
        """Say which part was looked at if that is not the whole plane or view."""
        if place.region.whole_view:
            return ""
        rows = place.region.y.stop - place.region.y.start
        columns = place.region.x.stop - place.region.x.start
        return f" Only the middle {columns} × {rows} pixels of the view: zoom in to choose a place."
