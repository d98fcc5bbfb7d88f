"""What the released assembly and the paper's have in common, and what they have not."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dgno_core.numerics.flux_spec import FluxSpec
from dgno_core.numerics.galerkin import dg_coefficients

BOUNDARIES = ("dirichlet", "neumann", "periodic")
# The released name of a boundary, and the paper's name of what it then computes.
SAME_JUMP = {
    "cell": {"neumann": "dirichlet", "dirichlet": "neumann", "periodic": "periodic"},
    "face": {"neumann": "dirichlet"},
}


def exchange(seed: int, grid: tuple[int, int], **choices: object) -> Tensor:
    """Flux sums ``(B, gy, gx, heads, d, d)`` of random elements of 4 x 4 pixels."""
    generator = torch.Generator().manual_seed(seed)
    k, v = torch.randn(2, 2, *grid, 2, 3, 4, 4, dtype=torch.float64, generator=generator)
    return dg_coefficients(k, v, FluxSpec(**choices))[1]


grids = st.tuples(st.integers(1, 4), st.integers(1, 4))
larger_grids = st.tuples(st.integers(2, 4), st.integers(2, 4))
taus = st.floats(0.05, 2).flatmap(lambda size: st.sampled_from([size, -size]))
seeds = st.integers(0, 2**16)


@pytest.mark.parametrize(
    ("formulation", "released", "paper"),
    [(form, *names) for form, same in SAME_JUMP.items() for names in same.items()],
)
@given(seed=seeds, grid=grids, tau=taus)
@settings(max_examples=15, deadline=None)
def test_released_jumps_are_the_papers_of_the_other_sign(
    formulation, released, paper, seed, grid, tau
) -> None:
    case = {"seed": seed, "grid": grid, "formulation": formulation, "flux": "jump"}
    theirs = exchange(**case, boundary=released, tau=tau, assembly="official")
    ours = exchange(**case, boundary=paper, tau=-tau)
    torch.testing.assert_close(theirs, ours, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(
    ("formulation", "flux", "released"),
    [
        case
        for case in itertools.product(
            ("cell", "face"), ("central", "jump", "average_jump", "upwind"), BOUNDARIES
        )
        if case[1] != "jump" or case[2] not in SAME_JUMP[case[0]]
    ],
)
@given(seed=seeds, grid=larger_grids, tau=taus)
@settings(max_examples=5, deadline=None)
def test_nothing_else_of_the_released_assembly_is_the_papers(
    formulation, flux, released, seed, grid, tau
) -> None:
    case = {"seed": seed, "grid": grid, "formulation": formulation, "flux": flux}
    theirs = exchange(**case, boundary=released, tau=tau, assembly="official")
    for paper, sign in itertools.product(BOUNDARIES, (1, -1)):
        ours = exchange(**case, boundary=paper, tau=sign * tau)
        assert (theirs - ours).abs().max() > 1e-3, (paper, sign)
