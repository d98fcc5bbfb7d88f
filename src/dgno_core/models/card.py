"""Model cards: what weights are for, what made them, and what they must not be used for.

A card is JSON inside the header of its safetensors file, so it can be read without torch and
without reading the weights.
"""

from __future__ import annotations

import hashlib
import math
import shutil
import struct
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from dgno_core.base_config import BaseConfig
from dgno_core.errors import DGNOError
from dgno_core.io.atomic import replacing, writing
from dgno_core.models.config import NetworkConfig
from dgno_core.models.header import CARD_KEY, read_header, sealed_header

_TILE = 512  # pixels, or the next smaller multiple of a network's grid
_GRID = 32  # pixels, for networks whose own grid is finer


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


class ModelCard(BaseConfig):
    """Description of one set of weights.

    Everything that inference needs to treat an image as training did (channels, tile,
    percentiles), and everything that a user needs to judge the result. A `multiple` or `tile` that
    is not given, or 0, follows from the network.

    Raises
    ------
    DGNOError
        If the tile does not fit the grid, or the grid does not fit the network.
    """

    name: str
    title: str = ""
    summary: str = ""
    config: NetworkConfig
    multiple: int = Field(
        0, ge=0, validate_default=True, description="origins and sides of tiles are multiples of it"
    )
    tile: int = Field(
        0,
        ge=0,
        validate_default=True,
        description="side of a tile in pixels, a multiple of `multiple` and at least twice it",
    )
    halo: int = Field(64, description="overlap of neighbouring tiles on each side, in pixels")
    percentiles: tuple[float, float] = Field(
        (0.1, 99.9), description="of the whole stack, scaled to 0 and 1 for the network"
    )
    scaling: Literal["percentiles", "type"] = Field(
        "percentiles",
        description="what 0 and 1 stand for: the percentiles, or zero and the largest value of "
        "the image's integer type (one for floats)",
    )
    blur_px: tuple[float, float] | None = Field(None, description="blur widths seen in training")
    pixel_size_um: tuple[float, float] | None = None
    data: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    recipe: str = ""
    budget: str = ""
    progress: TrainingProgress | None = Field(
        None, description="where the weights stand in their training run; none: not told by a run"
    )
    scores: dict[str, float | str] = Field(default_factory=dict)
    not_for: tuple[str, ...] = ()
    version: str = "0"
    weights_sha256: str = ""

    @field_validator("multiple")
    @classmethod
    def _grid_of_the_network(cls, given: int, info: ValidationInfo) -> int:
        # What comes before is missing where it is wrong, which pydantic reports.
        if given or "config" not in info.data:
            return given
        return math.lcm(_GRID, info.data["config"].multiple)

    @field_validator("tile")
    @classmethod
    def _tile_on_the_grid(cls, given: int, info: ValidationInfo) -> int:
        grid: int = info.data.get("multiple", 0)
        return max(_TILE // grid, 2) * grid if grid and not given else given

    @model_validator(mode="after")
    def _tiles_fit(self) -> ModelCard:
        if self.multiple % self.config.multiple:
            raise DGNOError(
                f"The grid of the model {self.name} must be a multiple of {self.config.multiple} "
                f"pixels, as its network needs, not {self.multiple}."
            )
        if self.tile % self.multiple or self.tile < 2 * self.multiple:
            raise DGNOError(
                f"The tile of the model {self.name} must be a multiple of {self.multiple} and at "
                f"least {2 * self.multiple} pixels, not {self.tile}."
            )
        return self

    @property
    def channels(self) -> int:
        """Image channels of the network: 1 or 3."""
        return self.config.channels

    @property
    def is_validated(self) -> bool:
        """Whether these weights were ever scored, as far as their card tells."""
        return self.progress is None or self.progress.is_validated


def weights_hash(path: Path) -> str:
    """SHA-256 of the numbers in a weights file; words added to its card do not change it."""
    with path.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        handle.seek(8 + length)
        return hashlib.file_digest(handle, "sha256").hexdigest()


def read_card_file(path: Path, *, verify: bool = True) -> ModelCard:
    """Card inside a weights file, without torch.

    Parameters
    ----------
    path : Path
        A safetensors file written by `save_model`.
    verify : bool
        Whether to hash the weights, to see that they are those that were saved. Without, only the
        head of the file is read.

    Returns
    -------
    ModelCard

    Raises
    ------
    DGNOError
        If the file cannot be read or holds no card.
    """
    text = read_header(path).get(CARD_KEY)
    if text is None:
        raise DGNOError(
            f"{path} holds no DGNO model card; only files saved by this program can be loaded."
        )
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        raise DGNOError(
            f"The model card in {path} cannot be understood; the file may come from a newer "
            "version: update napari-dgno."
        ) from error
    if not verify:
        return card
    found = weights_hash(path)
    if card.weights_sha256 not in ("", found):
        raise DGNOError(
            f"The weights in {path} are not those that were saved; copy or download it again."
        )
    return card.changed(weights_sha256=found)


def replace_card(path: Path, card: ModelCard) -> None:
    """Put another card into a weights file; its numbers stay byte for byte.

    Parameters
    ----------
    path : Path
        A safetensors file; replaced whole or not at all.
    card : ModelCard
        Of the same network.

    Raises
    ------
    DGNOError
        If the file cannot be read or written.
    """
    with replacing(path) as part:
        copy_with_card(path, card, part)


def copy_with_card(path: Path, card: ModelCard, target: Path) -> None:
    """Write the numbers of a weights file with another card to another file; see `replace_card`."""
    read_header(path)  # refuses a file that is damaged
    with writing(path), path.open("rb") as source, target.open("wb") as copy:
        (length,) = struct.unpack("<Q", source.read(8))
        copy.write(sealed_header(source.read(length), card.model_dump_json()))
        shutil.copyfileobj(source, copy)
