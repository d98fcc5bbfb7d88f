"""Make the pictures of docs/inspect-panel.md and docs/detect-panel.md from a real napari window.

    xvfb-run -a -s "-screen 0 1600x1200x24" python docs/scripts/screenshots_inspect.py DATA

It needs a display with OpenGL (xvfb-run gives one), the folder with the real images, and, for the
Detect panel, StarDist. The images are those of the public evaluation set: none was trained on.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from screenshots import IMAGES, Stage

#: A part of the first field of nuclei with a strong blur, and one of stained tissue.
NUCLEI = (slice(140, 396), slice(280, 536))
TISSUE = (slice(0, 256), slice(0, 256))
#: A part of a field of nuclei that is far out of focus.
DEFOCUS = (slice(100, 356), slice(100, 356))
WAIT = 1500.0


class LookStage(Stage):
    """A napari window with the Inspect or the Detect panel.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    panel_name : str
        Which panel.
    """

    def __init__(self, folder: Path, panel_name: str) -> None:
        self.panel_name = panel_name
        super().__init__(folder)
        self.viewer.window._qt_window.resize(1400, 860)
        self.wait(1.0)

    def wait_idle(self) -> None:
        """Let the window live until no look is in progress."""
        self.wait_until(lambda: not self.panel.is_running, WAIT)

    def take(self, button: Any, name: str) -> None:
        """Press a button, wait for what comes of it, and take a picture.

        It is pressed twice: what is known is shown at once, without the seconds that this machine
        took.
        """
        for _ in range(2):
            button.click()
            self.wait_idle()
        self.wait(0.5)
        self.shoot(name)
        print(f"  {self.panel.display.status.text()} {self.panel.display.messages.text()}")


def rows_of(data: Path, group: str) -> list[dict[str, str]]:
    """Return the rows of the evaluation set whose blurred image is of a group."""
    lines = (data / "EVAL.tsv").read_text().splitlines()
    table = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
    return [row for row in table if group in row["blurred"]]


def read(path: Path) -> np.ndarray:
    """Read a picture of any kind."""
    from skimage.io import imread

    return np.asarray(imread(path))


def show_operator(stage: LookStage) -> None:
    """Take the pictures of what goes on inside an operator."""
    section = stage.panel.operator
    stage.panel.open_section(section)
    stage.take(section.button, "inspect-flux")
    for name, shot in (("latent", "volume"), ("ratio", "ratio"), ("face_jump", "faces")):
        section.show_combo.setCurrentIndex(section.show_combo.findData(name))
        section.grid_box.setChecked(name == "latent")
        stage.take(section.button, f"inspect-{shot}")
    section.grid_box.setChecked(False)
    section.show_combo.setCurrentIndex(section.show_combo.findData("basis"))
    section.head_spin.setValue(3)
    section.dimension_spin.setValue(1)
    stage.take(section.button, "inspect-basis")


def show_attribution(stage: LookStage, box: tuple[int, int, int]) -> None:
    """Take the pictures of attribution, with one model and with two."""
    panel = stage.panel
    panel.open_section(panel.attribution)
    panel.attribution.draw_button.click()
    y, x, side = box
    corners = [(y, x), (y, x + side), (y + side, x + side), (y + side, x)]
    stage.viewer.layers.selection.active.add_rectangles(np.array(corners) - 0.5)
    stage.take(panel.attribution.button, "inspect-attribution")
    panel.form.second_chooser.set_model("dgno-face-small")
    stage.take(panel.attribution.button, "inspect-attribution-two")
    panel.form.second_chooser.combo.setCurrentIndex(0)


def show_trust(stage: LookStage, suffix: str = "") -> None:
    """Take the pictures of the maps of trust."""
    panel = stage.panel
    panel.open_section(panel.trust)
    stage.viewer.reset_view()
    stage.take(panel.trust.button, f"inspect-trust{suffix}")
    if suffix:
        return
    for index in range(1, panel.trust.map_combo.count()):
        panel.trust.map_combo.setCurrentIndex(index)
        panel.trust.map_combo.activated.emit(index)
        stage.shoot(f"inspect-trust-{index}")


def inspect(folder: Path, data: Path, parts: list[str]) -> None:
    """Go through the states of the Inspect panel."""
    stage = LookStage(folder, "Inspect")
    blurred = read(data / rows_of(data, "bbbc039")[0]["blurred"])[NUCLEI]
    stage.viewer.add_image(np.ascontiguousarray(blurred), name="nuclei", axis_labels=("y", "x"))
    stage.viewer.reset_view()
    stage.wait(0.5)
    if "operator" in parts:
        show_operator(stage)
    if "attribution" in parts:
        show_attribution(stage, (118, 134, 24))
        stage.viewer.layers.remove(next(x for x in stage.viewer.layers if "Rectangle" in x.name))
    if "trust" in parts:
        show_trust(stage)
    if "defocus" in parts:
        stage.viewer.layers.clear()
        far = read(min((data / "bbbc006-miq").glob("00_*.tif")))[DEFOCUS]
        stage.viewer.add_image(np.ascontiguousarray(far), name="z = 00", axis_labels=("y", "x"))
        stage.viewer.reset_view()
        show_trust(stage, "-defocus")
    if "colour" in parts:
        stage.viewer.layers.clear()
        tissue = read(data / rows_of(data, "stained")[0]["blurred"])[..., :3][TISSUE]
        stage.viewer.add_image(np.ascontiguousarray(tissue), name="tissue", rgb=True)
        stage.viewer.reset_view()
        show_trust(stage, "-colour")
    stage.viewer.close()


def detect(folder: Path, data: Path) -> None:
    """Go through the states of the Detect panel."""
    stage = LookStage(folder, "Detect")
    row = rows_of(data, "bbbc039")[0]
    stage.viewer.add_image(read(data / row["blurred"]), name="nuclei", axis_labels=("y", "x"))
    labels = read(data / row["labels"])
    labels = labels[..., 0] if labels.ndim == 3 else labels
    truth = stage.viewer.add_labels(labels.astype(np.int32), name="truth", visible=False)
    stage.viewer.layers.selection.active = stage.viewer.layers["nuclei"]
    stage.viewer.reset_view()
    stage.panel.form.truth_combo.set_layer(truth)
    stage.shoot("detect-start")
    stage.take(stage.panel.button, "detect-found")
    objects = stage.panel.table.objects.objects
    first = next((i for i, item in enumerate(objects) if item.status == "gained"), 0)
    stage.panel.table.selectRow(first)
    stage.panel.table.scrollTo(stage.panel.table.model().index(first, 0))
    scroll = stage.panel.layout().itemAt(0).widget()
    scroll.verticalScrollBar().setValue(scroll.verticalScrollBar().maximum())
    stage.shoot("detect-object")
    stage.viewer.close()


def main() -> None:
    """Parse the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with EVAL.tsv and the images it names")
    parser.add_argument("--out", type=Path, default=IMAGES)
    every = ["operator", "attribution", "trust", "defocus", "colour", "detect"]
    parser.add_argument("--only", nargs="+", choices=every, default=every)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The user's own napari settings stay out of the pictures, and untouched.
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        if set(arguments.only) - {"detect"}:
            inspect(arguments.out, arguments.data, arguments.only)
        if "detect" in arguments.only:
            detect(arguments.out, arguments.data)


if __name__ == "__main__":
    main()
