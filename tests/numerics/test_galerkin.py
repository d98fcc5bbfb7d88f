from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from dgno_core.numerics import dg_integral, galerkin_integral
from dgno_core.numerics.elements import from_elements, to_elements
from dgno_core.numerics.flux_spec import FluxSpec
from dgno_core.numerics.galerkin import dg_coefficients
from support.half import in_both_ways, in_half
from support.loops import dg_loops

FORMULATIONS = ("cell", "face")
FLUXES = ("central", "jump", "average_jump", "upwind")
BOUNDARIES = ("dirichlet", "neumann", "periodic")
CASES = list(itertools.product(FORMULATIONS, FLUXES, BOUNDARIES))


def fields(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    q, k, v = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    return q, k, v


@pytest.mark.parametrize(("formulation", "flux", "boundary"), CASES)
@pytest.mark.parametrize("grid", [(2, 3), (1, 1), (1, 4)])
def test_equals_plain_loops(formulation, flux, boundary, grid) -> None:
    p = 4
    q, k, v = fields(2, 2, 3, grid[0] * p, grid[1] * p)
    out = dg_integral(
        q, k, v, element=p, formulation=formulation, flux=flux, boundary=boundary, tau=0.37
    )
    for image, head in itertools.product(range(2), range(2)):
        one = (t[image, head].numpy() for t in (q, k, v))
        expected = dg_loops(*one, p, formulation, flux, boundary, 0.37)
        torch.testing.assert_close(
            out[image, head], torch.from_numpy(expected), atol=1e-12, rtol=1e-12
        )


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.sampled_from([2, 4, 8]))
@settings(max_examples=25, deadline=None)
def test_elements_go_back_together(heads: int, gy: int, gx: int, p: int) -> None:
    field = torch.arange(heads * 2 * gy * gx * p * p).view(1, heads, 2, gy * p, gx * p)
    elements = to_elements(field, p)
    assert elements.shape == (1, gy, gx, heads, 2, p, p)
    assert torch.equal(elements[0, -1, 0, 0, 1], field[0, 0, 1, -p:, :p])
    assert torch.equal(from_elements(elements), field)


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_jump_flux_is_conservative_on_a_periodic_domain(formulation) -> None:
    _, k, v = fields(2, 2, 3, 16, 24)
    _, exchange = dg_coefficients(
        to_elements(k, 4),
        to_elements(v, 4),
        FluxSpec(formulation, "jump", "periodic", tau=0.8),
    )
    assert exchange.abs().max() > 0.01
    torch.testing.assert_close(
        exchange.sum((1, 2)), torch.zeros_like(exchange[:, 0, 0]), atol=1e-12, rtol=0
    )


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_no_jump_penalty_gives_the_windowed_operator(formulation) -> None:
    q, k, v = fields(1, 2, 4, 16, 16)
    out = dg_integral(q, k, v, element=8, formulation=formulation, flux="jump", tau=0.0)
    torch.testing.assert_close(out, galerkin_integral(q, k, v, element=8))


def test_one_element_over_the_domain_gives_the_global_operator() -> None:
    q, k, v = fields(2, 2, 3, 8, 8)
    whole = galerkin_integral(q, k, v)
    torch.testing.assert_close(galerkin_integral(q, k, v, element=8), whole)
    # Alone on a periodic domain an element is its own neighbour: cells have no jump.
    alone = dg_integral(q, k, v, element=8, flux="jump", boundary="periodic", tau=0.5)
    torch.testing.assert_close(alone, whole)


def test_global_operator_equals_its_definition() -> None:
    q, k, v = fields(1, 2, 3, 5, 7)
    coefficients = torch.einsum("bhayx,bhcyx->bhac", k, v) / 35
    expected = torch.einsum("bhayx,bhac->bhcyx", q, coefficients)
    torch.testing.assert_close(galerkin_integral(q, k, v), expected)


@pytest.mark.parametrize(("formulation", "flux"), list(itertools.product(FORMULATIONS, FLUXES)))
def test_shifting_a_periodic_input_by_an_element_shifts_the_output(formulation, flux) -> None:
    q, k, v = fields(1, 2, 3, 12, 16)
    settings_ = {"element": 4, "formulation": formulation, "flux": flux, "boundary": "periodic"}
    shift = {"shifts": (4, -8), "dims": (-2, -1)}
    moved = dg_integral(*(t.roll(**shift) for t in (q, k, v)), **settings_)
    torch.testing.assert_close(moved, dg_integral(q, k, v, **settings_).roll(**shift))


@pytest.mark.parametrize(("formulation", "flux", "boundary"), CASES)
@pytest.mark.parametrize("assembly", ["paper", "official"])
def test_gradients(assembly, formulation, flux, boundary) -> None:
    q, k, v = (t.requires_grad_() for t in fields(1, 1, 2, 4, 6))
    tau = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    choices = {"formulation": formulation, "flux": flux, "boundary": boundary, "assembly": assembly}
    assert torch.autograd.gradcheck(
        lambda q, k, v, tau: dg_integral(q, k, v, element=2, tau=tau, **choices),
        (q, k, v, tau),
        fast_mode=True,
    )


def test_sides_that_elements_do_not_fill_are_refused() -> None:
    q, k, v = fields(1, 1, 2, 12, 10)
    with pytest.raises(ValueError, match="12 x 10"):
        dg_integral(q, k, v, element=4)


def rounding(q: Tensor, coefficients: Tensor, half: torch.dtype) -> Tensor:
    """What the last product may lose in half precision: inputs, products and sums are rounded."""
    d = q.shape[2]
    largest = torch.einsum("bhayx,bhac->bhcyx", q.abs(), coefficients.abs())
    return (d + 2) * torch.finfo(half).eps * largest


@in_half
@in_both_ways
@pytest.mark.parametrize("sigma", [1.0, 0.1, 0.01])
def test_the_global_integral_of_a_large_image_in_half_precision(
    sigma: float, half: torch.dtype, autocast: bool
) -> None:
    """Sums over 90,000 pixels lie beyond the largest float16."""
    q, k, v = (sigma * field for field in fields(1, 1, 3, 300, 300))
    v = k + 0.1 * v
    q, k, v = (field.to(half) for field in (q, k, v))
    with torch.autocast("cpu", half, enabled=autocast):
        found = galerkin_integral(q, k, v)
    assert found.dtype == half
    wide = [field.double() for field in (q, k, v)]
    exact = galerkin_integral(*wide)
    coefficients = torch.einsum("bhayx,bhcyx->bhac", wide[1], wide[2]) / 300**2
    # Below the smallest normal number float16 has steps of its own.
    step = 4 * torch.finfo(half).tiny * torch.finfo(half).eps
    error = (found.double() - exact).abs()
    assert bool((error <= rounding(wide[0], coefficients, half) + step).all())


@in_half
@in_both_ways
@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_sums_over_elements_and_faces_do_not_overflow_in_half_precision(
    formulation, half: torch.dtype, autocast: bool
) -> None:
    q, k, v = fields(1, 1, 3, 16, 16)
    q, k, v = (field.to(half) for field in (q, 100 + k, 100 + v))
    with torch.autocast("cpu", half, enabled=autocast):
        found = dg_integral(q, k, v, formulation=formulation)
    exact = dg_integral(*(field.double() for field in (q, k, v)), formulation=formulation)
    # Jumps are differences of means of 1e4; at the border the flux doubles them.
    largest = 2e4 * q.double().abs().sum(2, keepdim=True)
    error = (found.double() - exact).abs()
    assert bool((error <= 5 * torch.finfo(half).eps * largest).all())
