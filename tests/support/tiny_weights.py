"""Small untrained models on disk; they do change pixels."""

from __future__ import annotations

from pathlib import Path

import torch

from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model


def write_tiny_models(folder: Path) -> Path:
    """Write `tiny-grey` and `tiny-colour` into a folder, and return it."""
    torch.manual_seed(1)
    for name, channels in (("tiny-grey", 1), ("tiny-colour", 3)):
        config = DGNOConfig(channels=channels, width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1)
        card = ModelCard(
            name=name,
            title=f"A [tiny] {name.removeprefix('tiny-')} network",
            config=config,
            tile=64,
            halo=32,
            blur_px=(0, 8),
            not_for=("diagnosis", "anything else"),
        )
        save_model(build_model(config), card, folder / f"{name}.safetensors")
    return folder
