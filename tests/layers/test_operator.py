"""The operator layer against the stored numbers of three sources.

Those are the released networks' layer ("official"), the paper's formulas in plain loops, and
SRNO's layer. Matrices are compared as well as outputs: a wrong matrix can hide behind the tail.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dgno_core.layers.operator import OperatorLayer
from dgno_core.models.released_dgno import rename_in_layer
from dgno_core.numerics.elements import to_elements
from dgno_core.numerics.flux_spec import FluxSpec
from dgno_core.numerics.galerkin import (
    dg_coefficients,
    face_coefficients,
    volume_coefficients,
)
from support.ledger import Arrays, every_array_of, folders_of
from support.released import load_released
from support.shared import load_fixture, needs_fixtures

pytestmark = needs_fixtures

# Released names of the fluxes, and ours.
FLUXES = {"central": "central", "jump": "jump", "avg_jump": "average_jump", "upwind": "upwind"}
BOUNDARIES = ("dirichlet", "neumann", "periodic")
MATRIX_ATOL = 1e-12


def layer_of(
    parameters: dict[str, np.ndarray], spec: FluxSpec | None, **choices: Any
) -> OperatorLayer:
    """Build our layer, in float64, with released weights; tau only where the flux has one."""
    channels = parameters["qkv_proj.weight"].shape[1]
    layer = OperatorLayer(channels, len(parameters["kln.weight"]), spec, **choices)
    if layer.tau is None:
        parameters = {key: value for key, value in parameters.items() if key != "tau"}
    return load_released(layer, parameters, rename_in_layer).double().requires_grad_(False)


def keys_and_values(layer: OperatorLayer, image: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised keys and values, cut into elements."""
    _, k, v = layer.bases(image)
    return to_elements(k, layer.element), to_elements(v, layer.element)


def check_matrices_before_fluxes(layer: OperatorLayer, image: Tensor, arrays: Arrays) -> None:
    k, v = keys_and_values(layer, image)
    arrays.agree("K_vol_fp64", volume_coefficients(k, v), atol=MATRIX_ATOL)
    if layer.spec is not None and layer.spec.formulation == "face":
        for side, matrices in face_coefficients(k, v).items():
            arrays.agree(f"K_{side}_fp64", matrices, atol=MATRIX_ATOL)


def check_matrices_and_outputs(layer: OperatorLayer, image: Tensor, arrays: Arrays) -> None:
    volume, exchange = dg_coefficients(
        *keys_and_values(layer, image),
        layer.spec,
    )
    arrays.agree("K_final_fp64", volume + exchange, atol=MATRIX_ATOL)
    check_outputs(layer, image, arrays)


def check_outputs(layer: OperatorLayer, image: Tensor, arrays: Arrays) -> None:
    """Run in both precisions, and compare each with what is stored in either of them."""
    for dtype in (torch.float32, torch.float64):
        output = layer.to(dtype)(image.to(dtype))
        for key in {"output", "output_fp64"} & set(arrays):
            exact = dtype == torch.float64 and arrays[key].dtype == np.float64
            arrays.agree(key, output, atol=1e-11 if exact else 5e-5)


def check_window(layer: OperatorLayer, image: Tensor, arrays: Arrays, matrices: str) -> None:
    volume = volume_coefficients(*keys_and_values(layer, image))
    arrays.agree(matrices, volume, atol=MATRIX_ATOL)
    check_outputs(layer, image, arrays)


