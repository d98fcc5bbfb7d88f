"""What a short command need not load: it would take most of its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile

COMPILER = {"torch._dynamo", "torch._inductor", "sympy"}
OTHERS = {"matplotlib", "lightning", "lightning_fabric", "dask", "skimage", "tensorflow"}


def loaded_after(script: str, *arguments: str) -> set[str]:
    """Run a script in a process of its own; return the modules that it has loaded at its end."""
    listing = "import sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{listing}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


def test_a_restoration_loads_only_what_it_needs(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 4000, (64, 64)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", image)
    loaded = loaded_after(
        "from dgno_core.cli.app import app; from dgno_core.cli.running import run; import sys\n"
        "assert run(app, 'dgno', sys.argv[1:]) == 0",
        *("restore", str(tmp_path / "in.tif"), "-o", str(tmp_path / "out.tif")),
    )
    assert (tmp_path / "out.tif").is_file()
    assert "torch" in loaded
    assert not loaded & (COMPILER | OTHERS)


def test_comparing_a_network_with_a_file_loads_no_compiler() -> None:
    loaded = loaded_after(
        "import torch; from dgno_core.models import build_model, model_names\n"
        "with torch.device('meta'): [build_model(name) for name in model_names()]"
    )
    assert not loaded & COMPILER
