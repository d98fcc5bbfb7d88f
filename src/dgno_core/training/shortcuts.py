"""One call for one training run; `train_events` reports on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dgno_core.base_config import BaseConfig
from dgno_core.errors import DGNOError
from dgno_core.training.config import TrainConfig
from dgno_core.training.config_faults import find_faults
from dgno_core.training.config_file import load_config
from dgno_core.training.engine import train_events
from dgno_core.training.events import TrainFinished, TrainStopped, Validated
from dgno_core.training.recipes import find_recipe


@dataclass(frozen=True)
class TrainResult:
    """What a training run left.

    Parameters
    ----------
    weights
        File of the weights of the last step.
    best
        File of the weights with the best validation; None where none was made.
    step
        Steps done.
    stopped
        Why it stopped before its last step, resumably; None if it reached it.
    validation
        PSNR in dB and SSIM of the last validation; None where none was made.
    """

    weights: Path
    best: Path | None
    step: int
    stopped: str | None = None
    validation: Validated | None = None


def train(
    config: TrainConfig | Path | str, *, resume: bool = False, **overrides: Any
) -> TrainResult:
    r"""Train a network to the end of the run, as `dgno-train` does.

    Parameters
    ----------
    config
        Settings, a YAML file, or the name of a packaged recipe (``dgno-train --recipes``).
    resume
        Go on from the last checkpoint of the run.
    **overrides
        Settings in place of those of `config`, by name; a dictionary changes parts of a group, such
        as ``optim={"lr": 5e-4}``.

    Returns
    -------
    TrainResult

    Raises
    ------
    DGNOError
        If a setting makes no sense, data or a checkpoint cannot be read, the folder holds another
        run or is in use, or the loss is no longer finite.

    Examples
    --------
    Two steps of a very small network; one image is blurred anew in every step, the other validates:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skimage.data import camera, coins
    >>> from skimage.io import imsave
    >>> with TemporaryDirectory() as folder:
    ...     imsave(Path(folder) / "camera.png", camera()[200:264, 200:264])
    ...     imsave(Path(folder) / "coins.png", coins()[200:264, 200:264])
    ...     _ = (Path(folder) / "images.txt").write_text("camera.png\ncoins.png")
    ...     config = TrainConfig(
    ...         name="tiny",
    ...         out=Path(folder) / "run",
    ...         model={"base": "dgno-cell-small", "width": 8, "heads": 2, "blocks": (1, 1, 1, 1)},
    ...         data={
    ...             "kind": "synthetic",
    ...             "root": folder,
    ...             "sources": [{"list": f"{folder}/images.txt"}],
    ...         },
    ...         engine={"device": "cpu", "tensorboard": False},
    ...         steps=10,
    ...     )
    ...     result = train(config, steps=2, batch=1, crop=32, optim={"lr": 5e-4})
    >>> result.weights.name, result.step
    ('tiny.safetensors', 2)
    """
    last: TrainFinished | TrainStopped | None = None
    validation: Validated | None = None
    with closing(train_events(_settings(config, overrides), resume=resume)) as events:
        for event in events:
            match event:
                case Validated():
                    validation = event
                case TrainFinished() | TrainStopped():
                    last = event
    assert last is not None  # every run that raises nothing ends with one of the two
    if isinstance(last, TrainStopped):
        return TrainResult(last.path, None, last.step, last.reason, validation)
    return TrainResult(last.path, last.best, last.step, None, validation)


def _settings(config: TrainConfig | Path | str, overrides: Mapping[str, Any]) -> TrainConfig:
    """Settings with some changed, or a `DGNOError` that says what is wrong with them."""
    if not isinstance(config, TrainConfig):
        return load_config(find_recipe(str(config)), list(_as_words(overrides)))
    try:
        return config.changed(**_completed(config, overrides))
    except ValidationError as error:
        faults = "; ".join(dict.fromkeys(fault.sentence for fault in find_faults(error)))
        raise DGNOError(f"The settings of the run {config.name} do not fit: {faults}.") from error


def _completed(config: BaseConfig, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides in which groups that are given in part have all of their settings."""
    completed = dict(overrides)
    for name, given in overrides.items():
        group = getattr(config, name, None)
        if isinstance(group, BaseConfig) and _is_part(given):
            own = {key: getattr(group, key) for key in type(group).model_fields}
            completed[name] = own | _completed(group, given)
    return completed


def _as_words(overrides: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Overrides as ``key=value``, as `load_config` takes them: JSON is YAML."""
    for name, given in overrides.items():
        if _is_part(given):
            yield from _as_words(given, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={json.dumps(given, default=str)}"


def _is_part(given: Any) -> bool:
    """Whether a group of settings is given in part: another kind of it, or base, is a whole one."""
    return isinstance(given, Mapping) and not {"kind", "base"} & given.keys()
