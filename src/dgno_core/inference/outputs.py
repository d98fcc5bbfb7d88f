"""Where each restored image goes, decided and checked before any work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgno_core.errors import DGNOError
from dgno_core.inference.config import DEFAULTS, MACHINE, RestoreConfig
from dgno_core.io.atomic import recover
from dgno_core.io.axes import is_colour
from dgno_core.io.content import content_hash, path_hash
from dgno_core.io.provenance import Provenance, beside, program_version, read_beside
from dgno_core.io.read import read_image
from dgno_core.io.targets import is_foreign_folder, is_foreign_record
from dgno_core.models.card import ModelCard
from dgno_core.models.weights import default_weights, read_card

if TYPE_CHECKING:
    from dgno_core.io.source import ImageSource

ENDINGS = (".ome.tiff", ".ome.tif", ".ome.zarr", ".tiff", ".tif", ".zarr", ".png", ".jpeg", ".jpg")


@dataclass(frozen=True)
class ImageTask:
    """One image to restore, the file to write, and what became of an earlier run's result.

    Attributes
    ----------
    source
        An image file, a zarr store or a folder of planes.
    target
        The file to write.
    is_done
        Whether the target is there already, made from the same input in the same way.
    differs
        In what an earlier result differs that is to be replaced, where they were compared.
    may_replace
        Whether what lies at the target may be replaced.
    """

    source: Path
    target: Path
    is_done: bool = False
    differs: str | None = None
    may_replace: bool = False


def plan_outputs(
    inputs: Sequence[Path],
    output: Path,
    config: RestoreConfig = DEFAULTS,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> list[ImageTask]:
    """Give every input its output.

    Parameters
    ----------
    inputs
        Image files, zarr stores or folders of planes.
    output
        A file for one input; a folder, made when missing, for several inputs. A name without an
        ending is a folder for one input too, so that `*.tif` means the same for any number.
    config
        The settings, with which existing results are compared.
    overwrite
        Replace results that exist.
    skip_existing
        Keep results that exist, if their records tell that they were made from the same input with
        the same weights and settings. One that was made otherwise is refused, or with `overwrite`
        made anew.

    Returns
    -------
    list[ImageTask]
        In the order of the inputs.

    Raises
    ------
    DGNOError
        Inputs are missing, outputs exist, two outputs are the same, or a file stands where the
        folder should be. All images that are concerned are named.
    """
    for source in inputs:
        if not source.exists():
            recover(source)  # it may have been on its way to be replaced
    if missing := [str(source) for source in inputs if not source.exists()]:
        verb, what = ("does", "name") if len(missing) == 1 else ("do", "names")
        raise DGNOError(f"{_listed(missing)} {verb} not exist; check the {what}.")
    tasks = [replace(task, may_replace=overwrite) for task in _name(inputs, output)]
    for task in tasks:
        recover(task.target)
    _check_targets(tasks)
    if skip_existing:
        tasks = [_compared(task, config) for task in tasks]
    if not overwrite:
        _refuse_existing(tasks, compared=skip_existing)
    return tasks


def restored_name(source: Path) -> str:
    """Name the result of an input in a folder: a zarr store stays one, all else is OME-TIFF."""
    name = source.resolve().name
    lower = name.lower()
    stem = next((name[: -len(end)] for end in ENDINGS if lower.endswith(end)), None)
    if stem is None:
        stem = name if source.is_dir() else source.stem
    return stem + (".ome.zarr" if lower.endswith(".zarr") else ".ome.tif")


def _name(inputs: Sequence[Path], output: Path) -> list[ImageTask]:
    """Name the output of every input."""
    is_folder = (output.is_dir() and output.suffix != ".zarr") or not output.suffix
    is_named_like_a_file = output.suffix and output.name.lower().endswith(ENDINGS)
    if len(inputs) == 1 and not is_folder:
        return [ImageTask(inputs[0], output)]
    if is_named_like_a_file and output.is_dir():
        raise DGNOError(f"{output} is a folder, though named like a file; give another name to -o.")
    if is_named_like_a_file:
        raise DGNOError(
            f"{len(inputs)} images cannot go into the one file {output}; give a folder to -o."
        )
    if output.exists() and not output.is_dir():
        raise DGNOError(f"{output} is a file; give a folder to -o for several images.")
    return [ImageTask(source, output / restored_name(source)) for source in inputs]


def _check_targets(tasks: Sequence[ImageTask]) -> None:
    """Refuse targets that would harm an input, each other or the user's own folders."""
    counts = Counter(task.target for task in tasks)
    sources = {task.source.resolve(): task.source for task in tasks}
    for task in tasks:
        as_input = sources.get(task.target.resolve()) if task.target.exists() else None
        if counts[task.target] > 1:
            if as_input is not None:
                raise DGNOError(
                    f"{as_input} is an input, but probably an earlier result; leave it out, or "
                    "give another folder to -o."
                )
            twins = [str(other.source) for other in tasks if other.target == task.target]
            raise DGNOError(
                f"{_listed(twins)} would both be written to {task.target}; restore them apart."
            )
        if as_input is not None:
            raise DGNOError(f"{task.target} is an input and stays as it is; change -o.")
        if is_foreign_folder(task.target):
            raise DGNOError(
                f"{task.target} is a folder that is no zarr image; give another name to -o."
            )


