"""What may make an attribution map impossible, hard to compare or worth little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.memory import available_bytes, bytes_per_pixel
from dgno_core.interpretation.lam.settings import LamSettings

if TYPE_CHECKING:
    from dgno_core.inference.predictor import Predictor

# The way back needs all layers. Measured on the CPU, that takes 5.5 times what inference does for
# DGNO on its own encoder, and for other networks between 6 (NAFNet's encoder) and 23 times (MPT).
KEPT, KEPT_BY_OTHERS = 6, 24
KERNEL_WIDTHS = 6  # a Gaussian needs so many widths (and a pixel) to be whole


def check_memory(network: Predictor, pixels: int) -> None:
    """Refuse what the machine cannot hold: on a CPU, the system would end the program instead.

    Raises
    ------
    DGNOError
        If less memory is free than following the model back to its input is estimated to take.
    """
    lifting = getattr(network.card.config, "lifting", None)
    kept = KEPT if getattr(lifting, "kind", "") == "mamba" else KEPT_BY_OTHERS
    needed = kept * bytes_per_pixel(network.card) * pixels / 2**30
    free = available_bytes(network.device) / 2**30
    if needed > free:
        raise DGNOError(
            f"To follow the model {network.name} back to its input takes about {needed:.1f} GB for "
            f"this neighbourhood, and {free:.1f} GB are free on {network.device}; choose a smaller "
            "neighbourhood or a smaller model."
        )


def setting_warnings(image: NDArray[np.float32], settings: LamSettings) -> Iterator[str]:
    """Say what the user should know whatever the map shows."""
    height, width = image.shape[1:]
    if (height, width) != (settings.side, settings.side):
        yield (
            f"The map is {height} x {width} pixels, not {settings.side} x {settings.side}: compare "
            "its diffusion index only with those of maps of the same size."
        )
    if settings.kernel < KERNEL_WIDTHS * settings.sigma + 1:
        yield (
            f"A kernel of {settings.kernel} pixels cuts off a blur of {settings.sigma:g}; take one "
            f"of at least {int(KERNEL_WIDTHS * settings.sigma + 1) // 2 * 2 + 1}."
        )


def map_warnings(
    attribution: NDArray[np.floating], nan_zeroed: int, settings: LamSettings
) -> Iterator[str]:
    """Say what the user should know about a map that is computed."""
    if nan_zeroed:
        share = nan_zeroed / (settings.path_steps * attribution.size)
        yield (
            f"{nan_zeroed} derivatives ({share:.0%}) did not exist and count as zero, because the "
            "restored image is exactly flat somewhere in the box."
        )
    if not attribution.any():
        yield (
            "Nothing in the neighbourhood contributed to the edges in the box; choose a box that "
            "holds some structure."
        )
