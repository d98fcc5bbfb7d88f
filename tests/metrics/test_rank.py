from __future__ import annotations

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.metrics import effective_rank


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
