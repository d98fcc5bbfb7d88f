"""Random defocus and camera noise of a sharp image: drawn, applied, and replayed from its record.

One degrader serves training, the demonstration and whoever wants an image again. `degrade` draws a
`Degradation` and applies it; the record holds every draw, so `replay` gives the same image.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ConfigDict
from torch import Tensor
from torch.nn import functional as F

from dgno_core.base_config import BaseConfig
from dgno_core.data.config import DegradeConfig
from dgno_core.optics.aberrated import Aberrations, ray_kernels
from dgno_core.optics.interpolated import blur_interpolated
from dgno_core.optics.maps import WidthMap
from dgno_core.optics.noise import camera_noise
from dgno_core.optics.psf import PsfKind
from dgno_core.optics.varying import blur_varying

# Where the exponent of the contrast would have an infinite slope, it is flattened.
_TOE = 0.1
_NO_BLUR = 1e-3  # px; no kernel this narrow reaches the next pixel


class Degradation(BaseConfig):
    """All that was drawn to degrade one image. JSON keeps it exactly.

    Attributes
    ----------
    order, tints
        Of the colours: which channels are taken, and the gain of each. None: as they are.
    power
        Exponent of the intensities; None: as they are.
    background, lights
        Height of the smooth light that is added, and its nodes in rows and columns, 0 to 1.
    psf, widths
        Shape of the blur, and its width over the field; no widths, no blur.
    photons, read_noise
        Of the camera, see `camera_noise`; no photons, no noise.
    noise
        Seed of the noise, or the state of the generator that drew it.
    gain, offset
        Of the recorded intensities.
    """

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    order: tuple[int, int, int] | None = None
    tints: tuple[float, float, float] | None = None
    power: float | None = None
    background: float = 0.0
    lights: tuple[tuple[float, ...], ...] = ()
    psf: PsfKind | Aberrations = "gauss"
    widths: WidthMap | None = None
    photons: float | None = None
    read_noise: float = 0.0
    noise: int | bytes = 0
    gain: float = 1.0
    offset: float = 0.0

    def generator(self) -> torch.Generator:
        """Source of the noise, as it was before the noise was drawn."""
        if isinstance(self.noise, int):
            return torch.Generator().manual_seed(self.noise)
        state = torch.frombuffer(bytearray(self.noise), dtype=torch.uint8)
        generator = torch.Generator()
        generator.set_state(state)
        return generator


class Degraded(NamedTuple):
    """A degraded image and its target, ``(C, Y, X)`` each, and how they were made."""

    image: Tensor
    sharp: Tensor
    record: Degradation


def degrade(crop: Tensor, config: DegradeConfig, generator: torch.Generator) -> Degraded:
    """Blurred and noisy version of a sharp crop, and its target, in the same gain and offset.

    Parameters
    ----------
    crop : Tensor
        ``(C, Y + 2 margin, X + 2 margin)`` with the margin of `config`, about 0 ... 1.
    config : DegradeConfig
        Ranges of the draws.
    generator : torch.Generator
        Source of the draws.
    """
    drawn = _draw_scene(config, generator, colour=crop.shape[0] == 3)
    image, sharp = _expose(crop, drawn, config.margin, generator)
    dimmest, brightest = map(math.log, config.gain)
    gain = math.exp(_uniform(dimmest, brightest, generator))
    offset = _uniform(*config.offset, generator)
    record = drawn.model_copy(update={"gain": gain, "offset": offset})
    return Degraded(image * gain + offset, sharp * gain + offset, record)


def replay(record: Degradation, sharp: Tensor, margin: int | None = None) -> Degraded:
    """Degrade an image as a record says; the same image, bit by bit as it was.

    Parameters
    ----------
    record : Degradation
        From `degrade`, or made by hand.
    sharp : Tensor
        ``(C, Y, X)``, about 0 ... 1.
    margin : int, optional
        Pixels of surroundings on every side that `sharp` has beyond the result, as the crops of
        training: the blur is then the fast one of training. None: it has none, is blurred exactly
        and mirrored at its border.

    Raises
    ------
    ValueError
        If an aberrated blur is wanted without surroundings: it has no exact form.
    """
    image, target = (
        part * record.gain + record.offset
        for part in _expose(sharp, record, margin, record.generator())
    )
    return Degraded(image, target, record)


def replay_recording(record: Degradation, sharp: NDArray[Any]) -> NDArray[Any]:
    """Degrade an image of whole numbers, whose brightest pixel counts as 1.

    Parameters
    ----------
    record
        What to do; see `replay`.
    sharp
        ``(Y, X)`` or ``(Y, X, 3)``, of an unsigned integer type.

    Returns
    -------
    ndarray
        Of the same shape and type; rounded, and cut off at the type's largest value.
    """
    brightest = float(sharp.max())
    planes = np.atleast_3d(sharp) / brightest
    image = replay(record, torch.from_numpy(planes).movedim(-1, 0)).image
    counts = np.rint(brightest * image.movedim(0, -1).numpy()).reshape(sharp.shape)
    return np.clip(counts, 0, np.iinfo(sharp.dtype).max).astype(sharp.dtype)


def jitter_colour(crop: Tensor, record: Degradation) -> Tensor:
    """Change the colours of a crop ``(3, Y, X)``, so that no stain in particular is learnt."""
    if record.order is not None:
        crop = crop[list(record.order)]
    return crop if record.tints is None else crop * torch.tensor(record.tints)[:, None, None]


def jitter_contrast(crop: Tensor, record: Degradation) -> Tensor:
    """Change the contrast of a scene and add smooth light to it, as from beyond the focus.

    Intensities 0 and 1 of ``(C, Y, X)`` keep their values but for the light.
    """
    if record.power is not None:
        low, high = _TOE**record.power, (1 + _TOE) ** record.power
        crop = ((crop.clamp_min(-0.9 * _TOE) + _TOE) ** record.power - low) / (high - low)
    if record.lights:
        lights = torch.tensor(record.lights)[None, None]
        light = F.interpolate(lights, size=crop.shape[-2:], mode="bicubic", align_corners=True)
        crop = crop + record.background * light[0].clamp_min(0)
    return crop


def _expose(
    crop: Tensor, record: Degradation, margin: int | None, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Degraded image and target before gain and offset."""
    crop = jitter_contrast(jitter_colour(crop, record), record)
    sharp = crop if margin is None else crop[:, margin:-margin, margin:-margin]
    image = sharp
    if record.widths is not None:
        widths = record.widths.at(sharp.shape[-2:])
        image = _blurred(crop, widths, record.psf, margin)
    if record.photons is not None:
        image = camera_noise(image, record.photons, record.read_noise, generator)
    return image, sharp


