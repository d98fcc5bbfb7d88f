"""Make the pictures of docs/napari.md from a real napari window.

    xvfb-run -a -s "-screen 0 1600x1200x24" python docs/scripts/screenshots.py

It needs a display with OpenGL (xvfb-run gives one) and restores the grey samples, which the
packaged model is for, with that model or with the model file that `--grey` names.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).resolve().parents[1] / "images"
#: Bytes of a picture, so that the repository stays small.
LARGEST = 300_000


class Stage:
    """A napari window with the Restore panel, and a camera.

    Parameters
    ----------
    folder : pathlib.Path
        Where the pictures go.
    """

    panel_name = "Restore"

    def __init__(self, folder: Path) -> None:
        import napari
        from qtpy.QtWidgets import QApplication

        from napari_dgno.shared.docking import open_panel

        self.folder = folder
        self.viewer = napari.Viewer(show=True, show_welcome_screen=False)
        self.application = QApplication.instance()
        self.panel: Any = open_panel(self.viewer, self.panel_name)
        self.viewer.window._qt_window.resize(1400, 800)  # the docks leave 640 to the canvas
        self.wait(1.0)

    def wait(self, seconds: float) -> None:
        """Let the window live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.application.processEvents()
            time.sleep(0.01)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 600) -> None:
        """Let the window live until something has happened."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not get there")
            self.wait(0.02)

    def wait_idle(self) -> None:
        """Let the window live until no run is going on."""
        self.wait_until(lambda: self.panel.restore_button.isEnabled())

    def open_sample(self, key: str) -> None:
        """Show one sample, and nothing else, in full."""
        self.viewer.canvas.grid.enabled = False
        self.viewer.layers.clear()
        self.viewer.open_sample("napari-dgno", key)
        self.viewer.reset_view()
        self.wait(0.7)

    def shoot(self, name: str) -> None:
        """Save a picture of the whole window, in as few colours as it takes to keep it small."""
        from PIL import Image

        self.wait(1.0)  # texts get their height one after the other
        pixels = self.viewer.window.screenshot(canvas_only=False, flash=False)
        picture = Image.fromarray(pixels[..., :3])
        path = self.folder / f"{name}.png"
        for colours in (256, 128, 64):
            few = picture.quantize(colours, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
            if path.stat().st_size <= LARGEST:
                break
        print(f"{path.name}: {path.stat().st_size // 1000} kB, {colours} colours")

    def shoot_pair(self, name: str) -> None:
        """Restore the layer on top and show it and the result side by side, without the sharp."""
        viewer = self.viewer
        viewer.reset_view()
        self.panel.restore()
        self.wait_idle()
        sharp = [layer for layer in viewer.layers if layer.name.endswith("sharp")]
        for layer in sharp:
            viewer.layers.remove(layer)  # an empty place in the grid is of no use to anybody
        viewer.canvas.grid.enabled = True
        viewer.reset_view()
        self.shoot(name)


def play(stage: Stage, grey: str) -> None:
    """Go through the states that the page shows."""
    panel, viewer = stage.panel, stage.viewer
    stage.open_sample("nuclei")
    panel.form.model_chooser.set_model(grey)
    stage.shoot("napari-start")

    viewer.scene.camera.zoom *= 2.5
    stage.wait(0.5)
    panel.preview()
    stage.wait_idle()
    stage.shoot("napari-preview")
    stage.shoot_pair("napari-nuclei")

    stage.open_sample("focal_stack")
    panel.restore()
    stage.wait_until(lambda: "left" in panel.display.status.text())
    stage.shoot("napari-running")
    panel.cancel()
    stage.wait_idle()

    panel.form.axes_edit.setText("YX")
    panel.restore()
    stage.shoot("napari-error")


def main() -> None:
    """Parse the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES)
    parser.add_argument("--grey", default="auto")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # The user's own napari settings stay out of the pictures, and untouched.
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        stage = Stage(arguments.out)
        play(stage, arguments.grey)
        stage.viewer.close()


if __name__ == "__main__":
    main()
