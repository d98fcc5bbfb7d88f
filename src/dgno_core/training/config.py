"""What a training run is made of, read from YAML; a misspelt key is an error."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from dgno_core.data.degrade_config import DegradeConfig
from dgno_core.errors import DGNOError
from dgno_core.frozen import Frozen
from dgno_core.models.config import NetworkConfig
from dgno_core.models.registry import architecture


class SourceConfig(Frozen):
    """A list of sharp images and how often they are drawn."""

    list: Path = Field(description="text file with one image a line")
    contains: str = Field("", description="take only the names that start with this")
    share: float = Field(1.0, gt=0, description="of the crops, relative to the other sources")


class DataConfig(Frozen):
    """Sharp images for training and a few held out for validation."""

    root: Path = Field(description="folder to which the lists' names are relative")
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    held_out_every: int = Field(15, ge=2, description="every n-th image validates")
    degrade: DegradeConfig = DegradeConfig()


class OptimConfig(Frozen):
    """AdamW with a cosine schedule."""

    lr: float = Field(1e-3, gt=0)
    final_lr: float = Field(1e-5, ge=0)
    warmup: int = Field(50, ge=0, description="steps of linear warm-up")
    weight_decay: float = Field(1e-4, ge=0)
    clip: float = Field(0.5, gt=0, description="largest norm of the gradient")
    ema: float = Field(0.998, ge=0, lt=1, description="decay of the averaged weights")


class CardText(Frozen):
    """What the model card says beyond the facts that the run knows itself."""

    title: str = ""
    summary: str = ""
    data: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    not_for: tuple[str, ...] = ()


class TrainConfig(Frozen):
    """A training run."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="name of the weights")
    out: Path = Field(description="folder of the run: checkpoints, log and weights")
    model: NetworkConfig = Field(
        description="name of an architecture, or its settings with `base: NAME` or `kind`"
    )
    data: DataConfig
    optim: OptimConfig = OptimConfig()
    card: CardText = CardText()
    steps: int = Field(gt=0)
    batch: int = Field(4, gt=0)
    crop: int = Field(128, gt=0, description="side of the crops in pixels")
    seed: int = Field(0, ge=0)
    device: str = "auto"
    validate_every: int = Field(100, gt=0)
    checkpoint_every: int = Field(50, gt=0)

    @field_validator("model", mode="before")
    @classmethod
    def _named_architecture(cls, model: Any) -> Any:
        """Take a name, or a name as `base` with some settings changed, for the architecture."""
        if isinstance(model, str):
            model = {"base": model}
        if isinstance(model, dict) and "base" in model:
            changes = {key: value for key, value in model.items() if key != "base"}
            try:
                base = architecture(str(model["base"]))
            except DGNOError as error:
                raise ValueError(str(error)) from error
            return base.model_dump() | changes
        return model

    @model_validator(mode="after")
    def _crop_is_not_padded(self) -> TrainConfig:
        if self.crop % self.model.multiple:
            raise ValueError(f"crop must be a multiple of {self.model.multiple} for this model")
        return self

    @property
    def recipe(self) -> dict[str, Any]:
        """Settings that make the weights, without the paths of the computer that runs them."""
        left_out = {"name", "model", "card", "out", "device"}
        settings = self.model_dump(mode="json", exclude=left_out)
        del settings["data"]["root"]
        for source in settings["data"]["sources"]:
            source["list"] = Path(source["list"]).name
        return settings


def load_config(path: Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Configuration of a YAML file.

    Paths inside it are relative to the file.

    Parameters
    ----------
    path : Path
        YAML file.
    overrides : sequence of str
        ``key=value`` with dots for nested keys, for example ``optim.lr=5e-4``; the value is YAML,
        and paths in it are relative to the current folder.

    Returns
    -------
    TrainConfig

    Raises
    ------
    DGNOError
        If the file cannot be read or says something that makes no sense.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DGNOError(f"The config {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DGNOError(f"The config {path} is not valid YAML{_place(error)}.") from error
    if not isinstance(tree, dict):
        raise DGNOError(f"The config {path} is empty or not a list of settings.")
    _resolve_paths(tree, path.parent.resolve())
    for override in overrides:
        _override(tree, override)
    try:
        return TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise DGNOError(
            f"The config {path} is not complete or not right: {_explain(error)}."
        ) from (error)


def _explain(error: ValidationError) -> str:
    """All that is wrong with the settings, in words."""
    faults = []
    for fault in error.errors():
        key = ".".join(_without_kinds(fault["loc"]))
        if fault["type"] == "missing":
            faults.append(f"{key} is missing")
        elif fault["type"] == "union_tag_not_found":
            faults.append(f"{key} needs a base (such as dgno-cell-small) or a kind")
        elif fault["type"] == "extra_forbidden":
            close = get_close_matches(str(fault["loc"][-1]), _setting_names(), 1)
            hint = f", perhaps {close[0]} is meant" if close else ""
            faults.append(f"there is no setting {key}{hint}")
        else:
            reason = fault["msg"].removeprefix("Value error, ")
            faults.append(f"{key}: {reason[:1].lower()}{reason[1:]}" if key else reason)
    return "; ".join(faults)


def _without_kinds(place: tuple[int | str, ...]) -> list[str]:
    """Place of a setting as the file has it: pydantic adds the kind that a union was read as."""
    owners = ("", *place)
    pairs = zip(owners, place, strict=False)
    return [str(part) for owner, part in pairs if owner not in ("model", "lifting")]


def _setting_names(kind: type[BaseModel] = TrainConfig) -> list[str]:
    """Names of all settings, nested ones too."""
    names = []
    for name, field in kind.model_fields.items():
        names.append(name)
        inner = [field.annotation, *get_args(field.annotation)]
        for nested in inner:
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                names += _setting_names(nested)
    return names


def _resolve_paths(tree: dict[str, Any], folder: Path) -> None:
    data = tree.get("data")
    places: list[tuple[Any, str]] = [(tree, "out"), (data, "root")]
    if isinstance(data, dict) and isinstance(data.get("sources"), list):
        places += [(source, "list") for source in data["sources"]]
    for owner, key in places:
        if isinstance(owner, dict) and isinstance(owner.get(key), str):
            owner[key] = str(folder / owner[key])


def _override(tree: dict[str, Any], override: str) -> None:
    keys, separator, text = override.partition("=")
    if not separator or not keys:
        raise DGNOError(f"--set {override!r} is not of the form key=value.")
    *parents, last = keys.split(".")
    node: Any = tree
    for key in parents:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise DGNOError(f"--set {override!r}: {key} has no settings below it.")
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DGNOError(f"--set {override!r}: the value is not valid YAML.") from error


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f" (see line {mark.line + 1}, column {mark.column + 1})"
