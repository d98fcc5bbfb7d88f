"""The upper part of the Detect panel: which images, which detector, which truth."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QWidget

from dgno_core.errors import DGNOError
from napari_dgno.detect import words
from napari_dgno.detect.detector_chooser import DetectorChooser
from napari_dgno.shared.analysis_place import Place
from napari_dgno.shared.layer_combo import image_combo, labels_combo
from napari_dgno.shared.layers import layer_axes, layer_source, visible_region
from napari_dgno.shared.model_chooser import ModelChooser
from napari_dgno.shared.panel import explain_labels, set_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel
    from napari.layers import Image, Labels

    from dgno_core.detection import DetectConfig
    from dgno_core.inference import RestoreConfig
    from napari_dgno.shared.settings import Preferences


class DetectForm(QWidget):
    """Fields for one comparison.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its layers can be chosen.
    preferences : callable
        Gives the preferences as they are now.
    """

    def __init__(self, viewer: ViewerModel, preferences: Callable[[], Preferences]) -> None:
        super().__init__()
        self._viewer = viewer
        self._preferences = preferences
        self._kind_was_chosen = False
        self.before_combo = image_combo(viewer)
        self.after_kind = QComboBox()
        for kind, title in words.AFTER_KINDS.items():
            self.after_kind.addItem(title, kind)
        self.after_combo = image_combo(viewer)
        self.after_combo.set_following(False)
        self.model_chooser = ModelChooser(preferences().model_folder)
        self.planes_combo = QComboBox()
        self.planes_combo.addItem("The one on screen", "one")
        self.planes_combo.addItem("All", "all")
        self.detector_chooser = DetectorChooser()
        self.truth_combo = labels_combo(viewer, words.NO_TRUTH)
        self.iou_spin = QDoubleSpinBox()
        self.iou_spin.setRange(0.05, 1.0)
        self.iou_spin.setSingleStep(0.05)
        self.iou_spin.setValue(0.5)
        self.axes_edit = QLineEdit()
        self.axes_edit.setMaxLength(7)
        rows = (
            ("Before", self.before_combo, words.BEFORE),
            ("Compare with", self.after_kind, words.AFTER_KIND),
            ("After", self.after_combo, words.AFTER),
            ("Model", self.model_chooser, words.MODEL),
            ("Axes", self.axes_edit, words.AXES),
            ("Planes", self.planes_combo, words.PLANES),
            ("Detector", self.detector_chooser, words.DETECTOR),
            ("Truth", self.truth_combo, words.TRUTH),
            ("Same from", self.iou_spin, words.IOU),
        )
        self.iou_spin.setSuffix(" overlap (IoU)")
        form = QFormLayout(self)
        set_out(form)
        self._fields = form
        for title, widget, tip in rows:
            form.addRow(title, widget)
            widget.setToolTip(tip)
        explain_labels(form, [(widget, tip) for _, widget, tip in rows])
        self.before_combo.layer_changed.connect(self._show_layer)
        self.axes_edit.textChanged.connect(self._show)
        self.after_kind.currentIndexChanged.connect(self._show)
        self.after_kind.activated.connect(self._on_kind_chosen)
        viewer.layers.events.inserted.connect(self._guess_after)
        self._show_layer()

    def kind(self) -> str:
        """Return what to compare with: ``"layer"``, ``"restore"`` or ``"none"``."""
        return str(self.after_kind.currentData())

    def set_kind(self, kind: str) -> None:
        """Choose what to compare with."""
        self.after_kind.setCurrentIndex(self.after_kind.findData(kind))

    def before(self) -> Place:
        """Return the current plane of the image before.

        Raises
        ------
        DGNOError
            If there is none, or its axes do not fit.
        """
        return self._place(self.before_combo.layer())

    def after(self) -> Place | None:
        """Return the same of the image after, if one is compared with.

        Raises
        ------
        DGNOError
            If it is the same layer, or does not fit the one before.
        """
        if self.kind() != "layer":
            return None
        before, after = self.before_combo.layer(), self.after_combo.layer()
        if after is None or after is before:
            raise DGNOError(
                "There is no second image: choose the restored layer as After, or "
                f"{words.AFTER_KINDS['restore']!r}."
            )
        place, first = self._place(after), self._place(before)
        if place.source.shape != first.source.shape:
            sizes = " and ".join(" × ".join(map(str, p.source.shape)) for p in (first, place))
            raise DGNOError(
                f"The layers {first.layer.name!r} and {after.name!r} have different sizes "
                f"({sizes}): choose two images of the same field."
            )
        return place

    def truth(self) -> Labels | None:
        """Return the layer with the true objects, if one is chosen."""
        return self.truth_combo.layer()

    def all_planes(self) -> bool:
        """Whether every plane of the stack is wanted."""
        return self.planes_combo.currentData() == "all" and self._has_planes()

    def config(self) -> DetectConfig:
        """Return the settings of the detection."""
        from dgno_core.detection import DetectConfig

        return DetectConfig(
            detector=self.detector_chooser.detector(), iou=round(self.iou_spin.value(), 2)
        )

    def restore_config(self) -> RestoreConfig | None:
        """Return how to restore on the way, if that is wanted."""
        from dgno_core.inference import RestoreConfig

        if self.kind() != "restore":
            return None
        preferences = self._preferences()
        return RestoreConfig(
            model=self.model_chooser.model(),
            device=preferences.device,
            tile=preferences.tile,
            memory_share=preferences.memory_share,
            model_folder=preferences.model_folder,
        )

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        self._viewer.layers.events.inserted.disconnect(self._guess_after)
        for combo in (self.before_combo, self.after_combo, self.truth_combo):
            combo.disconnect_viewer()

    def _place(self, layer: Image | None) -> Place:
        if layer is None:
            raise DGNOError("There is no image to detect in: open one, or a sample, first.")
        source = layer_source(layer, self.axes_edit.text())
        region = visible_region(layer, source, self._viewer.dims)
        place = Place(layer, source, region).on_plane()
        # The name of the layer is what errors say; the axes were checked.
        return dataclasses.replace(place, source=source)

    def _has_planes(self) -> bool:
        layer = self.before_combo.layer()
        if layer is None:
            return False
        try:
            layout = layer_source(layer, self.axes_edit.text()).layout()
        except DGNOError:
            return False
        return bool(layout.outer)

    def _show_layer(self) -> None:
        layer = self.before_combo.layer()
        self.axes_edit.setText(layer_axes(layer) if layer is not None else "")
        self._guess_after()
        self._show()

    def _on_kind_chosen(self, index: int) -> None:
        self._kind_was_chosen = True

    def _guess_after(self, event: object = None) -> None:
        """Take the restored layer of the image as the one after, unless something was chosen."""
        before, after = self.before_combo.layer(), self.after_combo.layer()
        if self._kind_was_chosen or before is None or after not in (None, before):
            return
        for layer in reversed(self._viewer.layers):  # the newest one
            fits = getattr(layer.data, "shape", None) == before.data.shape
            if layer.name.startswith(f"{before.name} restored") and fits:
                self.after_combo.set_layer(layer)
                self.set_kind("layer")
                return

    def _show(self) -> None:
        for widget, shown in (
            (self.after_combo, self.kind() == "layer"),
            (self.model_chooser, self.kind() == "restore"),
            (self.planes_combo, self._has_planes()),
        ):
            self._fields.setRowVisible(widget, shown)
