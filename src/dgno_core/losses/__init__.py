"""Training losses of the two papers."""

from dgno_core.losses.contrastive import efcr, efcr_ex, efcr_ex_unlabelled
from dgno_core.losses.multiscale import multiscale_loss, pixel_loss
from dgno_core.losses.regularisation import EFCR

__all__ = [
    "EFCR",
    "efcr",
    "efcr_ex",
    "efcr_ex_unlabelled",
    "multiscale_loss",
    "pixel_loss",
]
