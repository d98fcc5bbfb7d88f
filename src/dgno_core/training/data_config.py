"""Where training pairs come from: sharp images with synthetic blur, or pairs as they were taken."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from dgno_core.base_config import BaseConfig
from dgno_core.data.config import DegradeConfig, PatchConfig
from dgno_core.training.located import DataPath, ListPath

Plane: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]
Offset: TypeAlias = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class SourceConfig(BaseConfig):
    """A list of sharp images and how often they are drawn."""

    list: ListPath = Field(description="text file with one image a line")
    contains: str = Field("", description="take only the names that start with this")
    share: float = Field(
        1.0, gt=0, le=1e6, description="of the crops, relative to the other sources"
    )
    zoom: tuple[float, float] = Field(
        (1.0, 1.0),
        description="each crop is enlarged by a factor from here, as if its pixels were smaller: "
        "what is soft for its pixels is then not taken for blur",
    )

    @field_validator("zoom")
    @classmethod
    def _zoom_enlarges(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not 1 <= zoom[0] <= zoom[1] <= 4:
            raise ValueError("zoom must be two factors from 1 to 4, the smaller one first")
        return zoom


class SyntheticData(BaseConfig):
    """Sharp images, blurred anew for every crop."""

    kind: Literal["synthetic"] = "synthetic"
    root: DataPath = Field(description="folder to which the lists' names are relative")
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    held_out_every: int = Field(15, ge=2, le=1_000_000, description="every n-th image validates")
    degrade: DegradeConfig = DegradeConfig()
    grey: bool = Field(False, description="take the brightness of colour images")


class _Pairs(PatchConfig):
    """What all real pairs share."""

    grey: bool = Field(False, description="take the brightness of colour images")


class FolderData(_Pairs):
    """Two folders of images with equal names."""

    kind: Literal["folders"] = "folders"
    blurred: DataPath
    sharp: DataPath
    blurred_pattern: str = Field("{name}", description="{name} is what both files have in common")
    sharp_pattern: str = "{name}"
    held_out_every: int = Field(
        5, ge=2, le=1_000_000, description="every n-th sharp image validates"
    )


class StackData(_Pairs):
    """Focal stacks: the plane in focus is the target of the others."""

    kind: Literal["stacks"] = "stacks"
    stacks: tuple[DataPath, ...] = Field(
        min_length=1, description="stack files, or folders of planes"
    )
    # A plane that is not there is told with those that are, once the stack is open.
    sharp: Offset | Literal["best", "local", "composite"] = Field(
        "best", description="plane in focus, from 0 on, or how it is found"
    )
    planes: tuple[Plane, ...] | None = Field(None, description="inputs, from 0 on; none: all")
    offsets: tuple[Offset, ...] | None = Field(None, description="inputs, counted from the target")
    measure: Literal["laplacian", "tenengrad", "spectral"] = "tenengrad"
    registered: bool = Field(True, description="register the planes to the target")
    rows: tuple[float, float] = Field(
        (0.0, 0.8), description="part of the height that trains; the rest of it validates"
    )
    gap: int = Field(
        32, ge=0, le=100_000, description="rows between both that do neither, in pixels"
    )

    @field_validator("stacks", mode="before")
    @classmethod
    def _one_or_several(cls, stacks: Any) -> Any:
        return [stacks] if isinstance(stacks, str | Path) else stacks

    @model_validator(mode="after")
    def _rows_are_a_part(self) -> StackData:
        top, bottom = self.rows
        if not 0 <= top < bottom <= 1 or (top, bottom) == (0, 1):
            raise ValueError("rows must be a part of the height, such as [0, 0.5]")
        return self


class SetData(_Pairs):
    """One of the papers' data sets; see ``dgno data list``."""

    kind: Literal["set"] = "set"
    name: str
    root: DataPath
    planes: tuple[Plane, ...] | None = Field(None, description="BBBC006: blurred planes")


DataConfig: TypeAlias = Annotated[
    SyntheticData | FolderData | StackData | SetData, Field(discriminator="kind")
]


class UnlabelledData(_Pairs):
    """A folder of blurred images without targets, as extra data."""

    kind: Literal["unlabelled"] = "unlabelled"
    folder: DataPath


class ExtraSetData(SetData):
    """One of the papers' data sets as extra data, with its targets or without."""

    labels: bool = Field(True, description="false: the blurred images without their targets")
    splits: tuple[Literal["train", "val", "test"], ...] | None = Field(
        None, min_length=1, description="none: train and val; of a set without targets, all"
    )


ExtraDataConfig: TypeAlias = Annotated[
    SyntheticData | FolderData | StackData | ExtraSetData | UnlabelledData,
    Field(discriminator="kind"),
]
PairsConfig: TypeAlias = FolderData | StackData | SetData | UnlabelledData
