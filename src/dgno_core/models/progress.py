"""How far a training run was when it wrote its weights, and whether it had scored them."""

from __future__ import annotations

from pydantic import Field

from dgno_core.base_config import BaseConfig


class TrainingProgress(BaseConfig):
    """Where the weights stand in the run that made them.

    The score is that of the run's own validation, on images that it did not train on.
    """

    step: int = Field(ge=0, description="steps done")
    steps: int = Field(gt=0, description="steps of the whole run")
    validated: int | None = Field(
        None, ge=0, description="step of the latest validation; none: these were never scored"
    )
    blurred: float | None = Field(
        None, description="PSNR of the images as they were, dB; none also where it is infinite"
    )
    psnr: float | None = Field(None, description="PSNR of the restored images, dB; likewise")

    @property
    def is_validated(self) -> bool:
        """Whether the run had scored its weights, now or earlier."""
        return self.validated is not None

    def words(self) -> str:
        """Say it in a few words, such as ``not validated, step 12 of 300``."""
        at = f"step {self.step} of {self.steps}"
        if self.validated is None:
            return f"not validated, {at}"
        when = "" if self.validated == self.step else f" at step {self.validated}"
        scored = "" if self.psnr is None else f": {self._gain()}"
        return f"{at}, validated{when}{scored}"

    def _gain(self) -> str:
        before = "" if self.blurred is None else f"{self.blurred:.2f} -> "
        return f"{before}{self.psnr:.2f} dB"
