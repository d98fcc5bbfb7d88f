"""Whole networks with released weights: outputs, routes and inner maps against stored numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dgno_core.models import DGNOConfig, build_model
from dgno_core.models.network import Network
from dgno_core.models.released_dgno import rename
from support.ledger import Arrays, every_array_of
from support.released import load_released, recorded_outputs
from support.shared import load_fixture, needs_fixtures

pytestmark = needs_fixtures

NETWORKS: dict[str, dict[str, Any]] = {
    "dgno_small_cell": {"formulation": "cell", "flux": "jump", "boundary": "neumann"},
    "dgno_small_face": {"formulation": "face", "flux": "average_jump", "boundary": "dirichlet"},
    "dgno_small_cell_rgb": {
        "formulation": "cell", "flux": "upwind", "boundary": "periodic", "channels": 3,
    },
}  # fmt: skip
# Some 300 operations in a row, each of which rounds by 6e-8 of the value, whose order is the
# processor's; besides, what cancels leaves an absolute error.
FLOAT32_RTOL = 300 * 2.0**-24
FLOAT32_ATOL = {"dgno_small_cell": 5e-4, "dgno_small_face": 1e-4, "dgno_small_cell_rgb": 1e-4}


def network(name: str, arrays: Arrays, activation: str = "gelu") -> Network:
    """Build the small network of a file, in float32, with its weights."""
    config = DGNOConfig(
        width=12, heads=4, blocks=(1, 1, 1, 1), assembly="official",
        shallow_activation=activation, **NETWORKS[name],
    )  # fmt: skip
    return load_released(build_model(config), arrays.folder("param"), rename).eval()


def our_name(model: Network, theirs: str, keys: Iterable[str]) -> str:
    """Name of our module in the place of a released one: the smallest with all its tensors."""
    held = [rename(key) for key in keys if key.startswith(f"{theirs}.")]
    assert held, theirs
    holders = (n for n, _ in model.named_modules() if all(key.startswith(f"{n}.") for key in held))
    return max(holders, key=len)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_routes_equal_the_released_networks(name: str) -> None:
    with every_array_of(name) as arrays:
        for size in (folder for folder in arrays.folders() if folder != "param"):
            image = torch.tensor(arrays[f"{size}/input"])
            for activation in (f for f in arrays.folder(size).folders() if f != "category"):
                model = network(name, arrays, activation)
                for dtype in (torch.float32, torch.float64):
                    with torch.inference_mode(), recorded_outputs(model) as inner:
                        outputs = model.to(dtype)(image.to(dtype))
                    check_outputs(
                        outputs, arrays.folder(f"{size}/{activation}"), FLOAT32_ATOL[name]
                    )
                    # The routes are stored for GELU; ReLU feeds the routers other numbers.
                    if activation == "gelu":
                        keys = arrays.folder("param")
                        check_routes(model, keys, inner, arrays.folder(f"{size}/category"))


def check_outputs(outputs: list[Tensor], stored: Arrays, float32_atol: float) -> None:
    assert len(stored) == 2 * len(outputs)
    for scale, output in enumerate(outputs):
        exact = output.dtype == torch.float64
        stored.agree(f"output{scale}", output, atol=float32_atol, rtol=FLOAT32_RTOL)
        stored.agree(f"output{scale}_fp64", output, atol=1e-9 if exact else float32_atol)


def check_routes(
    model: Network, keys: Iterable[str], inner: dict[str, Tensor], stored: Arrays
) -> None:
    """Compare the tokens of all pixels; of as many samples as are stored."""
    assert len(stored) == sum(name.endswith(".route") for name in inner)
    for theirs in stored:
        scores = inner[our_name(model, theirs, keys) + ".route"]
        stored.agree(theirs, scores.argmax(-1)[: len(stored[theirs])])


@pytest.mark.parametrize(
    ("name", "inner_name"),
    [
        ("dgno_small_cell", "dgno_small_cell_acts"),
        ("dgno_small_face", "dgno_small_face_acts"),
        ("dgno_small_cell_rgb", "dgno_small_cell_rgb_acts"),
    ],
)
def test_inner_maps_equal_those_of_the_released_networks(name: str, inner_name: str) -> None:
    whole = Arrays(load_fixture(name), set())
    keys = whole.folder("param")
    model = network(name, whole).double()
    with torch.inference_mode(), recorded_outputs(model) as inner:
        model(torch.tensor(whole["64x64/input"]).double())
    with every_array_of(inner_name) as arrays:
        # Stored for the first sample, rounded to float32.
        maps = arrays.folder("act")
        for theirs in maps:
            ours = inner[our_name(model, theirs, keys)][:1]
            maps.agree(theirs, ours, atol=1e-9, rtol=np.finfo(np.float32).eps)
        check_routes(model, keys, inner, arrays.folder("category"))
