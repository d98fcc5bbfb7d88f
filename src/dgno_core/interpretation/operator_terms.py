"""The parts of one operator layer, recomputed from its input, and pictures of them.

A picture is of one channel, or the root mean square over channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dgno_core.errors import DGNOError
from dgno_core.inference.predictor import Predictor, TileTooLargeError
from dgno_core.layers.operator import OperatorLayer
from dgno_core.numerics.assembly import face_jumps, received
from dgno_core.numerics.elements import SIDES, Side, border, from_elements, to_elements
from dgno_core.numerics.galerkin import apply_coefficients, element_operators

Picture: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class OperatorTerms:
    """An operator taken apart; all tensors are float32 on the CPU.

    Attributes
    ----------
    queries
        Elements ``(1, gy, gx, heads, d, p, p)``.
    volume
        Volume operators ``(1, gy, gx, heads, d, d)``.
    received
        For each side, what the elements receive through that face; their sum and `volume` are the
        DG operator of Eq. 16.
    jumps
        For each side, the neighbour's operator less the element's own.
    """

    queries: Tensor
    volume: Tensor
    received: dict[Side, Tensor]
    jumps: dict[Side, Tensor]

    @property
    def exchange(self) -> Tensor:
        """The sum of what is received, ``(1, gy, gx, heads, d, d)``."""
        total = torch.zeros_like(self.volume)
        for part in self.received.values():
            total = total + part
        return total

    @property
    def through_border(self) -> Tensor:
        """The part of `exchange` that comes through the border of the domain."""
        total = torch.zeros_like(self.volume)
        for side in SIDES:
            border(total, side).add_(border(self.received[side], side))
        return total


def decompose(layer: OperatorLayer, z: Tensor) -> OperatorTerms:
    """Recompute the parts of an operator from what enters it.

    Parameters
    ----------
    layer
        A layer with fluxes.
    z
        ``(1, C, Y, X)``.
    """
    spec, element = layer.spec, layer.element
    assert spec is not None
    assert element is not None
    queries, keys, values = (to_elements(field, element) for field in layer.bases(z))
    volume, faces = element_operators(keys, values, spec.formulation)
    jumps = face_jumps(faces, spec)
    return OperatorTerms(
        _on_cpu(queries),
        _on_cpu(volume),
        {side: _on_cpu(part) for side, part in received(faces, spec)},
        {side: _on_cpu(part) for side, part in jumps.items()},
    )


class _ReachedError(Exception):
    """The layer is reached; the rest of the network need not run."""


def terms_of(
    network: Predictor, layer: OperatorLayer, pixels: NDArray[np.float32]
) -> OperatorTerms:
    """Run a network up to one of its layers and take that apart.

    Parameters
    ----------
    network, layer
        The layer is one of the network's operators.
    pixels
        ``(C, Y, X)``, scaled as the network takes them.

    Raises
    ------
    DGNOError
        If memory runs out, or the parts are not finite.
    """
    caught: list[OperatorTerms] = []

    def take_and_stop(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        caught.append(decompose(layer, inputs[0]))
        raise _ReachedError

    was_training = network.model.training
    network.model.eval()
    hook = layer.register_forward_pre_hook(take_and_stop)
    try:
        network.forward(pixels)
    except _ReachedError:
        pass
    except TileTooLargeError:
        height, width = pixels.shape[1:]
        raise DGNOError(
            f"Memory ran out on a part of {height} x {width} pixels; look at a smaller part, or "
            "choose another device."
        ) from None
    finally:
        hook.remove()
        network.model.train(was_training)
    (terms,) = caught
    if not bool((terms.volume + terms.exchange).isfinite().all()):
        raise DGNOError(f"The model {network.name} gave values that are not finite; report this.")
    return terms


def _on_cpu(part: Tensor) -> Tensor:
    return part.float().cpu()


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
