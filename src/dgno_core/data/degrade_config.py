"""Ranges of the random degradations, apart from torch so that configs load at once."""

from __future__ import annotations

import math

from pydantic import Field, model_validator

from dgno_core.frozen import Frozen, Range


class DegradeConfig(Frozen):
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
