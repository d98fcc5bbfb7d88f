"""Settings of a detection: one object for the shell, the script and the window."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from pydantic import Field

from dgno_core.base_config import Options

PACKAGED = "stardist-nuclei-small"


class DetectConfig(Options):
    """How to detect; a setting that cannot be is a `DGNOError`.

    Attributes
    ----------
    detector
        The packaged model, the name of a pretrained StarDist model, or a folder with one.
    axes
        One letter of ``TPCZYXS`` for each dimension, in place of those of the image.
    iou
        Two objects can be the same one if their intersection over union reaches this, above 0
        and at most 1.
    scaling
        ``shared``: both images are scaled by the percentiles 1 and 99.8 of the first one, so that
        what restoring changed in brightness is seen by the detector. ``own``: each by its own.
    probability
        Threshold of the object probability, 0 to 1; None: the model's own.
    overlap
        Two candidates that overlap more than this are one object, 0 to 1; None: the model's own.
    tile
        Largest edge in pixels that goes through the network at once.
    """

    detector: str = PACKAGED
    axes: str | None = None
    iou: float = Field(default=0.5, gt=0, le=1)
    scaling: Literal["shared", "own"] = "shared"
    probability: float | None = Field(default=None, gt=0, lt=1)
    overlap: float | None = Field(default=None, gt=0, lt=1)
    tile: int = Field(default=1024, ge=128)

    def command(
        self,
        before: str | Path,
        after: str | Path | None,
        output: str | Path,
        truth: str | Path | None = None,
    ) -> str:
        """Return the `dgno detect` line that does the same, quoted for a POSIX shell."""
        words = ["dgno", "detect", str(before), *([] if after is None else [str(after)])]
        words += ["-o", str(output)]
        words += [] if truth is None else ["--truth", str(truth)]
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value != field.default:
                words += [f"--{name.replace('_', '-')}", str(value)]
        return shlex.join(words)


DEFAULTS = DetectConfig()