def _compared(task: ImageTask, config: RestoreConfig) -> ImageTask:
    """See whether an image is done already."""
    if not task.target.exists():
        return task
    differs = difference(task.source, task.target, config)
    return replace(task, is_done=differs is None, differs=differs)


def _refuse_existing(tasks: Sequence[ImageTask], *, compared: bool) -> None:
    """Name everything that would have to be replaced."""
    if changed := [f"{task.target} ({task.differs})" for task in tasks if task.differs]:
        made = "was made otherwise" if len(changed) == 1 else "were made otherwise"
        raise DGNOError(
            f"{_listed(changed)} {made}; add --overwrite to make what differs anew, or change -o."
        )
    taken = [str(task.target) for task in tasks if not compared and task.target.exists()]
    what = "add --skip-existing or --overwrite, or change -o"
    if not taken:
        # A file of the user's own may lie where a record would go.
        taken = [str(beside(task.target)) for task in tasks if is_foreign_record(task.target)]
        what = "add --overwrite or give another name to -o"
    if taken:
        verb = "exists" if len(taken) == 1 else "exist"
        raise DGNOError(f"{_listed(taken)} {verb} already; {what}.")


def _listed(names: Iterable[str]) -> str:
    """Join names as a sentence does."""
    *rest, last = names
    return f"{', '.join(rest)} and {last}" if rest else last


def difference(image: Path, result: Path, config: RestoreConfig) -> str | None:
    """Say in what an existing result differs from the one that would be made now.

    The same input, read with the same axes, and the same weights, settings and version of this
    program give the same result. Where and with how much memory it was computed does not count, nor
    what the files and folders are called, nor the versions of PyTorch and numpy, which change no
    more than rounding.

    Parameters
    ----------
    image
        An image file, a zarr store or a folder of planes.
    result
        A file that exists.
    config
        The settings of now.

    Returns
    -------
    str or None
        A few words, such as "made from another input"; None if it is the same.
    """
    try:
        record = read_beside(result)
        if record is None:
            return "has no record"
        source = read_image(image, config.axes, series=config.series)
    except DGNOError as error:
        return f"cannot be compared ({error})"
    if record.source.sha256 is None:
        return "has no hash of its input in its record"
    card = _card(source, config)
    if record.weights_sha256 != card.weights_sha256:
        return f"made with another model ({record.model})"
    if changed := _changed(record, card, config):
        return f"made with {changed}"
    if record.source.axes != source.axes:  # guessed otherwise, or by another reader
        return f"made with the axes {record.source.axes}, which are read as {source.axes} now"
    if record.version != program_version():
        return f"made by version {record.version} of this program"
    # Last, as they read all of both.
    if record.output_sha256 not in (None, path_hash(result)):
        return "not as its record says: it was changed, or replacing it was interrupted"
    if record.source.sha256 != content_hash(source):
        return "made from another input"
    return None


def _card(source: ImageSource, config: RestoreConfig) -> ModelCard:
    """Card of the model that would be taken; read without its weights."""
    colour = is_colour(source.axes, source.shape, source.dtype)
    if config.model == "auto":
        return read_card(default_weights(colour=colour))
    return read_card(config.model, folder=config.model_folder)


def _changed(record: Provenance, card: ModelCard, config: RestoreConfig) -> str:
    """Name the settings of a record that are others than now, such as "tile 256"."""
    now: dict[str, Any] = config.model_dump(mode="json", exclude={"model", "tile", *MACHINE})
    defaults = RestoreConfig().model_dump(mode="json")
    before = {name: record.settings.get(name, defaults[name]) for name in now}
    # Memory may have been shorter: what counts is the tile that was asked for.
    now["tile"] = config.tile or card.tile
    before["tile"] = record.wanted_tile or record.tile
    return ", ".join(f"{name} {before[name]}" for name in now if before[name] != now[name])
