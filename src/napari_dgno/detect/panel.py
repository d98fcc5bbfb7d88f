"""The Detect panel: the objects of an image before and after restoring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.detect import words
from napari_dgno.detect.form import DetectForm
from napari_dgno.detect.layers import full_array, objects_layer, placement, status_layer
from napari_dgno.detect.table import ObjectTable
from napari_dgno.detect.view import agreement_table, go_to
from napari_dgno.detect.work import Compared, Comparison, comparing, content_of, limits_key
from napari_dgno.shared.analysis_cache import Key
from napari_dgno.shared.analysis_panel import Analysis, AnalysisPanel
from napari_dgno.shared.compare import CompareBar
from napari_dgno.shared.layer_order import above_images
from napari_dgno.shared.layers import output_layer, result_warnings
from napari_dgno.shared.progress import wrapped_label
from napari_dgno.shared.save_dialog import TABLES, ask_path
from napari_dgno.shared.settings import read_preferences

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer
    from napari.viewer import Viewer

    from napari_dgno.shared.analysis_overlay import Legend
    from napari_dgno.shared.analysis_place import Place


class DetectPanel(AnalysisPanel):
    """Dock widget that compares detections before and after restoring.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer it is docked in.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__(napari_viewer)
        from dgno_core.detection.models import why_unavailable
        from dgno_core.detection.status import STATUS_COLOURS

        self.form = DetectForm(napari_viewer, read_preferences)
        self._shown: tuple[Place, Labels] | None = None
        purpose = wrapped_label()
        purpose.setText(words.PURPOSE)
        self.missing = wrapped_label()
        self.missing.setText(why_unavailable() or "")
        self.missing.setVisible(bool(self.missing.text()))
        self.button = QPushButton("Detect")
        self.button.setToolTip(words.DETECT)
        self.button.setStyleSheet("font-weight: bold;")
        self.button.setEnabled(not self.missing.text())
        self.counts = wrapped_label()
        self.compare = CompareBar(napari_viewer)
        self.agreement = wrapped_label()
        self.table = ObjectTable({**STATUS_COLOURS})
        self.save_button = QPushButton("Save table …")
        self.save_button.setToolTip(words.SAVE)
        self._results = QWidget()
        results = QVBoxLayout(self._results)
        results.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self.counts, self.compare, self.legends, self.agreement, self.table, self.save_button
        ):  # fmt: skip
            results.addWidget(widget)
        self._results.hide()
        self._inputs = QWidget()
        inputs = QVBoxLayout(self._inputs)
        inputs.setContentsMargins(0, 0, 0, 0)
        for widget in (purpose, self.form, self.missing, self.button):
            inputs.addWidget(widget)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.addWidget(self._inputs)
        inner.addWidget(self.display)
        inner.addWidget(self._results)
        inner.addStretch(1)
        self.fill(content)
        self.button.clicked.connect(lambda: self.try_to(self.prepare))
        self.save_button.clicked.connect(self.save)
        self.table.chosen.connect(self._on_chosen)
        self.form.model_chooser.failed.connect(self.show_error)
        self.form.detector_chooser.failed.connect(self.show_error)
        self.form.before_combo.layer_changed.connect(self._show_results)

    def controls(self) -> QWidget:
        """Return what is switched off while a detection is in progress."""
        return self._inputs

    def running_changed(self) -> None:
        """Switch the controls off or on."""
        super().running_changed()
        self.form.before_combo.set_following(not self.is_running)

    # Detecting ----------------------------------------------------------------------------------

    def prepare(self) -> Analysis:
        """Collect what a detection needs.

        Raises
        ------
        DGNOError
            If something is missing or does not fit.
        """
        before, after = self.form.before(), self.form.after()
        config, restore = self.form.config(), self.form.restore_config()
        truth = self.form.truth()
        comparison = Comparison(
            before.source,
            None if after is None else after.source,
            None if truth is None else truth.data,
            "" if truth is None else truth.name,
            None if self.form.all_planes() else before.region.position,
            [
                self.cache.get(limits_key(place.source), place.source.data)
                for place in (before, after)
                if place is not None
            ],
            () if after is None else result_warnings(after.layer),
        )
        return Analysis(
            before.layer,
            before.source.data,
            Key("detect", id(before.source.data), (), (config, restore)),
            "Reading the images …",
            comparing,
            (comparison, config, restore, self.models),
            lambda compared: self._show(before, after, compared),
            content=lambda: content_of(comparison),
        )

    def _show(self, before: Place, after: Place | None, compared: Compared) -> str:
        self.compare.stop()  # or it would be taken for the restored image
        found, place = compared.found, before
        axes = found.before.axes
        second = None if after is None else after.layer
        if compared.restored is not None:
            second = self._add_restored(before, compared)
        title = "objects" if found.after is None else "matched, lost, gained"
        overlay, legend = status_layer(compared.objects, compared.painted, axes, place, title)
        layers: list[tuple[Layer, Legend | None]] = [(overlay, legend)]
        if found.after is not None:
            layers.append((objects_layer(found.after.labels, axes, place, "objects after"), None))
        layers.append((objects_layer(found.before.labels, axes, place, "objects before"), None))
        self.add_over(layers, before.layer)
        self.compare.set_layers(before.layer, second)
        self.compare.setVisible(second is not None)
        self._shown = place, overlay
        count_after = None if found.after is None else found.after.count
        self.counts.setText(
            words.counts_in_words(
                found.before.count, count_after, found.matched, found.lost, found.gained
            )
        )
        self.agreement.setText(agreement_table(found))
        self.agreement.setVisible(bool(found.truth_before))
        self.table.show_objects(compared.objects, stack=len(found.before.planes) > 1)
        self._show_results()
        return "See the outlines over the image, and the table."

    def _show_results(self) -> None:
        """Show counts and table while their image is the chosen one; forget them with it."""
        self.clear_messages()
        if self._shown is not None and self._shown[0].layer not in self._viewer.layers:
            self._shown = None
            self.table.show_objects([], stack=False)
        place = None if self._shown is None else self._shown[0]
        chosen = self.form.before_combo.layer()
        shown = place is not None and place.layer is chosen
        self._results.setVisible(shown)
        if not shown:
            self.compare.leave()  # nobody could end it

    def _add_restored(self, before: Place, compared: Compared) -> Image:
        """Show what was restored on the way, unless it is there from an earlier detection."""
        from napari.layers import Image

        axes = compared.axes.removesuffix("S") if before.layer.rgb else compared.axes
        data = full_array(np.asarray(compared.restored), axes, before)
        for layer in self._viewer.layers:
            known = isinstance(layer, Image) and isinstance(layer.data, np.ndarray)
            if known and np.may_share_memory(layer.data, data):
                return layer
        layer = output_layer(data, like=before.layer, provenance=compared.record)
        layer.translate = placement(axes, before)["translate"]
        self._viewer.layers.insert(above_images(self._viewer.layers), layer)
        return layer

    # The table ----------------------------------------------------------------------------------

    def save(self) -> None:
        """Ask where, and write the table."""
        from dgno_core.detection.objects import write_objects

        path = ask_path(self, "Save the table of objects", "objects", TABLES)
        if path is None:
            return
        try:
            write_objects(self.table.objects.objects, path)
        except DGNOError as error:
            self.show_error(str(error))
            return
        self.display.finish(f"Saved as {path.name}.")

    def _on_chosen(self, number: int) -> None:
        if self._shown is not None and not self._closed:
            go_to(self._viewer, number, self.table.objects.objects[number - 1], *self._shown)

    def set_folder(self, folder: Path | None) -> None:
        """List the models of another folder."""
        self.form.model_chooser.set_folder(folder)

    def release(self) -> None:
        """Keep no results and listen to the viewer no longer."""
        super().release()
        self._shown = None
        self.compare.shut_down()
        self.form.disconnect_viewer()
