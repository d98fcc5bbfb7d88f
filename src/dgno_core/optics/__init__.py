"""Forward physics (blur that varies over the field, camera noise) and classical deconvolution.

Everything here is a pure function on numpy arrays; randomness comes from a generator that the
caller hands in. Nothing here imports torch.
"""

from __future__ import annotations

from dgno_core.optics.deconvolution import richardson_lucy, wiener
from dgno_core.optics.maps import smooth_map
from dgno_core.optics.noise import camera_noise
from dgno_core.optics.psf import disk_psf, gaussian_psf, make_psf
from dgno_core.optics.scenes import FocalStack, focal_stack
from dgno_core.optics.varying import blur_varying

__all__ = [
    "FocalStack",
    "blur_varying",
    "camera_noise",
    "disk_psf",
    "focal_stack",
    "gaussian_psf",
    "make_psf",
    "richardson_lucy",
    "smooth_map",
    "wiener",
]
