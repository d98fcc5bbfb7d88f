"""From what the user chose to a folder with a config, ready to train."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import discard, writing
from dgno_core.training.runs.files import CONFIG, files_in, write_copies
from dgno_core.training.runs.image_files import Kind
from dgno_core.training.runs.images import Choice
from dgno_core.training.runs.presets import (
    GENTLY,
    PRESETS,
    Pace,
    Preset,
    checkpoint_every,
    count_steps,
    validate_every,
)

#: In place of the name of weights: the packaged ones that fit, and random ones.
AUTOMATIC, SCRATCH = "auto", "scratch"
START_FILE = "start.safetensors"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Wishes:
    """What the user wants in place of what the preset says; None leaves it to the preset.

    Parameters
    ----------
    steps, batch, crop : int or None
        Steps, crops a step, and side of the crops in pixels.
    rate : float
        Of the learning rate, the share that is used.
    """

    steps: int | None = None
    batch: int | None = None
    crop: int | None = None
    rate: float = 1.0


@dataclass(frozen=True)
class Request:
    """Everything that the user chose.

    Parameters
    ----------
    choice : Choice
        The training images.
    start : str
        ``"auto"`` for the packaged weights, a name or file of others, or ``"scratch"``.
    preset : str
        A key of `PRESETS`.
    name : str
        Of the new model.
    runs : pathlib.Path
        Folder in which the run gets its own.
    device : str
        As the engine takes it.
    threads : int
        Processor threads; 0 lets `dgno-train` choose.
    model_folder : pathlib.Path or None
        The user's models.
    wishes : Wishes
        Changes to the preset.
    pace : Pace or None
        How long a step takes with all that, if it has been measured.
    """

    choice: Choice
    start: str
    preset: str
    name: str
    runs: Path
    device: str = "auto"
    threads: int = 0
    model_folder: Path | None = None
    wishes: Wishes = Wishes()
    pace: Pace | None = None

    @property
    def needs_pace(self) -> bool:
        """Whether the number of steps depends on how long one takes, which is still unknown."""
        is_timed = PRESETS[self.preset].minutes is not None
        return is_timed and self.pace is None and self.wishes.steps is None

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return self.runs / self.name

    def check(self) -> None:
        """Check what can be checked without reading an image.

        Raises
        ------
        DGNOError
            If the name is unusable or taken, or nothing can be trained on the images.
        """
        from dgno_core.models import weights_names

        if not self.name:
            raise DGNOError("Give the new model a name.")
        if self.name in weights_names(self.model_folder):
            raise DGNOError(
                f"There is a model called {self.name} already: choose another name for the new one."
            )
        if self.folder.exists():
            raise DGNOError(
                f"{self.folder} exists already: choose another name, or resume that run."
            )
        self.choice.check()


def slug(text: str) -> str:
    """Make a name of a model out of any text: small letters, digits and hyphens."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:_LONGEST_NAME].strip("-")


def free_name(text: str, runs: Path, model_folder: Path | None) -> str:
    """Make a name out of any text that neither a model nor a run has yet."""
    from dgno_core.models import weights_names

    base = slug(text) or "my-model"
    try:
        taken = set(weights_names(model_folder))
    except OSError:
        taken = set()
    name, number = base, 2
    while name in taken or (runs / name).exists():
        name, number = f"{base}-{number}", number + 1
    return name


def prepare(request: Request) -> Iterator[Any]:
    """Make the run's folder: the images that are in no file yet, the weights to start from, config.

    On an error, and when it is closed early, the folder is removed again.

    Yields
    ------
    Written

    Raises
    ------
    DGNOError
        If an image cannot be read, the folder cannot be written, or the settings do not fit.
    """
    request.check()
    kind = request.choice.kind()
    settings = config(request, kind)
    with writing(request.folder):
        request.folder.mkdir(parents=True)
    complete = False
    try:
        yield from write(request, settings, request.folder)
        complete = True
    finally:
        if not complete:
            discard(request.folder)


def write(request: Request, settings: dict[str, Any], folder: Path) -> Iterator[Any]:
    """Write everything that a run needs into a folder, and check that it can be read."""
    import yaml

    from dgno_core.training.config_file import load_config

    yield from request.choice.write(folder)
    source = _own_weights(request)
    with writing(folder / CONFIG):
        if source is not None:
            shutil.copyfile(source, folder / START_FILE)
        if copies := files_in(folder):
            write_copies(folder, copies)
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
        (folder / CONFIG).write_text(text, encoding="utf-8")
    load_config(folder / CONFIG)