@pytest.mark.parametrize(
    "name",
    [
        "dgno_operator_cell_w4",
        "dgno_operator_face_w4",
        "dgno_operator_cell_w8",
        "dgno_operator_face_w8",
    ],
)
def test_official_assembly_equals_the_released_layer(name: str) -> None:
    _, _, formulation, window = name.split("_")
    spec, size = FluxSpec(formulation, assembly="official"), {"element": int(window[1:])}
    with every_array_of(name) as arrays:
        for config in map(arrays.folder, arrays.folders()):
            parameters = dict(config.folder("param"))
            image = torch.tensor(config["input"]).double()
            check_matrices_before_fluxes(layer_of(parameters, spec, **size), image, config)
            for (theirs, flux), boundary in itertools.product(FLUXES.items(), BOUNDARIES):
                layer = layer_of(parameters, replace(spec, flux=flux, boundary=boundary), **size)
                check_matrices_and_outputs(layer, image, config.folder(f"{theirs}/{boundary}"))
            # A switch of the released cell class, which its network never sets: the penalty's
            # sign. For us it is the sign of tau.
            for case in (case for case in config.folders() if case.endswith("_signpos")):
                layer = layer_of(
                    parameters | {"tau": -parameters["tau"]},
                    replace(spec, flux=FLUXES[case.removesuffix("_signpos")], boundary="dirichlet"),
                    **size,
                )
                check_matrices_and_outputs(layer, image, config.folder(f"{case}/dirichlet"))


@pytest.mark.parametrize(
    ("name", "element"), [("dgno_operator_paper", 4), ("dgno_operator_paper_w8", 8)]
)
def test_paper_assembly_equals_the_papers_formulas(name: str, element: int) -> None:
    # Weights and inputs are those of the released files, the same for cells and faces.
    source = Arrays(load_fixture(f"dgno_operator_cell_w{element}"), set())
    with every_array_of(name) as arrays:
        for config in arrays.folders():
            expected, given = arrays.folder(config), source.folder(config)
            parameters = dict(given.folder("param"))
            image = torch.tensor(given["input"]).double()
            for formulation, (theirs, flux), boundary in itertools.product(
                ("cell", "face"), FLUXES.items(), BOUNDARIES
            ):
                layer = layer_of(parameters, FluxSpec(formulation, flux, boundary), element=element)
                case = expected.folder(f"{formulation}/{theirs}/{boundary}")
                check_matrices_and_outputs(layer, image, case)
            layer = layer_of(parameters, None, element=element)
            check_window(layer, image, expected.folder("window"), "K_final_fp64")


def test_default_sizes_equal_the_released_layer() -> None:
    with every_array_of("dgno_operator_default") as arrays:
        assert set(arrays.folders()) == {"cell_c48", "cell_c96", "face_c48", "face_c96"}
        for name in arrays.folders():
            case = arrays.folder(name)
            # The paper's best settings; everything else as the layer has it by default.
            best = (
                FluxSpec("cell", "jump", "neumann", assembly="official")
                if name.startswith("cell")
                else FluxSpec("face", "average_jump", "dirichlet", assembly="official")
            )
            layer = layer_of(dict(case.folder("param")), best)
            image = torch.tensor(case["input"]).double()
            check_matrices_before_fluxes(layer, image, case)
            check_matrices_and_outputs(layer, image, case)


def in_our_order(srno: Arrays, permutation: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of SRNO's own layer under the names and in the row order of the released DGNO.

    SRNO cuts its rows into heads first and into q, k, v then.
    """
    parameters = {key.replace("o_proj", "out_proj"): srno[key] for key in srno}
    for key in ("qkv_proj.weight", "qkv_proj.bias"):
        parameters[key] = parameters[key][np.argsort(permutation)]
    return parameters


def test_global_and_windowed_operators_equal_srno() -> None:
    assert folders_of("srno_layer") == {"A", "Cc"}
    with every_array_of("srno_layer") as arrays:
        for config, element in (("A", 4), ("Cc", 8)):
            case = arrays.folder(config)
            image = torch.tensor(case["input"]).double()
            released = dict(case.folder("param_qkvfirst"))
            own = in_our_order(case.folder("global/param_srno"), case["qkv_row_permutation"])
            for parameters in (released, own):
                layer = layer_of(parameters, None, element=None)
                check_outputs(layer, image, case.folder("global"))
                layer = layer_of(parameters, None, element=element)
                check_window(layer, image, case.folder("windowed"), "K_fp64")
