"""A real training of a tiny network, from the button in a real window to a restored layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = [pytest.mark.gui, pytest.mark.slow]

PATIENCE = 240_000  # milliseconds; the machine may be busy


@pytest.fixture
def tiny_model(tmp_path: Path, plugin: Any) -> Path:
    """Put a network that trains in seconds into the user's model folder."""
    import torch

    from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model
    from napari_dgno.shared.settings import preference_model, training_model

    torch.manual_seed(0)
    model = build_model(DGNOConfig(width=8, heads=2, blocks=(1, 1, 1, 1)))
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "tiny.safetensors"
    save_model(model, ModelCard(name="tiny", config=model.config), path)
    preference_model().model_folder = str(folder)
    training_model().runs_folder = str(tmp_path / "runs")
    return path


def test_train_stop_resume_and_restore(
    tiny_model: Path,
    napari_window: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    qtbot: Any,
) -> None:
    from dgno_core.models import read_card
    from dgno_core.optics.scenes import focal_stack
    from napari_dgno.shared.panel import open_panel

    stack = focal_stack((4, 96, 96), in_focus=1).data
    napari_window.add_image(stack, name="my cells")
    panel = napari_window.window.add_plugin_dock_widget("napari-dgno", "Train")[1]
    panel.form.start_chooser.set_model("tiny")
    panel.form.device_combo.setCurrentIndex(panel.form.device_combo.findData("cpu"))
    advanced = panel.form.advanced
    for spin, number in (
        (advanced.steps_spin, 9), (advanced.batch_spin, 1), (advanced.crop_spin, 32)
    ):  # fmt: skip
        spin.setValue(number)
    panel.train()
    qtbot.waitUntil(lambda: panel._run is not None, timeout=PATIENCE)
    run = panel._run
    try:
        qtbot.waitUntil(lambda: run.record.step >= 1, timeout=PATIENCE)
        panel.stop()
        qtbot.waitUntil(lambda: not panel._poll_timer.isActive(), timeout=PATIENCE)
        if run.record.step < 9:
            assert run.state().value == "stopped", (run.folder / "errors.txt").read_text()
            assert (run.folder / "last.pt").is_file()
            panel.resume()
            qtbot.waitUntil(lambda: run.record.starts == 2, timeout=PATIENCE)
            qtbot.waitUntil(lambda: not panel._poll_timer.isActive(), timeout=PATIENCE)
        assert run.state().value == "finished", (run.folder / "errors.txt").read_text()
    finally:
        if run._process is not None:
            run._process.kill()
            run._process.wait()
    assert [step for step, _ in run.record.losses] == list(range(1, 10))
    assert np.isfinite([psnr for _, _, psnr in run.record.scores]).all()
    assert {layer.name for layer in napari_window.layers} >= {"my-cells 1, step 9"}
    card = read_card("my-cells", tiny_model.parent)
    assert "from tiny" in card.summary
    assert "my-cells-0001.tif" in card.recipe
    assert str(tmp_path) not in card.recipe

    napari_window.layers.selection.active = napari_window.layers["my cells"]
    panel.restore()
    restore: Any = open_panel(napari_window, "Restore")
    assert restore.form.model_chooser.model() == "my-cells"
    restore.restore()
    qtbot.waitUntil(restore.restore_button.isEnabled, timeout=PATIENCE)
    result = napari_window.layers["my cells restored (my-cells)"]
    assert result.data.shape == stack.shape
    assert result.metadata["dgno"]["model"] == "my-cells"
