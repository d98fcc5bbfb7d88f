"""The sharp images of the demonstration, the same on every machine: nothing is downloaded.

Stained tissue ships with scikit-image. Fluorescent nuclei are drawn, and so known to the last
photon. The third is what the grey model is not for: the haematoxylin in the tissue, separated from
the other dye.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.demo.nuclei import draw_nuclei
from dgno_core.optics.maps import Range, draw_map
from dgno_core.optics.psf import PsfKind

if TYPE_CHECKING:
    from dgno_core.data.degrade import Degradation

WIDTHS: Range = (0.6, 4.0)  # px, from sharp to clearly out of focus, within one field
PHOTONS = 1500.0  # of a pixel at full scale
READ_NOISE = 4 / PHOTONS  # of full scale; 4 electrons
SIDE = 384  # px at most, so that two CPU cores need seconds


@dataclass(frozen=True)
class SharpImage:
    """A sharp image, where it is from, and how it is to be blurred.

    Parameters
    ----------
    name
        Short name, used for files.
    title
        What it shows.
    source
        Who made it and which package carries it.
    sharp
        ``(Y, X)`` uint16 or ``(Y, X, 3)`` uint8.
    psf, widths
        Shape of the blur, and its lowest and highest width in pixels.
    """

    name: str
    title: str
    source: str
    sharp: NDArray[Any]
    psf: PsfKind = "gauss"
    widths: Range = WIDTHS


def known_blur(seed: int, psf: PsfKind = "gauss", widths: Range = WIDTHS) -> Degradation:
    """Blur by a smooth random map, and camera noise.

    Parameters
    ----------
    seed
        The same seed gives the same result.
    psf, widths
        See `SharpImage`.
    """
    # Whoever only lists the images needs no torch.
    from dgno_core.data.degrade import Degradation

    drawn = draw_map("smooth", widths, np.random.default_rng(seed))
    return Degradation(psf=psf, widths=drawn, photons=PHOTONS, read_noise=READ_NOISE, noise=seed)


def builtin_images() -> list[SharpImage]:
    """Return stained tissue in colour, nuclei in grey, and grey tissue, where the model fails."""
    return [stained_tissue(), nuclei(), tissue_nuclei()]


def stained_tissue() -> SharpImage:
    """Colonic glands, FHL2 in brown and nuclei in blue."""
    return SharpImage(
        "tissue",
        "stained tissue, colonic glands",
        "scikit-image: immunohistochemistry (CMMI)",
        np.ascontiguousarray(_tissue()[-SIDE:, -SIDE:]),
    )


def nuclei() -> SharpImage:
    """Drawn nuclei that look like Hoechst-stained ones."""
    return SharpImage(
        "nuclei",
        "synthetic nuclei, fluorescence",
        "napari-dgno: drawn",
        _to_uint16(draw_nuclei((SIDE, SIDE), seed=1)),
        psf="disk",
        widths=(0.6, 6.0),  # as the nuclei in docs/evaluation
    )


def tissue_nuclei() -> SharpImage:
    """Haematoxylin density of the stained tissue, by colour unmixing."""
    from skimage.color import rgb2hed

    density = rgb2hed(_tissue()[-SIDE:, -SIDE:])[..., 0]
    return SharpImage(
        "tissue-nuclei",
        "tissue nuclei, beyond the grey model",
        "scikit-image: immunohistochemistry (CMMI)",
        _to_uint16(np.clip(density, *np.percentile(density, (0.1, 99.9)))),
        psf="disk",
    )


def _tissue() -> NDArray[np.uint8]:
    from skimage.data import immunohistochemistry

    return np.asarray(immunohistochemistry())  # type: ignore[no-untyped-call]


def _to_uint16(image: NDArray[Any]) -> NDArray[np.uint16]:
    """Spread an image over the values of a 12-bit camera with a dark level of 100."""
    values = image.astype(np.float64)
    spread = (values - values.min()) / np.ptp(values)
    return np.asarray(np.rint(100 + 3900 * spread), dtype=np.uint16)
