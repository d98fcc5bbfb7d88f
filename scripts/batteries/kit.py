"""What the batteries work with: a tiny model, images and a config of a short training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import yaml

MODEL = "tiny.safetensors"
STEPS = 8


def write_model(path: Path, *, width: int = 8) -> None:
    """Write an untrained model; it does change pixels."""
    import torch

    from dgno_core.models import DGNOConfig, ModelCard, build_model, save_model

    torch.manual_seed(1)
    config = DGNOConfig(width=width, heads=2, blocks=(1, 1, 1, 1), iterations=1)
    card = ModelCard(name=path.stem, config=config, tile=64, halo=32)
    save_model(build_model(config), card, path)


def write_stack(path: Path, shape: tuple[int, ...] = (3, 96, 80)) -> None:
    """Write a stack or a plane of noise, uint16, as OME-TIFF."""
    planes = np.random.default_rng(0).integers(100, 4000, shape).astype(np.uint16)
    tifffile.imwrite(path, planes, metadata={"axes": "ZYX"[-len(shape) :]}, ome=True)


def write_config(folder: Path, **changes: Any) -> Path:
    """Write images and the config `tiny.yaml` of a run on them; its folder is ``run``."""
    from PIL import Image

    rng = np.random.default_rng(0)
    names = [f"{i}.png" for i in range(4)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (48, 48), np.uint8)).save(folder / name)
    (folder / "list.txt").write_text("\n".join(names))
    settings: dict[str, Any] = {
        "name": "tiny-run",
        "out": "run",
        "model": {"kind": "dgno", "width": 8, "heads": 2, "blocks": [1, 1, 1, 1], "iterations": 1},
        "data": {
            "kind": "synthetic", "root": ".", "sources": [{"list": "list.txt"}],
            "held_out_every": 2,
        },
        "steps": STEPS,
        "batch": 1,
        "crop": 32,
        "checkpoint_every": 2,
        "validation": {"every": 3},
        "engine": {"device": "cpu", "tensorboard": False},
    }  # fmt: skip
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(settings | changes))
    return path
