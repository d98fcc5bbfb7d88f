"""The upper third of the panel: which images to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from dgno_core.errors import DGNOError
from dgno_core.training.runs.image_folders import PairedFolders, SharpFolder, StackFolder
from dgno_core.training.runs.images import Choice, PairedImages, SharpImages, StackImage
from napari_dgno.shared.layer_combo import LayerCombo, image_combo
from napari_dgno.shared.layers import layer_axes, layer_source
from napari_dgno.shared.path_edit import FolderEdit
from napari_dgno.shared.progress import wrapped_label
from napari_dgno.train import tooltips as tips

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from dgno_core.io import ImageSource

#: Kinds of training images, and what the panel calls them.
KINDS = {
    "stack": "Focal stack layer",
    "pair": "Blurred + sharp layers",
    "stacks": "Folder of stacks",
    "pairs": "Blurred + sharp folders",
    "sharp": "Sharp layer, blurred here",
    "sharps": "Sharp folder, blurred here",
}
EXPLANATIONS = {
    "sharp": "The computer blurs the image anew for every step. Choose an image in focus.",
    "sharps": "The computer blurs the images anew for every step. Choose images in focus.",
    "stacks": "One file for each stack, or the planes of a single stack.",
    "pairs": "The two images of a pair have the same file name, and fit pixel by pixel.",
}


class ChoiceForm(QWidget):
    """Fields for the training images; `choice` reads them all.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        Its image layers can be chosen.
    parent : QWidget, optional
        Qt parent.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind_combo = QComboBox()
        for kind, title in KINDS.items():
            self.kind_combo.addItem(title, kind)
        self.kind_combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.kind_combo.setMinimumContentsLength(14)
        self.layer_combo = image_combo(viewer)
        self.sharp_combo = image_combo(viewer)
        self.sharp_combo.set_following(False)
        self.axes_edit = QLineEdit()
        self.axes_edit.setMaxLength(7)
        self.target_spin = QSpinBox()
        self.target_spin.setRange(-1, 9999)
        self.target_spin.setValue(-1)
        self.target_spin.setSpecialValueText("Automatic")
        self.target_spin.setPrefix("plane ")
        self.focus_label = wrapped_label()
        self.folder_edit = FolderEdit("Choose the folder with the images", tips.FOLDER)
        self.sharp_folder_edit = FolderEdit(
            "Choose the folder with the sharp images", tips.SHARP_FOLDER
        )
        self.align_box = QCheckBox("Align the images first")
        self.align_box.setChecked(True)
        self.explanation = wrapped_label()
        self._lay_out()
        for widget, tip in (
            (self.kind_combo, tips.KIND),
            (self.layer_combo, tips.LAYER),
            (self.sharp_combo, tips.SHARP_LAYER),
            (self.axes_edit, tips.AXES),
            (self.target_spin, tips.TARGET),
            (self.align_box, tips.ALIGN),
        ):
            widget.setToolTip(tip)
        self.kind_combo.currentIndexChanged.connect(self._show_kind)
        self.layer_combo.layer_changed.connect(self._show_layer)
        for signal in (
            self.sharp_combo.layer_changed,
            self.axes_edit.textChanged,
            self.target_spin.valueChanged,
            self.folder_edit.changed,
            self.sharp_folder_edit.changed,
        ):
            signal.connect(self.changed)
        self._show_kind()
        self._show_layer()

    def _lay_out(self) -> None:
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("Train on", self.kind_combo)
        form.addRow("Stack", self.layer_combo)
        form.addRow("Sharp", self.sharp_combo)
        form.addRow("Axes", self.axes_edit)
        form.addRow("Sharp plane", self.target_spin)
        form.addRow(self.focus_label)
        form.addRow("Folder", self.folder_edit)
        form.addRow("Sharp", self.sharp_folder_edit)
        form.addRow(self.align_box)
        form.addRow(self.explanation)
        self.form_layout = form

    def kind(self) -> str:
        """Return the kind of images, a key of `KINDS`."""
        return str(self.kind_combo.currentData())

    def set_kind(self, kind: str) -> None:
        """Choose a kind of images."""
        self.kind_combo.setCurrentIndex(self.kind_combo.findData(kind))

    def choice(self) -> Choice:
        """Return what was chosen.

        Raises
        ------
        DGNOError
            If something is missing, or the axes do not fit the layer.
        """
        align = self.align_box.isChecked()
        target = self.target_spin.value() if self.target_spin.value() >= 0 else None
        match self.kind():
            case "stack":
                return StackImage(self._source(self.layer_combo), target, align)
            case "pair":
                self._check_colours()
                blurred, sharp = (self._source(c) for c in (self.layer_combo, self.sharp_combo))
                return PairedImages(blurred, sharp, align)
            case "sharp":
                return SharpImages(self._source(self.layer_combo))
            case "stacks":
                return StackFolder(self.folder_edit.path(), target, align)
            case "pairs":
                return PairedFolders(self.folder_edit.path(), self.sharp_folder_edit.path())
            case _:
                return SharpFolder(self.folder_edit.path())

    def title(self) -> str:
        """Return what a model trained on this could be called."""
        if self.kind() in ("stack", "pair", "sharp"):
            layer = self.layer_combo.layer()
            return "" if layer is None else layer.name
        return self.folder_edit.path().name

    def show_focus(self, text: str) -> None:
        """Show what is known of the sharpest plane."""
        self.focus_label.setText(text)
        self.focus_label.setVisible(bool(text) and self.kind() == "stack")

    def disconnect_viewer(self) -> None:
        """Listen to the viewer no longer."""
        self.layer_combo.disconnect_viewer()
        self.sharp_combo.disconnect_viewer()

    def _source(self, combo: LayerCombo[Image]) -> ImageSource:
        layer = combo.layer()
        if layer is None:
            raise DGNOError("There is no image to train on: open one, or a sample, first.")
        return layer_source(layer, self.axes_edit.text())

    def _check_colours(self) -> None:
        """Refuse a colour layer with a grey one: the axes of the one cannot fit the other."""
        layers = [combo.layer() for combo in (self.layer_combo, self.sharp_combo)]
        if None not in layers and layers[0].rgb != layers[1].rgb:
            raise DGNOError(
                f"The layers {layers[0].name!r} and {layers[1].name!r} do not fit each other: one "
                "is colour, the other grey. Choose two of a kind."
            )

    def _show_layer(self) -> None:
        layer = self.layer_combo.layer()
        self.axes_edit.setText(layer_axes(layer) if layer is not None else "")
        self.target_spin.setValue(-1)
        self.show_focus("")
        self.changed.emit()

    def _show_kind(self) -> None:
        kind = self.kind()
        in_layers, in_folders = kind in ("stack", "pair", "sharp"), kind.endswith("s")
        self.layer_combo.set_following(kind != "pair")
        for widget, shown in (
            (self.layer_combo, in_layers),
            (self.sharp_combo, kind == "pair"),
            (self.axes_edit, in_layers),
            (self.target_spin, kind in ("stack", "stacks")),
            (self.folder_edit, in_folders),
            (self.sharp_folder_edit, kind == "pairs"),
            (self.align_box, kind in ("stack", "stacks", "pair")),
        ):
            widget.setVisible(shown)
            label = self.form_layout.labelForField(widget)
            if label is not None:
                label.setVisible(shown)
                label.setToolTip(widget.toolTip())
        for widget, title in (
            (self.layer_combo, {"stack": "Stack", "pair": "Blurred"}.get(kind, "Image")),
            (self.folder_edit, "Blurred" if kind == "pairs" else "Folder"),
        ):
            self.form_layout.labelForField(widget).setText(title)
        self.focus_label.setVisible(kind == "stack" and bool(self.focus_label.text()))
        self.explanation.setText(EXPLANATIONS.get(kind, ""))
        self.explanation.setVisible(kind in EXPLANATIONS)
        self.changed.emit()
