"""What a training run is made of: frozen settings, in which a misspelt key is an error.

`TrainConfig.recipe` is the part that makes the weights; how the machine is used (`EngineConfig`)
and where files lie are not in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from dgno_core.base_config import BaseConfig, Range
from dgno_core.errors import DGNOError
from dgno_core.losses.regularisation import EFCR
from dgno_core.models.architectures import architecture
from dgno_core.models.config import NetworkConfig
from dgno_core.training.data_config import DataConfig, ExtraDataConfig
from dgno_core.training.located import DataPath, Weights

MOST_STEPS = 10**9
Decay: TypeAlias = Annotated[float, Field(ge=0, lt=1)]


class OptimConfig(BaseConfig):
    """AdamW with a linear warm-up and a cosine schedule."""

    lr: float = Field(1e-3, gt=0, le=10)
    final_lr: float = Field(1e-5, ge=0, le=10)
    warmup: int = Field(50, ge=0, le=MOST_STEPS, description="steps of linear warm-up")
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    weight_decay: float = Field(1e-4, ge=0, le=100)
    clip: float | None = Field(0.5, gt=0, le=1e6, description="largest norm of the gradient")
    ema: Decay = Field(0.998, description="decay of the averaged weights; 0: none")


class LossConfig(BaseConfig):
    """Pixel loss, and the regularisation of the MPT paper on top of it."""

    pixel: Literal["multiscale", "l1"] = Field(
        "multiscale", description="DGNO paper's App. G, or L1 on the full size (MPT paper)"
    )
    frequency_weight: float = Field(0.1, ge=0, le=1000, description="of the multi-scale loss")
    downsample: Literal["bilinear", "nearest", "area"] = Field(
        "bilinear", description="how the multi-scale loss halves its target"
    )
    efcr: EFCR | None = None


class ValidationConfig(BaseConfig):
    """Whole held-out images, scored and pictured in passing."""

    every: int = Field(100, gt=0, le=MOST_STEPS, description="steps")
    images: int = Field(6, gt=0, le=10_000, description="how many images, at most")
    side: int = Field(
        1024, ge=64, le=16_384, description="longer images are cut to their middle, in pixels"
    )
    pictures: int = Field(
        2, ge=0, le=10_000, description="how many of them are written as pictures"
    )


class EngineConfig(BaseConfig):
    """How the machine is used.

    The weights depend on `devices`, which multiplies the batch, and on the rounding of `precision`
    and `compiled_scan`; these are in the recipe.
    """

    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    devices: int = Field(1, gt=0, le=1024, description="processes, each with a device and a batch")
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    workers: int = Field(0, ge=0, le=256, description="processes that prepare batches")
    compiled_scan: bool = Field(
        False,
        description="compile the scan for this processor; needs a C++ compiler (CPU, float32)",
    )
    recompute: bool = Field(False, description="recompute activations: less memory, more time")
    minutes: float | None = Field(None, gt=0, le=1e7, description="stop, resumably, after so long")
    tensorboard: bool = Field(True, description="write TensorBoard files if it is installed")


class CardText(BaseConfig):
    """What the model card says beyond the facts that the run knows itself."""

    title: str = ""
    summary: str = ""
    data: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    pixel_size_um: Range | None = None
    not_for: tuple[str, ...] = ()


class TrainConfig(BaseConfig):
    """A training run."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100, description="name of the weights"
    )
    out: DataPath = Field(description="folder of the run: checkpoints, logs and weights")
    model: NetworkConfig = Field(
        description="name of an architecture, or its settings with `base: NAME` or `kind`"
    )
    start: Weights | None = Field(
        None, description="weights to start from: a packaged name, or a .safetensors file"
    )
    data: DataConfig
    extra: ExtraDataConfig | None = Field(None, description="images of another kind, for EFCR_ex")
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()
    validation: ValidationConfig = ValidationConfig()
    engine: EngineConfig = EngineConfig()
    card: CardText = CardText()
    steps: int = Field(gt=0, le=MOST_STEPS)
    horizon: int | None = Field(
        None,
        gt=0,
        le=MOST_STEPS,
        description="steps over which the learning rate falls, if it is "
        "planned for more than are taken",
    )
    after: TrainConfig | None = Field(
        None, description="a run that comes before this one, which begins with its last weights"
    )
    continues: bool = Field(
        False, description="take over the steps and the optimiser of `after`, not only its weights"
    )
    batch: int = Field(4, gt=0, le=4096, description="crops a device and forward pass")
    accumulate: int = Field(1, gt=0, le=4096, description="forward passes a step")
    crop: int = Field(128, gt=0, le=4096, description="side of the crops in pixels")
    seed: int = Field(0, ge=0, lt=2**32)
    checkpoint_every: int = Field(50, gt=0, le=MOST_STEPS, description="steps")

    @field_validator("model", mode="before")
    @classmethod
    def _named_architecture(cls, model: Any) -> Any:
        """Take a name, or a name as `base` with some settings changed, for the architecture."""
        if isinstance(model, str):
            model = {"base": model}
        if isinstance(model, dict) and "base" in model:
            changes = {key: value for key, value in model.items() if key != "base"}
            try:
                base = architecture(str(model["base"])).model_dump()
            except DGNOError as error:
                raise ValueError(str(error)) from error
            return base | _on_its_lifting(str(model["base"]), base, changes)
        return model

    @model_validator(mode="after")
    def _parts_fit(self) -> TrainConfig:
        if self.crop % self.model.multiple:
            raise ValueError(f"crop must be a multiple of {self.model.multiple} for this model")
        if self.horizon is not None and self.horizon < self.steps:
            raise ValueError(f"horizon must be at least the {self.steps} steps that are taken")
        if self.after is None and self.continues:
            raise ValueError("continues needs a run to go on from: set after")
        if self.after is not None:
            self._follow(self.after)
        if self.extra is not None and self.loss.efcr is None:
            raise ValueError("extra images serve loss.efcr, which is not set")
        return self

    def _follow(self, before: TrainConfig) -> None:
        """Check that this run can come after another one."""
        if self.start is not None:
            raise ValueError("a run begins with the weights of start or of after, not of both")
        if max(self.engine.devices, before.engine.devices) > 1:
            raise ValueError("a run in parts trains on one device (engine.devices: 1)")
        if before.out == self.out:
            raise ValueError("each part of a run has a folder (out) of its own")
        if self.continues and (self.model != before.model or self.steps <= before.steps):
            raise ValueError("a run that continues has the model of the one before, and more steps")

    @property
    def weights(self) -> Path:
        """File of the weights of the last step."""
        return self.out / f"{self.name}.safetensors"

    @property
    def planned(self) -> int:
        """Steps over which the learning rate falls."""
        return self.horizon or self.steps

    @property
    def own_steps(self) -> int:
        """Steps that are taken here, and not in the run that this one continues."""
        return self.steps - self.after.steps if self.after and self.continues else self.steps

    @property
    def parts(self) -> tuple[TrainConfig, ...]:
        """The runs that come one after the other, this one last."""
        return (*(self.after.parts if self.after else ()), self)

    @property
    def recipe(self) -> dict[str, Any]:
        """Settings that make the weights, without the paths of the computer that runs them."""
        left_out = {"name", "model", "card", "out", "engine", "after"}
        settings = self.model_dump(mode="json", exclude=left_out)
        settings["engine"] = {
            "devices": self.engine.devices,
            "precision": self.engine.precision,
            "compiled_scan": self.engine.compiled_scan,
        }
        if self.after is not None:
            settings["after"] = {"name": self.after.name, **self.after.recipe}
        if settings["start"]:
            settings["start"] = Path(settings["start"]).name
        without_folders: dict[str, Any] = _without_folders(settings)
        return without_folders


def _on_its_lifting(name: str, base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of a base, those of its lifting completed by the base's own."""
    own, given = base.get("lifting"), changes.get("lifting")
    if own is None or not isinstance(given, dict):
        return changes
    kind = given.get("kind", own["kind"])
    if kind != own["kind"]:
        raise ValueError(
            f"the base {name} has the lifting {own['kind']}, not {kind}: leave out model.lifting, "
            f"or choose a base with {kind}"
        )
    return changes | {"lifting": own | given}


def _without_folders(value: Any, key: str = "") -> Any:
    """Leave out folders and keep the names of files."""
    if isinstance(value, dict):
        return {k: _without_folders(v, k) for k, v in value.items() if k not in ("root", "folder")}
    if isinstance(value, list | tuple):
        return [_without_folders(item, key) for item in value]
    if key in ("list", "blurred", "sharp", "stacks") and isinstance(value, str):
        return Path(value).name
    return value
