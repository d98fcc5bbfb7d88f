"""Effective rank of what the operators of a network give (DGNO paper, Fig. 5).

The effective rank of a matrix (Roy & Vetterli 2007) is ``exp(H)``, H the entropy of its singular
values divided by their sum. It counts how many directions a matrix really uses: 1 when all rows
are alike, d when d directions are used equally.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from torch import Tensor

    from dgno_core.inference.predictor import Predictor

SCALES = {"quarter": 4, "half": 2, "full": 1}
ROWS = 1 << 16  # taken at a time, so that no float64 copy of all rows is needed


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


def effective_rank(z: ArrayLike, *, centre: bool = False) -> float:
    """Effective rank of a matrix.

    Parameters
    ----------
    z
        ``(n, d)``: n samples of d channels. The Gram matrix is summed in float64: n may be large.
    centre
        Subtract the mean of each channel first. A mean adds a direction of its own and takes
        weight from the others.

    Returns
    -------
    float
        1 to min(n, d); NaN for a matrix of zeros.

    Raises
    ------
    DGNOError
        If `z` is no matrix or has values that are not finite.
    """
    matrix = np.asarray(z)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise DGNOError(f"An effective rank needs a matrix, not an array of shape {matrix.shape}.")
    n, d = matrix.shape
    mean = matrix.mean(0, dtype=np.float64) if centre else np.zeros(d)
    gram = np.zeros((d, d))
    for start in range(0, n, ROWS):
        part = matrix[start : start + ROWS] - mean
        gram += part.T @ part
    if not np.isfinite(gram).all():
        raise DGNOError("An effective rank needs finite values.")
    singular = np.sqrt(np.clip(np.linalg.eigvalsh(gram), 0, None))
    if not singular.any():
        return float("nan")
    share = singular / singular.sum()
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


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
