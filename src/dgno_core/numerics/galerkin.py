r"""Galerkin integrals: global, windowed, and discontinuous with fluxes (paper Eqs. 9-16).

Symbols: ``q, k, v`` are fields ``(B, heads, d, Y, X)``; :math:`K = k^T v / n` is a coefficient
matrix ``(d, d)`` a head, ``K[a, b]`` the mean of :math:`k_a v_b`; the integral applied at a point
is :math:`o_b = \sum_a q_a K[a, b]`. Grids of matrices are ``(B, gy, gx, heads, d, d)``, in float32
where the fields are of half precision: a sum over an image would overflow in float16.
"""

from __future__ import annotations

from torch import Tensor

from dgno_core.numerics.assembly import assemble
from dgno_core.numerics.elements import SIDES, Side, face_trace, from_elements, to_elements
from dgno_core.numerics.flux_spec import AssemblyName, BoundaryName, FluxSpec, Formulation
from dgno_core.numerics.fluxes import FluxName
from dgno_core.numerics.precision import in_float32


def volume_coefficients(k: Tensor, v: Tensor) -> Tensor:
    """Element-local volume operators (Eqs. 10-11).

    Parameters
    ----------
    k, v : Tensor
        Elements ``(B, gy, gx, heads, d, p, p)``.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, d)``.
    """
    return in_float32(_mean_products, k.flatten(-2), v.flatten(-2))


def face_coefficients(k: Tensor, v: Tensor) -> dict[Side, Tensor]:
    """Operators on the four faces of every element, from its own side (Eq. 13).

    Parameters
    ----------
    k, v : Tensor
        Elements ``(B, gy, gx, heads, d, p, p)``.

    Returns
    -------
    dict
        For each side a grid of matrices ``(B, gy, gx, heads, d, d)``.
    """
    return {
        side: in_float32(_mean_products, face_trace(k, side), face_trace(v, side)) for side in SIDES
    }


def _mean_products(k: Tensor, v: Tensor) -> Tensor:
    """Mean of :math:`k_a v_b` over the last axis: two ``(..., d, n)`` to ``(..., d, d)``."""
    return k @ v.transpose(-1, -2) / k.shape[-1]


def element_operators(
    k: Tensor, v: Tensor, formulation: Formulation
) -> tuple[Tensor, dict[Side, Tensor]]:
    """Volume operators, and those on the faces between which fluxes are taken (Eqs. 11-15).

    Parameters
    ----------
    k, v : Tensor
        Elements ``(B, gy, gx, heads, d, p, p)``.
    formulation : {"cell", "face"}
        For "cell" the volume operator stands on all four faces.

    Returns
    -------
    volume : Tensor
        ``(B, gy, gx, heads, d, d)``.
    faces : dict
        For each side a grid of that shape.
    """
    volume = volume_coefficients(k, v)
    if formulation == "cell":
        return volume, dict.fromkeys(SIDES, volume)
    return volume, face_coefficients(k, v)


def dg_coefficients(k: Tensor, v: Tensor, spec: FluxSpec) -> tuple[Tensor, Tensor]:
    """Volume operators and the sum of their fluxes over the faces (Eqs. 14-16).

    Parameters
    ----------
    k, v : Tensor
        Elements ``(B, gy, gx, heads, d, p, p)``, already normalised.
    spec : FluxSpec
        Which fluxes, between which operators.

    Returns
    -------
    volume, exchange : Tensor
        Two grids of matrices; their sum is the DG operator of Eq. 16.
    """
    volume, faces = element_operators(k, v, spec.formulation)
    return volume, assemble(faces, spec)


def apply_coefficients(q: Tensor, coefficients: Tensor) -> Tensor:
    """``Q K`` on every element (Eqs. 11, 16).

    Parameters
    ----------
    q : Tensor
        Elements ``(B, gy, gx, heads, d, p, p)``.
    coefficients : Tensor
        ``(B, gy, gx, heads, d, d)``.

    Returns
    -------
    Tensor
        Same shape as `q`.
    """
    return (coefficients.transpose(-1, -2).to(q.dtype) @ q.flatten(-2)).view_as(q)


def dg_integral(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    element: int = 8,
    formulation: Formulation = "cell",
    flux: FluxName = "jump",
    boundary: BoundaryName = "neumann",
    tau: Tensor | float = 1.0,
    assembly: AssemblyName = "paper",
) -> Tensor:
    """Discontinuous Galerkin kernel integral (Eqs. 6-16).

    Parameters
    ----------
    q, k, v : Tensor
        ``(B, heads, d, Y, X)``; `k` and `v` already normalised; Y, X multiples of `element`.
    element : int
        Element size p in pixels.
    formulation, flux, boundary, tau, assembly
        See `FluxSpec`.

    Returns
    -------
    Tensor
        ``(B, heads, d, Y, X)``.

    Raises
    ------
    ValueError
        If Y or X is not a multiple of `element`.

    Examples
    --------
    >>> import torch
    >>> from dgno_core.numerics import dg_integral
    >>> q, k, v = torch.ones(3, 1, 2, 4, 16, 24)
    >>> dg_integral(q, k, v, element=8, formulation="face", flux="upwind").shape
    torch.Size([1, 2, 4, 16, 24])
    """
    spec = FluxSpec(formulation, flux, boundary, tau, assembly)
    return flux_integral(q, k, v, spec, element=element)


def flux_integral(q: Tensor, k: Tensor, v: Tensor, spec: FluxSpec, *, element: int) -> Tensor:
    """`dg_integral` of the choices in a `FluxSpec`."""
    q, k, v = (to_elements(field, element) for field in (q, k, v))
    volume, exchange = dg_coefficients(k, v, spec)
    return from_elements(apply_coefficients(q, volume + exchange))


def galerkin_integral(q: Tensor, k: Tensor, v: Tensor, *, element: int | None = None) -> Tensor:
    """Galerkin integral without fluxes (Eqs. 9-11).

    Parameters
    ----------
    q, k, v : Tensor
        ``(B, heads, d, Y, X)``; `k` and `v` already normalised.
    element : int, optional
        None integrates over the whole domain (the operator of SRNO); p over p x p windows.

    Returns
    -------
    Tensor
        ``(B, heads, d, Y, X)``.

    Raises
    ------
    ValueError
        If Y or X is not a multiple of `element`.

    Examples
    --------
    >>> import torch
    >>> from dgno_core.numerics import galerkin_integral
    >>> q, k, v = torch.ones(3, 1, 2, 4, 16, 24)
    >>> galerkin_integral(q, k, v, element=8).shape
    torch.Size([1, 2, 4, 16, 24])
    """
    if element is None:
        return apply_coefficients(q, volume_coefficients(k, v))
    q, k, v = (to_elements(field, element) for field in (q, k, v))
    return from_elements(apply_coefficients(q, volume_coefficients(k, v)))
