"""Whether a result that exists is the one that would be made now: its record tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgno_core.errors import DGNOError
from dgno_core.inference.config import MACHINE, RestoreConfig
from dgno_core.io.axes import is_colour
from dgno_core.io.content import content_hash, path_hash
from dgno_core.io.provenance import Provenance, program_version, read_beside
from dgno_core.io.read import read_image
from dgno_core.models.card import ModelCard
from dgno_core.models.weights import default_weights, read_card

if TYPE_CHECKING:
    from dgno_core.io.source import ImageSource


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
