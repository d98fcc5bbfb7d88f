"""The Inspect panel: where to trust a result, what the network does inside, what it looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QTabBar, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.inspect import tooltips as tips
from napari_dgno.inspect.form import InspectForm, Scaling
from napari_dgno.inspect.lam import AttributionSection
from napari_dgno.inspect.operator import OperatorSection
from napari_dgno.inspect.trust import TrustSection
from napari_dgno.shared.analysis_panel import AnalysisPanel
from napari_dgno.shared.settings import read_preferences

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dgno.inspect.section import Section


class InspectPanel(AnalysisPanel):
    """Dock widget that looks into a network at work on an image layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        self.form = InspectForm(napari_viewer, read_preferences)
        self.operator = OperatorSection(self, self.form)
        self.attribution = AttributionSection(self, self.form, napari_viewer)
        self.trust = TrustSection(self, self.form, napari_viewer)
        self._sections = (self.trust, self.operator, self.attribution)
        self.tabs = QTabBar()
        self.tabs.setExpanding(True)
        self.tabs.setUsesScrollButtons(False)
        for title, tip in (
            ("Trust", tips.TRUST),
            ("Operator", tips.OPERATOR),
            ("Attribution", tips.ATTRIBUTION),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(title), tip)
        self._inputs = QWidget()
        inputs = QVBoxLayout(self._inputs)
        inputs.setContentsMargins(0, 0, 0, 0)
        inputs.addWidget(self.form)
        inputs.addWidget(self.tabs)
        for section in self._sections:
            inputs.addWidget(section)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.addWidget(self._inputs)
        inner.addWidget(self.display)
        inner.addWidget(self.legends)
        inner.addStretch(1)
        self.fill(content)
        self.tabs.currentChanged.connect(self._show_section)
        for chooser in (self.form.model_chooser, self.form.second_chooser):
            chooser.failed.connect(self.show_error)
        self.form.layer_combo.layer_changed.connect(self.clear_messages)
        self._show_section(0)

    def controls(self) -> QWidget:
        """Return what is switched off while an analysis is in progress."""
        return self._inputs

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        super().running_changed()
        self.form.layer_combo.set_following(not self.is_running)

    def open_section(self, section: Section) -> None:
        """Show the tab of a section."""
        self.tabs.setCurrentIndex(self._sections.index(section))

    def check_result(
        self,
        layer: Image,
        *,
        model: str = "auto",
        axes: str = "",
        normalise: Scaling = "stack",
    ) -> None:
        """Check how far the restoration of an image can be trusted.

        Parameters
        ----------
        layer : napari.layers.Image
            The image as it was recorded.
        model : str
            The model that restores it.
        axes : str
            What its dimensions are; guessed if not given.
        normalise : {"stack", "plane"}
            Whose brightness it was scaled by.
        """
        self.open_section(self.trust)
        if self.is_running:
            self.show_error(
                f"{layer.name!r} was not checked, for another look goes on: press Cancel or wait "
                "for its end, then check the result again."
            )
            return
        try:
            self.form.choose(layer, model, axes, normalise)
        except DGNOError as error:
            self.show_error(str(error))
            return
        self.try_to(self.trust.prepare)

    def _show_section(self, index: int) -> None:
        for number, section in enumerate(self._sections):
            section.setVisible(number == index)

    def set_folder(self, folder: Path | None) -> None:
        """List the models of another folder."""
        self.form.set_folder()

    def release(self) -> None:
        """Keep no results and listen to the viewer no longer."""
        super().release()
        self.form.disconnect_viewer()
        self.trust.disconnect_viewer()