def config(request: Request, kind: Kind) -> dict[str, Any]:
    """Return the settings of the run, its paths relative to its folder.

    Raises
    ------
    DGNOError
        If the weights to start from are for other images, or the images are too small.
    """
    preset = PRESETS[request.preset]
    start, network = _network(request, kind, preset)
    multiple = _multiple(request, kind, preset)
    wishes = request.wishes
    steps = count_steps(preset, request.pace, wishes.steps)
    return {
        "name": request.name,
        "out": ".",
        **start,
        **network,
        "data": request.choice.config(),
        "steps": steps,
        "batch": wishes.batch or preset.batch,
        "crop": _crop(wishes.crop or preset.crop, kind, multiple),
        "checkpoint_every": checkpoint_every(steps),
        "validation": {
            "every": validate_every(steps),
            "images": preset.held_out,
            "side": 512,
            "pictures": 2,
        },
        "optim": _optim(request, preset, steps),
        "engine": {"device": request.device},
        "card": {
            "title": f"{request.name}, trained in napari",
            "summary": f"Trained in napari {_origin(request)}.",
        },
    }


def timed_settings(request: Request, kind: Kind) -> dict[str, Any]:
    """Return the part of a run's settings on which the time of a step depends.

    The images are named, but nothing of them is written or read.

    Raises
    ------
    DGNOError
        As `config`.
    """
    settings = config(replace(request, name="timed"), kind)
    if "start" in settings:
        settings["model"] = _card(request, kind).config.model_dump(mode="json")
    data = {"kind": "stacks", "stacks": ["none.tif"]}
    kept = ("model", "batch", "crop", "validation", "engine")
    timed = {key: settings[key] for key in kept}
    timed["validation"] |= {"every": 1}  # how often is planned afterwards
    return {"name": "timed", "out": ".", "data": data, "steps": 1, **timed}


def _optim(request: Request, preset: Preset, steps: int) -> dict[str, Any]:
    """Learning rates, with a warm-up that a short run has time for."""
    given = preset.optim if request.start == SCRATCH else GENTLY
    rates = {key: given[key] * request.wishes.rate for key in ("lr", "final_lr")}
    return {**given, **rates, "warmup": min(given["warmup"], steps // 10)}


def _origin(request: Request) -> str:
    if request.start == SCRATCH:
        return "from scratch"
    name = "the packaged weights" if request.start == AUTOMATIC else Path(request.start).stem
    return f"from {name}"


def _network(request: Request, kind: Kind, preset: Preset) -> tuple[dict[str, Any], dict[str, Any]]:
    channels = 3 if kind.colour else 1
    if request.start == SCRATCH:
        return {}, {"model": {"base": preset.network, "channels": channels}}
    card = _card(request, kind)
    if card.channels != channels:
        theirs, ours = ("colour", "grey") if card.channels == 3 else ("grey", "colour")
        raise DGNOError(
            f"The weights {card.name} are for {theirs} images and yours are {ours}: start from "
            "other weights."
        )
    return {"start": START_FILE if _own_weights(request) else _start_name(request, kind)}, {}


def _start_name(request: Request, kind: Kind) -> str:
    from dgno_core.models import default_weights

    return default_weights(kind.colour) if request.start == AUTOMATIC else request.start


def _card(request: Request, kind: Kind) -> Any:
    from dgno_core.models import read_card

    return read_card(_start_name(request, kind), request.model_folder)


def _own_weights(request: Request) -> Path | None:
    """File of weights that are not packaged; it is copied, so that the run can always go on."""
    from dgno_core.models import find_weights
    from dgno_core.models.weights import PACKAGED

    if request.start in (SCRATCH, AUTOMATIC):
        return None
    path = find_weights(request.start, request.model_folder)
    return None if path.parent == PACKAGED else path


def _multiple(request: Request, kind: Kind, preset: Preset) -> int:
    from dgno_core.models import architecture

    if request.start == SCRATCH:
        return int(architecture(preset.network).multiple)
    return int(_card(request, kind).config.multiple)


def _crop(wished: int, kind: Kind, multiple: int) -> int:
    """Side of the crops: what is wished, or what fits into the smallest image."""
    side = min(max(wished, multiple), kind.side) // multiple * multiple
    if side == 0:
        raise DGNOError(
            f"The images are too small to train on: their shorter side has {kind.side} pixels, "
            f"and at least {multiple} are needed."
        )
    return side
