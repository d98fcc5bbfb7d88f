from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.evaluation.rank import OperatorRank, operator_ranks
from dgno_core.evaluation.rank_figure import draw_ranks, summarise_ranks
from dgno_core.inference.predictor import Predictor
from dgno_core.models import DGNOConfig, ModelCard, build_model
from support.small_nets import OPERATORS, SMALL


def network_of(config: Any) -> Predictor:
    torch.manual_seed(0)
    model = build_model(config)
    model.card = ModelCard(name="tiny", config=model.config)
    return Predictor(model, model.card, "tiny")


@pytest.mark.parametrize("size", [(64, 64), (50, 71)])
def test_ranks_are_those_of_the_outputs_without_padding(size) -> None:
    network = network_of(DGNOConfig(**OPERATORS | {"iterations": 2}))
    pixels = np.random.default_rng(0).random((1, *size), dtype=np.float32)
    model: Any = network.model
    outputs: list[np.ndarray] = []
    for group in model.operators:
        for layer in group:
            layer.register_forward_hook(lambda *call: outputs.append(call[2][0].numpy()))
    with torch.inference_mode():
        model.eval()(torch.from_numpy(pixels[None]))
    kept = list(outputs)
    ranks = operator_ranks(network, pixels)
    assert [(one.scale, one.iteration) for one in ranks] == [
        (scale, t) for scale in ("quarter", "half", "full") for t in (0, 1)
    ]
    for one, z, step in zip(ranks, kept, (4, 4, 2, 2, 1, 1), strict=True):
        seen = z[:, : -(-size[0] // step), : -(-size[1] // step)].reshape(len(z), -1)
        singular = np.linalg.svd(seen.astype(np.float64), compute_uv=False)
        share = singular / singular.sum()
        expected = np.exp(-(share * np.log(share)).sum())
        assert one.channels == len(z)
        assert one.rank == pytest.approx(expected, rel=1e-5)
        assert one.utilisation == pytest.approx(expected / len(z), rel=1e-5)


def test_measuring_leaves_the_network_as_it_was() -> None:
    network = network_of(SMALL["galerkin-global"])
    network.model.train()
    assert len(operator_ranks(network, np.full((1, 32, 32), 0.5, np.float32))) == 3
    assert network.model.training
    assert not any(module._forward_hooks for module in network.model.modules())


def test_a_network_without_operators_says_so() -> None:
    with pytest.raises(DGNOError, match="no neural operator"):
        operator_ranks(network_of(SMALL["nafnet"]), np.zeros((1, 32, 32), np.float32))


def test_ranks_of_several_images_are_averaged_and_drawn() -> None:
    images = [[OperatorRank("half", t, 10, rank + t) for t in (0, 1)] for rank in (4.0, 6.0)]
    summary = summarise_ranks(images)
    assert [one.mean for one in summary] == [5, 6]
    assert summary[0].deviation == pytest.approx(np.sqrt(2))
    assert summarise_ranks(images[:1])[0].deviation == 0
    figure = draw_ranks({"a": summary, "b": summary}, images=2)
    left, right = figure.axes
    assert [bar.get_height() for bar in left.patches] == [5, 6, 5, 6]
    assert [bar.get_height() for bar in right.patches] == pytest.approx([50, 60, 50, 60])
    with pytest.raises(DGNOError, match="no image"):
        summarise_ranks([])
