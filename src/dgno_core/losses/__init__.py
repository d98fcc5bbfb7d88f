"""Training losses of the two papers."""

from dgno_core.losses.multiscale import multiscale_loss

__all__ = ["multiscale_loss"]
