"""What can be checked of a run in a moment, before anything slow is done for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dgno_core.data.stack_planes import check_stack
from dgno_core.errors import DGNOError
from dgno_core.models.weights import find_weights
from dgno_core.training.config import TrainConfig
from dgno_core.training.data_config import (
    DataConfig,
    ExtraDataConfig,
    FolderData,
    SetData,
    StackData,
    SyntheticData,
    UnlabelledData,
)
from dgno_core.training.estimate import check_memory
from dgno_core.training.fabric import check_engine
from dgno_core.training.runs.files import BEST, CHECKPOINT


def check_run(config: TrainConfig, *, resume: bool) -> None:
    """Check device, checkpoint, weights, files and memory of a run; nothing is read or written.

    Parameters
    ----------
    config : TrainConfig
        The run.
    resume : bool
        Whether it is to go on from its checkpoint.

    Raises
    ------
    DGNOError
        For the first thing that is missing or cannot be.
    """
    check_engine(config.engine)
    folders = [part.out for part in config.parts]
    going = [out for out in folders if (out / CHECKPOINT).exists()]
    _check_folder(going[0] if going else config.out, resume=resume)
    for part in config.parts:
        check_engine(part.engine)
        for name, data in (("data", part.data), ("extra", part.extra)):
            if data is not None:
                _check_files(name, data)
        if part.start is not None and not resume:
            _check_start(part, find_weights(part.start))
        check_memory(part)


def _check_folder(out: Path, *, resume: bool) -> None:
    checkpoint = out / CHECKPOINT
    if resume and not checkpoint.exists():
        raise DGNOError(
            f"There is no checkpoint {checkpoint} to resume from; start without --resume."
        )
    if not resume and checkpoint.exists():
        raise DGNOError(
            f"{out} already holds a run; resume it with --resume or choose another folder."
        )
    for part in (out, *out.parents):
        if part.exists() and not part.is_dir():
            raise DGNOError(f"{out} cannot be a folder, as {part} is a file; choose another out.")


def _check_start(config: TrainConfig, start: Path) -> None:
    """Check that a run does not replace the weights that it starts from."""
    written = (config.weights, config.out / BEST)
    if start.resolve() in (path.resolve() for path in written):
        raise DGNOError(
            f"The run would replace the weights {start} that it starts from; choose another out "
            "or name, or give them another name."
        )


def _check_files(name: str, data: DataConfig | ExtraDataConfig) -> None:
    for setting, path, is_folder in _files(data):
        if is_folder and not path.is_dir():
            raise DGNOError(f"There is no folder {path}; set {name}.{setting}.")
        if not path.exists():
            raise DGNOError(f"There is no {path}; set {name}.{setting}.")
    # All of them, before the first is registered, which takes minutes.
    if isinstance(data, StackData):
        sharp = data.sharp if isinstance(data.sharp, int) else None
        for path in data.stacks:
            check_stack(path, sharp=sharp, planes=data.planes)


def _files(data: DataConfig | ExtraDataConfig) -> Iterator[tuple[str, Path, bool]]:
    """Settings that name files, these files, and whether they are folders."""
    match data:
        case SyntheticData():
            yield "root", data.root, True
            yield from (("sources", source.list, False) for source in data.sources)
        case FolderData():
            yield "blurred", data.blurred, True
            yield "sharp", data.sharp, True
        case StackData():
            yield from (("stacks", path, False) for path in data.stacks)
        case SetData():
            yield "root", data.root, True
        case UnlabelledData():
            yield "folder", data.folder, True
