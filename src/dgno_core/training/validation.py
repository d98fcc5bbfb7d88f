"""Scores and pictures of whole held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dgno_core.io.atomic import replacing
from dgno_core.metrics import psnr, ssim


@dataclass(frozen=True)
class HeldOutImage:
    """An image that validates: scaled as the network takes it.

    Parameters
    ----------
    name
        Of its file.
    blurred, sharp
        ``(C, Y, X)``, intensities about 0 ... 1.
    """

    name: str
    blurred: Tensor
    sharp: Tensor


@dataclass(frozen=True)
class Scores:
    """PSNR in dB for a peak of 1, and SSIM, of one image or their means over several."""

    blurred: float
    psnr: float
    ssim: float


def validate(
    model: nn.Module, images: Sequence[HeldOutImage], device: torch.device
) -> list[tuple[Scores, Tensor]]:
    """Restore held-out images.

    Parameters
    ----------
    model : nn.Module
        The network, on `device`; it is put into evaluation mode.
    images : sequence of HeldOutImage
        May be none.
    device : torch.device
        Where to compute.

    Returns
    -------
    list of (Scores, Tensor)
        For each image its scores and what became of it, ``(C, Y, X)`` on the CPU.
    """
    model.eval()
    found = []
    with torch.inference_mode():
        for image in images:
            output = model(image.blurred[None].to(device))[-1][0].float().cpu()
            sharp, before, after = (
                part.movedim(0, -1).numpy() for part in (image.sharp, image.blurred, output)
            )
            scores = Scores(
                psnr(sharp, before, data_range=1.0),
                psnr(sharp, after, data_range=1.0),
                ssim(sharp, after, data_range=1.0),
            )
            found.append((scores, output))
    return found


def mean_scores(scores: Sequence[Scores]) -> Scores:
    """Means over at least one image."""
    return Scores(
        fmean(one.blurred for one in scores),
        fmean(one.psnr for one in scores),
        fmean(one.ssim for one in scores),
    )


def save_picture(image: HeldOutImage, restored: Tensor, path: Path) -> None:
    """Write input, output and target side by side as PNG, all with the target's contrast.

    Parameters
    ----------
    image : HeldOutImage
        Input and target.
    restored : Tensor
        ``(C, Y, X)``.
    path : Path
        The file; replaced whole or not at all.

    Raises
    ------
    DGNOError
        If it cannot be written.
    """
    from PIL import Image

    low, high = (float(image.sharp.quantile(q)) for q in (0.001, 0.999))
    panels = [_grey_levels(part, low, high) for part in (image.blurred, restored, image.sharp)]
    gap = np.full((panels[0].shape[0], 4, *panels[0].shape[2:]), 255, np.uint8)
    strip = np.concatenate([panels[0], gap, panels[1], gap, panels[2]], axis=1)
    with replacing(path) as part:
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(strip).save(part, format="PNG")


def _grey_levels(image: Tensor, low: float, high: float) -> NDArray[np.uint8]:
    scaled = ((image - low) / max(high - low, 1e-6)).clamp(0, 1) * 255
    levels: NDArray[np.uint8] = scaled.round().to(torch.uint8).numpy()
    return levels[0] if len(levels) == 1 else np.moveaxis(levels, 0, -1)
