"""How crops are degraded and varied, apart from torch so that configs load at once."""

from __future__ import annotations

import math
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from dgno_core.base_config import BaseConfig, Range

Normalisation: TypeAlias = Literal["shared", "minmax", "type"]


class DegradeConfig(BaseConfig):
    """Ranges from which each crop's degradation is drawn."""

    max_width: float = Field(8.0, gt=0, le=20, description="largest blur width in pixels")
    share_sharp: float = Field(0.1, ge=0, le=1, description="crops that get no blur")
    share_clean: float = Field(0.1, ge=0, le=1, description="crops that get no noise")
    photons: Range = Field((150.0, 8000.0), description="photons at intensity 1")
    read_noise: float = Field(0.01, ge=0, le=10, description="largest read noise, of intensity 1")
    gain: Range = (0.6, 1.5)
    tint: float = Field(0.0, ge=0, lt=1, description="largest relative gain of a single colour")
    share_shuffled: float = Field(
        0.0, ge=0, le=1, description="colour crops whose channels change places"
    )
    offset: Range = (-0.1, 0.15)
    share_aberrated: float = Field(
        0.0, ge=0, le=1, description="blurred crops with coma, astigmatism and spherical aberration"
    )
    aberration: float = Field(
        0.25, ge=0, le=0.5, description="largest share of an aberration in the defocus"
    )
    contrast: Range = Field((1.0, 1.0), description="exponent of the intensities")
    background: float = Field(
        0.0, ge=0, le=10, description="largest smooth light added to the scene, of intensity 1"
    )

    @model_validator(mode="after")
    def _draws_make_images(self) -> DegradeConfig:
        for name in ("photons", "gain", "contrast"):
            if getattr(self, name)[0] <= 0:
                raise ValueError(f"{name} must be two positive numbers")
        return self

    @property
    def margin(self) -> int:
        """Pixels of its surroundings that a crop is blurred with: three widths."""
        return max(26, math.ceil(3 * self.max_width))


class PatchConfig(BaseConfig):
    """How crops of real pairs are scaled and varied.

    Images are scaled so that 0 and 1 are

    - ``"shared"``: two percentiles of the blurred image, for both images of a pair; for a plane of
      a stack, those of all planes of the stack as recorded, also of those that no pair has. This
      is what happens when an image or a stack is restored, and it keeps the gain between both
      images. The sharp image's bright details may lie above 1;
    - ``"minmax"``: the minimum and maximum of each image by itself, the protocol of the papers on
      BBBC006. It gives blurred and sharp images different gains, which the network has to learn;
    - ``"type"``: zero and the largest value of the images' integer type (one for floats), their
      protocol on photographs and stained cells.

    The whole image counts, also where a pair is cut to a region. Gain (log-uniform) and offset
    (uniform) are equal for both images, in units of the scaled intensities. A crop of scale 0.7
    shows 1 / 0.7 of its side, averaged down.
    """

    normalisation: Normalisation = Field(
        "shared",
        description="scale both images of a pair by the percentiles of the whole blurred file, "
        "as when it is restored, each by its own minimum and maximum, or by the range of their "
        "type",
    )
    augment_orientation: bool = Field(True, description="draw crops in all eight orientations")
    scale: Range = Field((1.0, 1.0), description="of each crop, at most 1")
    gain: Range = Field((1.0, 1.0), description="drawn for each crop")
    offset: Range = Field((0.0, 0.0), description="drawn for each crop")
    memory_gb: float = Field(
        2.0, gt=0, le=100_000, description="of images kept by each loading process"
    )

    @model_validator(mode="after")
    def _crops_can_be_drawn(self) -> Self:
        if not 0.05 <= self.scale[0] <= self.scale[1] <= 1:
            raise ValueError("scale must be two factors from 0.05 to 1")
        if self.gain[0] <= 0:
            raise ValueError("gain must be two positive factors")
        return self
