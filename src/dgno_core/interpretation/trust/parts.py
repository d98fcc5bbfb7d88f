"""What is known about the error at each pixel before it is put into one number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_gradient_magnitude

from dgno_core.interpretation.trust.agreement import Agreement
from dgno_core.interpretation.trust.reblur import SMOOTHING, Reblurred

Floats = NDArray[np.float32]

UNREMARKABLE = 3.0  # standard deviations that noise alone may reach
_DOUBT_OF_WIDTH = 0.3  # px: how wrong a width is at least
_STEEPNESS = 1.0  # px: sigma of the Gaussian that takes the slope


@dataclass(frozen=True)
class Parts:
    """Maps ``(Y, X)`` of what may go with an error, all in units of the image's range.

    Attributes
    ----------
    spread
        Root mean square of the standard deviation over flips and rotations, over 4 px.
    sensitivity
        Slope of the restored image times the width of the blur (plus 0.3 px), over 2 px: how much
        an image of this contrast changes if the blur is not what the network took it for.
    change
        What the restoration put back: restored minus re-blurred, root mean square over 2 px.
    noise
        Standard deviation of the noise of the recorded image.
    contradiction
        What of the residual is more than noise can explain.
    """

    spread: Floats
    sensitivity: Floats
    change: Floats
    noise: Floats
    contradiction: Floats


def measure_parts(observed: Floats, agreement: Agreement, reblurred: Reblurred) -> Parts:
    """Measure the parts; colours are averaged.

    Parameters
    ----------
    observed
        ``(C, Y, X)``, the recorded image.
    agreement, reblurred
        Of its restoration.
    """
    restored = agreement.restored
    slope = np.stack(
        [gaussian_gradient_magnitude(channel, _STEEPNESS, mode="reflect") for channel in restored]
    )
    smooth = gaussian_filter(observed, (0, 2, 2), mode="reflect")
    deviation = np.stack(
        [law.deviation(channel) for law, channel in zip(reblurred.noise, smooth, strict=True)]
    )
    beyond = np.clip(np.abs(reblurred.residual) - UNREMARKABLE, 0, None)
    averaged = deviation / np.float32(2 * SMOOTHING * np.sqrt(np.pi))
    return Parts(
        spread=local_rms(agreement.spread, 4),
        sensitivity=local_rms(slope, 2) * (reblurred.width + np.float32(_DOUBT_OF_WIDTH)),
        change=local_rms(restored - reblurred.image, 2),
        noise=deviation.mean(axis=0),
        contradiction=(beyond * averaged).max(axis=0),
    )


def local_rms(image: Floats, sigma: float) -> Floats:
    """Root mean square of ``(C, Y, X)`` over colours and a Gaussian of `sigma` px."""
    squares = gaussian_filter((image**2).mean(axis=0), sigma, mode="reflect")
    return np.sqrt(np.clip(squares, 0, None), dtype=np.float32)
