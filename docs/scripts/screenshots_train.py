"""Make the pictures of docs/training-panel.md from a real napari window.

    xvfb-run -a -s "-screen 0 1600x1200x24" python docs/scripts/screenshots_train.py

It needs a display with OpenGL (xvfb-run gives one), and trains for some minutes on a synthetic
focal stack. The training is a short one; `--steps` makes it longer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from screenshots import IMAGES, LARGEST, Stage


class TrainStage(Stage):
    """A napari window with the Train panel.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    home : pathlib.Path
        Folder for the runs.
    """

    panel_name = "Train"

    def __init__(self, folder: Path, home: Path) -> None:
        super().__init__(folder)
        self.home = home
        self.panel.form.runs_edit.set_path(home)
        self.viewer.window._qt_window.resize(1400, 820)
        self.wait(1.0)

    def wait_idle(self) -> None:
        """Let the window live until nothing is written or looked for."""
        self.wait_until(lambda: self.panel.form.isEnabled())

    def shoot_screen(self, name: str, region: Any) -> None:
        """Save a part of the screen, with dialogs."""
        from PIL import Image

        self.wait(0.4)
        path = self.folder / f"{name}.png"
        pixmap = self.application.primaryScreen().grabWindow(0)
        pixmap.copy(region).save(str(path))
        with Image.open(path) as picture:
            few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size // 1000} of {LARGEST // 1000} kB")


def shorten(panel: Any, steps: int) -> None:
    """Make the training small, so that the pictures are ready in minutes."""
    advanced = panel.form.advanced
    for spin, number in (
        (advanced.steps_spin, steps),
        (advanced.batch_spin, 2),
        (advanced.crop_spin, 64),
    ):
        spin.setValue(number)


def play(stage: TrainStage, steps: int) -> None:
    """Go through the states that the page shows."""
    from qtpy.QtCore import QTimer

    from dgno_core.optics.scenes import focal_stack as draw
    from napari_dgno.shared.docking import open_panel

    panel, viewer = stage.panel, stage.viewer
    viewer.add_image(draw((9, 448, 448), in_focus=4).data, name="my cells", axis_labels="zyx")
    viewer.dims.set_current_step(0, 1)
    panel.form.preset_combo.setCurrentIndex(0)
    stage.wait_until(lambda: "sharpest" in panel.form.images.focus_label.text())
    stage.wait_until(lambda: "Looking" not in panel.form.images.focus_label.text())
    stage.wait_until(lambda: "a step)" in panel.form.preset_label.text())
    stage.wait_until(lambda: "Measuring" not in panel.form.preset_label.text())
    stage.shoot("train-start")

    panel.show_pairs()
    stage.wait_until(lambda: panel._pairs.is_shown)
    stage.wait_idle()
    viewer.dims.set_current_step(0, 1)
    stage.shoot("train-pairs")
    panel.show_pairs()

    shorten(panel, steps)
    panel.train()
    stage.wait_until(lambda: panel._run is not None)
    run = panel._run
    stage.wait_until(lambda: len(run.record.scores) >= 4 and run.record.step % 10 > 3)
    stage.wait(1.5)
    stage.shoot("train-running")

    window = viewer.window._qt_window
    shown: list[Any] = []

    def photograph() -> None:
        box = stage.application.activeModalWidget()
        shown.append(box)
        stage.shoot_screen("train-close", window.frameGeometry().intersected(around(box)))
        next(button for button in box.buttons() if button.text() == "Cancel").click()

    QTimer.singleShot(1000, photograph)
    window.close()
    stage.wait_until(lambda: bool(shown))

    panel.stop()
    stage.wait_until(lambda: panel.view.resume_button.isEnabled())
    stage.shoot("train-stopped")
    panel.resume()
    stage.wait_until(lambda: run.record.finished and not run.is_alive(), 3600)
    stage.wait_until(lambda: not panel.view.stop_button.isEnabled())
    stage.wait(1.5)
    stage.shoot("train-finished")

    viewer.layers.selection.active = viewer.layers["my cells"]
    panel.restore()
    stage.wait(1.0)
    stage.shoot("train-restore")

    viewer.window.remove_dock_widget(open_panel(viewer, "Restore").parent())
    panel.run_combo.setCurrentIndex(0)
    panel.run_combo.activated.emit(0)
    smaller = viewer.add_image(draw((9, 448, 400), in_focus=4).data, name="other field")
    smaller.visible = False
    panel.form.images.set_kind("pair")
    panel.form.images.layer_combo.set_layer(viewer.layers["my cells"])
    panel.form.images.sharp_combo.set_layer(smaller)
    stage.wait(0.5)
    panel.form.train_button.click()
    stage.wait(1.0)  # napari's notification fades in
    stage.shoot("train-error")


def around(box: Any) -> Any:
    """Part of the screen around a dialog."""
    return box.frameGeometry().adjusted(-60, -60, 60, 60)


def main() -> None:
    """Parse the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--steps", type=int, default=80, help="of the training")
    parser.add_argument("--light", action="store_true", help="napari's light theme")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The user's own napari settings stay out of the pictures, and untouched.
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        home = Path.home() / "napari-dgno-runs"
        is_ours = not home.exists()
        stage = TrainStage(arguments.out, home if is_ours else Path(folder) / "runs")
        try:
            if arguments.light:
                stage.viewer.theme = "light"
            play(stage, arguments.steps)
        finally:
            stage.viewer.close()
            if is_ours:
                shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
