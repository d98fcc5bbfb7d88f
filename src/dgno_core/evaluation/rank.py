"""Effective rank of what the operators of a network give (DGNO paper, Fig. 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.metrics.rank import effective_rank

if TYPE_CHECKING:
    from torch import Tensor

    from dgno_core.inference.predictor import Predictor

SCALES = {"quarter": 4, "half": 2, "full": 1}


@dataclass(frozen=True)
class OperatorRank:
    """Effective rank of the output of one operator for one image.

    Attributes
    ----------
    scale, iteration
        Which operator: size of its image, and its number there from 0.
    channels
        d, the largest rank possible.
    rank
        Effective rank, 1 to `channels`; NaN for an output that is zero everywhere.
    """

    scale: str
    iteration: int
    channels: int
    rank: float

    @property
    def utilisation(self) -> float:
        """Effective rank over channels, at most 1."""
        return self.rank / self.channels


def operator_ranks(
    network: Predictor, pixels: NDArray[np.float32], *, centre: bool = False
) -> tuple[OperatorRank, ...]:
    """Effective rank of every operator's output, in one forward pass.

    The output of a layer, after its residual, is taken as a matrix of pixels by channels; the
    network's padding is left out. It is measured when it is made, and not kept.

    Parameters
    ----------
    network
        A network with operators: DGNO or one of its baselines without fluxes.
    pixels
        ``(C, Y, X)``, scaled as the network takes them.
    centre
        See `effective_rank`.

    Returns
    -------
    tuple of OperatorRank
        Coarse to fine, and by iteration.

    Raises
    ------
    DGNOError
        If the network has no operators, or memory runs out.
    """
    from dgno_core.inference.predictor import TileTooLargeError
    from dgno_core.models.dgno import DGNO

    model = network.model
    if not isinstance(model, DGNO):
        raise DGNOError(
            f"{network.name} is no neural operator, so it has no operators whose rank could be "
            "measured; choose a DGNO model, such as dgno-cell-small."
        )
    height, width = pixels.shape[1:]
    ranks: list[OperatorRank] = []

    def measure(scale: str, iteration: int, z: Tensor) -> None:
        step = SCALES[scale]
        seen = z[0, :, : -(-height // step), : -(-width // step)].float().cpu().numpy()
        rank = effective_rank(seen.reshape(len(seen), -1).T, centre=centre)
        ranks.append(OperatorRank(scale, iteration, len(seen), rank))

    layers: Any = model.operators
    hooks = [
        layer.register_forward_hook(
            lambda _, __, z, scale=scale, iteration=iteration: measure(scale, iteration, z)
        )
        for scale, group in zip(SCALES, layers, strict=True)
        for iteration, layer in enumerate(group)
    ]
    was_training = model.training
    model.eval()
    try:
        network.forward(pixels)
    except TileTooLargeError:
        raise DGNOError(
            f"Memory ran out on a part of {height} x {width} pixels; look at a smaller part, or "
            "choose another device."
        ) from None
    finally:
        for hook in hooks:
            hook.remove()
        model.train(was_training)
    return tuple(ranks)
