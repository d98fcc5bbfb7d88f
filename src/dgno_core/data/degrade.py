"""Random microscope degradations of a sharp crop: varying defocus, camera noise, quantisation."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from dgno_core.data.degrade_config import DegradeConfig
from dgno_core.optics.aberrated import Aberrations, ray_kernels
from dgno_core.optics.interpolated import KernelBank, PSFName, blur_interpolated
from dgno_core.optics.noise import camera_noise

# Where the exponent of the contrast would have an infinite slope, it is flattened.
_TOE = 0.1


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def random_widths(shape: tuple[int, int], max_width: float, generator: torch.Generator) -> Tensor:
    """A random map of blur widths: smooth, or in blocks with jumps between them.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)``.
    max_width : float
        Largest width in pixels.
    generator : torch.Generator
        Source of the draws.

    Returns
    -------
    Tensor
        ``(Y, X)``, 0 to `max_width`.
    """
    ends = torch.rand(2, generator=generator) * max_width
    cells = int(torch.randint(2, 5, (), generator=generator))
    grid = ends.min() + (ends.max() - ends.min()) * torch.rand(
        1, 1, cells, cells, generator=generator
    )
    if torch.rand((), generator=generator) < 0.5:
        smooth = F.interpolate(grid, size=shape, mode="bicubic", align_corners=True)
        return smooth[0, 0].clamp(0, max_width)
    # Straight borders in any direction: the nearest of a few random sites.
    sites = torch.rand(cells * cells, 2, generator=generator) * 1.4 - 0.2
    y = torch.linspace(0, 1, shape[0])[:, None, None]
    x = torch.linspace(0, 1, shape[1])[None, :, None]
    nearest = ((y - sites[:, 0]) ** 2 + (x - sites[:, 1]) ** 2).argmin(-1)
    return grid.flatten()[nearest]


def recolour(crop: Tensor, config: DegradeConfig, generator: torch.Generator) -> Tensor:
    """Change the colours of a crop, so that no stain in particular is learnt.

    Parameters
    ----------
    crop : Tensor
        ``(3, Y, X)``.
    config : DegradeConfig
        Its `tint` and `share_shuffled`.
    generator : torch.Generator
        Source of the draws.

    Returns
    -------
    Tensor
        Same shape as `crop`.
    """
    shuffled = torch.rand((), generator=generator) < config.share_shuffled
    order = torch.randperm(3, generator=generator)
    gains = 1 + config.tint * (2 * torch.rand(3, 1, 1, generator=generator) - 1)
    return (crop[order] if shuffled else crop) * gains


def relight(crop: Tensor, config: DegradeConfig, generator: torch.Generator) -> Tensor:
    """Change the contrast of a scene and add smooth light to it, as from beyond the focus.

    Parameters
    ----------
    crop : Tensor
        ``(C, Y, X)``.
    config : DegradeConfig
        Its `contrast` and `background`.
    generator : torch.Generator
        Source of the draws.

    Returns
    -------
    Tensor
        Same shape as `crop`; intensities 0 and 1 keep their values but for the light.
    """
    if config.contrast != (1.0, 1.0):
        softest, hardest = map(math.log, config.contrast)
        power = math.exp(_uniform(softest, hardest, generator))
        low, high = _TOE**power, (1 + _TOE) ** power
        crop = ((crop.clamp_min(-0.9 * _TOE) + _TOE) ** power - low) / (high - low)
    if config.background:
        height = _uniform(0, config.background, generator)
        lights = torch.rand(1, 1, 3, 3, generator=generator)
        light = F.interpolate(lights, size=crop.shape[-2:], mode="bicubic", align_corners=True)
        crop = crop + height * light[0].clamp_min(0)
    return crop


def random_psf(config: DegradeConfig, generator: torch.Generator) -> PSFName | KernelBank:
    """Shape of the blur of one crop: a Gaussian, a disk, or a disk with aberrations."""
    if config.share_aberrated and torch.rand((), generator=generator) < config.share_aberrated:
        draws = 2 * torch.rand(4, generator=generator) - 1
        coma, astigmatism, spherical = (config.aberration * float(share) for share in draws[:3])
        aberrations = Aberrations(coma, astigmatism, spherical, math.pi * float(draws[3]))
        return lambda widths, radius: ray_kernels(widths, aberrations, radius)
    return "gauss" if torch.rand((), generator=generator) < 0.5 else "disk"


def degrade(
    crop: Tensor, config: DegradeConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blurred and noisy version of a sharp crop, and its target.

    Parameters
    ----------
    crop : Tensor
        ``(C, Y + 2 margin, X + 2 margin)`` with the margin of `config`, about 0 ... 1.
    config : DegradeConfig
        Ranges of the draws.
    generator : torch.Generator
        Source of the draws.

    Returns
    -------
    degraded, sharp : Tensor
        ``(C, Y, X)`` each, in the same random gain and offset.
    """
    if crop.shape[0] == 3:
        crop = recolour(crop, config, generator)
    crop = relight(crop, config, generator)
    margin = config.margin
    sharp = crop[:, margin:-margin, margin:-margin]
    image = sharp
    if torch.rand((), generator=generator) >= config.share_sharp:
        psf = random_psf(config, generator)
        y, x = sharp.shape[-2:]
        widths = random_widths((y, x), config.max_width, generator)
        image = blur_interpolated(crop, widths, psf, radius=margin)
    if torch.rand((), generator=generator) >= config.share_clean:
        low, high = map(math.log, config.photons)
        image = camera_noise(
            image,
            math.exp(_uniform(low, high, generator)),
            _uniform(0, config.read_noise, generator),
            generator,
        )
    dimmest, brightest = map(math.log, config.gain)
    gain = math.exp(_uniform(dimmest, brightest, generator))
    offset = _uniform(*config.offset, generator)
    return image * gain + offset, sharp * gain + offset