def _blurred(
    crop: Tensor, widths: Tensor, psf: PsfKind | Aberrations, margin: int | None
) -> Tensor:
    if isinstance(psf, Aberrations):
        if margin is None:
            raise ValueError("an aberrated blur needs the surroundings of the image: give a margin")
        aberrations = psf
        return blur_interpolated(
            crop, widths, lambda bank, reach: ray_kernels(bank, aberrations, reach), radius=margin
        )
    if margin is None:
        widths = widths.clamp_min(_NO_BLUR)
        exact = blur_varying(crop.movedim(0, -1).numpy(), widths.numpy(), psf)
        return torch.from_numpy(exact).movedim(-1, 0)
    return blur_interpolated(crop, widths, psf, radius=margin)


def _draw_scene(config: DegradeConfig, generator: torch.Generator, *, colour: bool) -> Degradation:
    """All draws that come before the noise; gain and offset follow it."""
    drawn: dict[str, Any] = {}
    if colour:
        shuffled = torch.rand((), generator=generator) < config.share_shuffled
        order = torch.randperm(3, generator=generator)
        tints = 1 + config.tint * (2 * torch.rand(3, generator=generator) - 1)
        drawn = {"order": order.tolist() if shuffled else None, "tints": tints.tolist()}
    if config.contrast != (1.0, 1.0):
        softest, hardest = map(math.log, config.contrast)
        drawn["power"] = math.exp(_uniform(softest, hardest, generator))
    if config.background:
        drawn["background"] = _uniform(0, config.background, generator)
        drawn["lights"] = torch.rand(3, 3, generator=generator).tolist()
    if torch.rand((), generator=generator) >= config.share_sharp:
        drawn["psf"] = _draw_psf(config, generator)
        drawn["widths"] = _draw_widths(config.max_width, generator)
    if torch.rand((), generator=generator) >= config.share_clean:
        low, high = map(math.log, config.photons)
        drawn["photons"] = math.exp(_uniform(low, high, generator))
        drawn["read_noise"] = _uniform(0, config.read_noise, generator)
        drawn["noise"] = bytes(generator.get_state().numpy())
    return Degradation(**drawn)


def _draw_psf(config: DegradeConfig, generator: torch.Generator) -> PsfKind | Aberrations:
    """Shape of the blur: a Gaussian, a disk, or a disk with aberrations."""
    if config.share_aberrated and torch.rand((), generator=generator) < config.share_aberrated:
        draws = 2 * torch.rand(4, generator=generator) - 1
        coma, astigmatism, spherical = (config.aberration * float(share) for share in draws[:3])
        return Aberrations(coma, astigmatism, spherical, math.pi * float(draws[3]))
    return "gauss" if torch.rand((), generator=generator) < 0.5 else "disk"


def _draw_widths(most: float, generator: torch.Generator) -> WidthMap:
    """A map of blur widths from 0 to `most` pixels: smooth, or in blocks with jumps between."""
    ends = torch.rand(2, generator=generator) * most
    cells = int(torch.randint(2, 5, (), generator=generator))
    nodes = ends.min() + (ends.max() - ends.min()) * torch.rand(cells, cells, generator=generator)
    sites = None
    if torch.rand((), generator=generator) >= 0.5:
        # Straight borders in any direction: the nearest of a few random sites.
        places = torch.rand(cells * cells, 2, generator=generator) * 1.4 - 0.2
        sites = tuple((y, x) for y, x in places.tolist())
    return WidthMap(tuple(map(tuple, nodes.tolist())), (0.0, most), sites)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))
