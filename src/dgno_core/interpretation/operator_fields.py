"""Pictures of an operator's parts: of one channel, or their root mean square over channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from dgno_core.interpretation.operator_terms import OperatorTerms
from dgno_core.numerics.elements import Side, from_elements
from dgno_core.numerics.galerkin import apply_coefficients

Picture: TypeAlias = NDArray[np.float32]


def field(
    terms: OperatorTerms, name: str, head: int | None = None, dimension: int | None = None
) -> Picture:
    """One of the operator's fields, ``(Y, X)`` with the network's padding.

    Parameters
    ----------
    terms
        The operator's parts.
    name
        ``basis``, ``latent``, ``flux``, ``output`` or ``boundary``.
    head, dimension
        Which channels; signed if both are given, else their root mean square.
    """
    elements = _chosen(terms, name, head, dimension)
    if dimension is None:
        elements = elements.square().mean((3, 4), keepdim=True).sqrt()
    return _array(from_elements(elements)[0, 0, 0])


def element_ratio(
    terms: OperatorTerms, head: int | None = None, dimension: int | None = None
) -> Picture:
    """Flux over latent in each element ``(gy, gx)``, from their root mean squares there.

    Where the latent is zero the ratio is NaN, or infinite if there is a flux.
    """
    flux, latent = (
        _chosen(terms, name, head, dimension).square().mean((3, 4, 5, 6)).sqrt()[0]
        for name in ("flux", "latent")
    )
    return _array(flux / latent)


def side_magnitudes(parts: Mapping[Side, Tensor], head: int | None = None) -> dict[Side, Picture]:
    """Root mean square of the entries of every element's matrices, ``(gy, gx)`` for each side."""
    return {
        side: _array(part[:, :, :, _one(head)].square().mean((3, 4, 5)).sqrt()[0])
        for side, part in parts.items()
    }


def _chosen(terms: OperatorTerms, name: str, head: int | None, dimension: int | None) -> Tensor:
    """Elements ``(1, gy, gx, heads, d, p, p)`` of a field, of the chosen channels."""
    queries = terms.queries[:, :, :, _one(head)]
    if name == "basis":
        return queries[:, :, :, :, _one(dimension)]
    match name:
        case "latent":
            operators = terms.volume
        case "flux":
            operators = terms.exchange
        case "boundary":
            operators = terms.through_border
        case _:
            operators = terms.volume + terms.exchange
    applied = apply_coefficients(queries, operators[:, :, :, _one(head)])
    return applied[:, :, :, :, _one(dimension)]


def _one(index: int | None) -> slice:
    return slice(None) if index is None else slice(index, index + 1)


def _array(part: Tensor) -> Picture:
    picture: Picture = part.numpy()
    return picture
