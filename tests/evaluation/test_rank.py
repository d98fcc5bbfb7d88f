from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.evaluation.rank import OperatorRank, effective_rank, operator_ranks
from dgno_core.evaluation.rank_figure import draw_ranks, summarise_ranks
from dgno_core.inference.predictor import Predictor
from dgno_core.models import DGNOConfig, ModelCard, build_model
from support.small_nets import OPERATORS, SMALL


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("matrix", "rank"),
    [
        (np.eye(8), 8),
        (np.diag([3, 1]), 1.754765),
        (np.diag(np.arange(1, 9)), 6.936504),
        (np.ones((5, 4)), 1),
        (rng().standard_normal((4096, 48)), 47.923024),
        (rng().random((4096, 48)), 35.480635),
    ],
)
def test_effective_rank_of_known_matrices(matrix, rank) -> None:
    assert effective_rank(matrix) == pytest.approx(rank, abs=1e-6)
    # The sum of squares must not depend on how many rows are taken at a time.
    assert effective_rank(np.tile(matrix, (40, 1))) == pytest.approx(rank, abs=1e-6)


def test_centring_takes_the_mean_out() -> None:
    assert effective_rank(rng().random((4096, 48)), centre=True) == pytest.approx(
        47.932220, abs=1e-6
    )
    assert np.isnan(effective_rank(np.ones((5, 4)), centre=True))


def test_a_product_of_rank_four_has_at_most_four_in_float32() -> None:
    left = np.random.default_rng(1).standard_normal((4096, 4))
    right = np.random.default_rng(2).standard_normal((4, 48))
    product = (left @ right).astype(np.float32)
    direct = np.linalg.svd(product.astype(np.float64), compute_uv=False)
    share = direct / direct.sum()
    expected = np.exp(-(share[share > 0] * np.log(share[share > 0])).sum())
    assert effective_rank(product) == pytest.approx(expected, abs=2e-4)
    assert effective_rank(product) < 4


@pytest.mark.parametrize("matrix", [np.zeros(4), np.zeros((0, 4)), np.full((3, 3), np.nan)])
def test_what_has_no_rank_is_refused(matrix) -> None:
    with pytest.raises(DGNOError, match="effective rank needs"):
        effective_rank(matrix)


def network_of(config: Any) -> Predictor:
    torch.manual_seed(0)
    model = build_model(config)
    model.card = ModelCard(name="tiny", config=model.config)
    return Predictor(model, model.card, "tiny")


@pytest.mark.parametrize("size", [(64, 64), (50, 71)])
def test_ranks_are_those_of_the_outputs_without_padding(size) -> None:
    network = network_of(DGNOConfig(**OPERATORS | {"iterations": 2}))
    pixels = rng().random((1, *size), dtype=np.float32)
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
