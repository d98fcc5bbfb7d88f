from __future__ import annotations

import numpy as np
import pytest
import torch

from dgno_core.layers.operator import OperatorLayer
from support.official import fit, layer_key
from support.shared import load_fixture, needs_fixtures

FLUXES = {"central": "central", "jump": "jump", "avg_jump": "average_jump", "upwind": "upwind"}


@needs_fixtures
@pytest.mark.parametrize("formulation", ["cell", "face"])
@pytest.mark.parametrize("element", [4, 8])
@pytest.mark.parametrize("assembly", ["paper", "official"])
def test_operator_layer_equals_both_definitions(formulation, element, assembly) -> None:
    weights = load_fixture(f"dgno_operator_{formulation}_w{element}")
    suffix = "" if element == 4 else "_w8"
    expected = weights if assembly == "official" else load_fixture(f"dgno_operator_paper{suffix}")
    checked = 0
    for case in sorted({key.split("/")[0] for key in weights if "/param/" in key}):
        values = {
            layer_key(key.split("/", 2)[2]): torch.tensor(value).double()
            for key, value in weights.items()
            if key.startswith(f"{case}/param/")
        }
        image = torch.tensor(weights[f"{case}/input"]).double()
        for theirs, flux in FLUXES.items():
            for boundary in ("dirichlet", "neumann", "periodic"):
                prefix = f"{case}/" + ("" if assembly == "official" else f"{formulation}/")
                stems = [f"{prefix}{name}/{boundary}/output" for name in (theirs, flux)]
                found = [s + e for s in stems for e in ("_fp64", "") if s + e in expected]
                layer = OperatorLayer(
                    image.shape[1],
                    values["key_norm.weight"].shape[0],
                    formulation=formulation,
                    flux=flux,
                    boundary=boundary,
                    element=element,
                    assembly=assembly,
                    tau=float(values["tau"]),
                ).double()
                own = layer.state_dict()
                layer.load_state_dict(fit({k: v for k, v in values.items() if k in own}, own))
                with torch.inference_mode():
                    output = layer(image)
                stored = expected[found[0]]
                atol = 1e-11 if stored.dtype == np.float64 else 5e-5
                np.testing.assert_allclose(output, stored, atol=atol, rtol=0, err_msg=found[0])
                checked += 1
    assert checked >= 24
