"""How close a restored image is to the sharp one: PSNR and SSIM under one stated convention.

The convention of the public evaluation set: both images are scaled by the SHARP image's minimum
and maximum, so the data range is 1 and the restored image cannot hide a wrong gain or offset
behind a scaling of its own. Nothing is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dgno_core.errors import DGNOError

Floats: TypeAlias = NDArray[np.float64]
DataRange: TypeAlias = float | Literal["reference"]
SsimWindow: TypeAlias = Literal["uniform7", "gauss11"]


@dataclass(frozen=True)
class Score:
    """Fidelity of one image to its sharp reference.

    Parameters
    ----------
    psnr
        Peak signal-to-noise ratio in dB; infinite for identical images.
    ssim
        Structural similarity, at most 1.
    """

    psnr: float
    ssim: float


def scale_by_reference(reference: ArrayLike, *images: ArrayLike) -> tuple[Floats, ...]:
    """Map the reference's minimum to 0 and its maximum to 1, and all images by the same line.

    Parameters
    ----------
    reference
        The sharp image, any numeric type.
    images
        Images in the same units; they may leave the range 0 to 1.

    Returns
    -------
    The scaled reference and images, float64.

    Raises
    ------
    DGNOError
        If the reference has one value only, and so no range.
    """
    sharp = np.asarray(reference, dtype=np.float64)
    low, high = float(sharp.min()), float(sharp.max())
    if not high > low:
        raise DGNOError(
            "The sharp image has the same value everywhere, so no score can be scaled by it; "
            "choose a reference image that shows something."
        )
    scaled = (np.asarray(one, dtype=np.float64) for one in (sharp, *images))
    return tuple((one - low) / (high - low) for one in scaled)


def psnr(reference: ArrayLike, image: ArrayLike, *, data_range: DataRange = "reference") -> float:
    """Peak signal-to-noise ratio, ``10 log10(range^2 / mean squared error)``, in dB.

    Parameters
    ----------
    reference
        Sharp image.
    image
        Image of the same shape and units.
    data_range
        Span of the intensities, or ``"reference"`` for the sharp image's maximum minus minimum.

    Returns
    -------
    PSNR in dB over all pixels and colours together; infinite for identical images.

    Examples
    --------
    An error of 0.4 where the sharp image spans 4:

    >>> import numpy as np
    >>> from dgno_core.metrics import psnr
    >>> sharp = np.array([[0.0, 1.0], [2.0, 4.0]])
    >>> round(psnr(sharp, sharp + 0.4), 6)
    20.0
    """
    sharp, other = _alike(reference, image)
    if data_range == "reference":
        sharp, other = scale_by_reference(sharp, other)
        span = 1.0
    else:
        span = float(data_range)
    return psnr_of((sharp - other) ** 2, span)


def psnr_of(squared_errors: Floats, span: float = 1.0) -> float:
    """PSNR in dB of squared errors; infinite if all are 0, NaN if there are none."""
    if not squared_errors.size:
        return float("nan")
    error = float(squared_errors.mean())
    return float("inf") if error == 0 else float(10 * np.log10(span**2 / error))


def ssim(
    reference: ArrayLike,
    image: ArrayLike,
    *,
    data_range: DataRange = "reference",
    window: SsimWindow = "uniform7",
) -> float:
    """Structural similarity, averaged over pixels and colours.

    Parameters
    ----------
    reference
        Sharp image, ``(Y, X)`` or ``(Y, X, S)``.
    image
        Image of the same shape and units.
    data_range
        Span of the intensities, or ``"reference"`` as in `psnr`.
    window
        ``"uniform7"``: 7 x 7 box, sample covariance (scikit-image's default; used in our tables).
        ``"gauss11"``: Gaussian of sigma 1.5 cut to 11 x 11, as in the original paper.

    Raises
    ------
    DGNOError
        If the image is smaller than the window.

    Examples
    --------
    >>> import numpy as np
    >>> from dgno_core.metrics import ssim
    >>> sharp = np.add.outer(np.arange(16.0), np.arange(16.0))
    >>> round(ssim(sharp, sharp), 6)
    1.0
    """
    from skimage.metrics import structural_similarity

    sharp, other = _alike(reference, image)
    side = 7 if window == "uniform7" else 11
    if min(sharp.shape[:2]) < side:
        raise DGNOError(
            f"SSIM looks at windows of {side} x {side} pixels, and the image has only "
            f"{sharp.shape[0]} x {sharp.shape[1]}; choose a larger image."
        )
    if data_range == "reference":
        sharp, other = scale_by_reference(sharp, other)
        span = 1.0
    else:
        span = float(data_range)
    gaussian = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    options = {"win_size": 7} if window == "uniform7" else gaussian
    channel_axis = None if sharp.ndim == 2 else -1
    return float(
        structural_similarity(  # type: ignore[no-untyped-call]
            sharp, other, data_range=span, channel_axis=channel_axis, **options
        )
    )


def score_pair(reference: ArrayLike, image: ArrayLike) -> Score:
    """Score an image against the sharp one, both scaled by the SHARP one's minimum and maximum."""
    sharp, other = scale_by_reference(reference, image)
    return Score(psnr(sharp, other, data_range=1.0), ssim(sharp, other, data_range=1.0))


def _alike(reference: ArrayLike, image: ArrayLike) -> tuple[Floats, Floats]:
    sharp = np.asarray(reference, dtype=np.float64)
    other = np.asarray(image, dtype=np.float64)
    if sharp.shape != other.shape:
        raise DGNOError(
            f"The sharp image has the shape {sharp.shape} and the other one {other.shape}; "
            "only images of the same shape can be compared."
        )
    return sharp, other
