"""The Inspect panel: where to trust a result, what the network does inside, what it looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.compat import isalive
from qtpy.QtWidgets import QTabBar, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.inspect import tooltips as tips
from napari_dgno.inspect.form import InspectForm, Scaling
from napari_dgno.inspect.lam import AttributionSection
from napari_dgno.inspect.operator import OperatorSection
from napari_dgno.inspect.trust import TrustSection
from napari_dgno.shared.analysis_panel import LookPanel
from napari_dgno.shared.scroll import VerticalScroll
from napari_dgno.shared.settings import preference_model, read_preferences

if TYPE_CHECKING:
    from napari.layers import Image
    from napari.viewer import Viewer

    from napari_dgno.inspect.section import Section


class InspectPanel(LookPanel):
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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(VerticalScroll(content))
        self.tabs.currentChanged.connect(self._show_section)
        for chooser in (self.form.model_chooser, self.form.second_chooser):
            chooser.failed.connect(self.show_error)
        self._preferences = preference_model()
        if self._preferences is not None:
            self._preferences.events.connect(self._apply_preferences)
        self._folder = read_preferences().model_folder
        self.form.layer_combo.layer_changed.connect(self.clear_messages)
        self._show_section(0)

    def controls(self) -> QWidget:
        """Return what is switched off while a look is in progress."""
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

    def _apply_preferences(self, event: Any = None) -> None:
        if self._closed or not isalive(self):
            return  # the window is gone, napari's settings outlive it
        folder = read_preferences().model_folder
        if folder != self._folder:
            self._folder = folder
            self.form.set_folder()

    def shut_down(self) -> None:
        """Cancel and listen to the viewer no longer; safe to call twice."""
        if self._closed:
            return
        super().shut_down()
        self.form.disconnect_viewer()
        self.trust.disconnect_viewer()
        if self._preferences is not None:
            self._preferences.events.disconnect(self._apply_preferences)
