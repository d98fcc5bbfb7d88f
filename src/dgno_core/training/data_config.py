"""Where training pairs come from: sharp images with synthetic blur, or pairs as they were taken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from dgno_core.data.degrade_config import DegradeConfig
from dgno_core.frozen import Frozen


class SourceConfig(Frozen):
    """A list of sharp images and how often they are drawn."""

    list: Path = Field(description="text file with one image a line")
    contains: str = Field("", description="take only the names that start with this")
    share: float = Field(1.0, gt=0, description="of the crops, relative to the other sources")


class SyntheticData(Frozen):
    """Sharp images, blurred anew for every crop."""

    kind: Literal["synthetic"] = "synthetic"
    root: Path = Field(description="folder to which the lists' names are relative")
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    held_out_every: int = Field(15, ge=2, description="every n-th image validates")
    degrade: DegradeConfig = DegradeConfig()


class _Pairs(Frozen):
    """What all real pairs share."""

    normalise: Literal["stack", "image"] = Field(
        "stack",
        description="both images of a pair by the blurred one's percentiles, or each by its own "
        "minimum and maximum (the papers' protocol)",
    )
    register_planes: bool = Field(False, description="register each input to its target first")


class FolderData(_Pairs):
    """Two folders of images with equal names."""

    kind: Literal["folders"] = "folders"
    blurred: Path
    sharp: Path
    held_out_every: int = Field(5, ge=2, description="every n-th pair validates")


class StackData(_Pairs):
    """Focal stacks: the sharpest plane is the target of the others."""

    kind: Literal["stacks"] = "stacks"
    folder: Path = Field(description="a stack, a folder of stacks, or a folder of planes")
    target: int | Literal["sharpest"] = Field("sharpest", description="plane, from 0 on")
    inputs: tuple[int, ...] = Field((), description="planes, from 0 on; none: all but the target")
    measure: Literal["laplacian", "tenengrad", "spectral"] = "tenengrad"
    rows: tuple[float, float] = Field(
        (0.0, 1.0), description="part of the height to train on; the rest validates"
    )


class SetData(_Pairs):
    """One of the papers' data sets."""

    kind: Literal["set"] = "set"
    name: str = Field(description="as `dgno data list` names it")
    root: Path
    options: dict[str, str | int | tuple[int, ...]] = Field(default_factory=dict)


DataConfig: TypeAlias = Annotated[
    SyntheticData | FolderData | StackData | SetData, Field(discriminator="kind")
]
ExtraDataConfig: TypeAlias = Annotated[
    SyntheticData | FolderData | StackData | SetData, Field(discriminator="kind")
]
