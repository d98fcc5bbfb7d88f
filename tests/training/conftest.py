from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from skimage.io import imsave


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Config of a tiny run on a few made-up images; its paths are relative to the file."""
    rng = np.random.default_rng(0)
    names = [f"cell_{i}.png" for i in range(4)]
    for name in names:
        spots = rng.uniform(size=(80, 96)) > 0.98
        image = 40 + 200 * np.maximum(spots, np.roll(spots, 1, 0))
        imsave(tmp_path / name, image.astype(np.uint8), check_contrast=False)
    (tmp_path / "list.txt").write_text("# made up\n" + "\n".join(names) + "\n")
    config = {
        "name": "tiny",
        "out": "run",
        "model": {
            "kind": "dgno",
            "width": 8,
            "heads": 2,
            "blocks": [1, 1, 1, 1],
            "lifting": {
                "kind": "mamba", "tokens": 8, "rank": 4, "state": 2, "routing_noise": True,
            },
        },
        "data": {
            "kind": "synthetic",
            "root": ".",
            "sources": [{"list": "list.txt"}],
            "held_out_every": 3,
        },
        "optim": {"warmup": 2},
        "steps": 6,
        "batch": 2,
        "crop": 32,
        "engine": {"device": "cpu", "tensorboard": False},
        "validation": {"every": 3},
        "checkpoint_every": 3,
    }  # fmt: skip
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    return path
