"""The provenance of a restoration."""

from __future__ import annotations

from pathlib import Path

from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.predictor import Predictor
from dgno_core.io.provenance import Provenance, SourceRecord, now, program_version, versions
from dgno_core.io.source import ImageSource


def describe(
    source: ImageSource,
    network: Predictor,
    config: RestoreConfig,
    tile: int,
    output: Path | None,
    warnings: list[str],
    axes: str | None = None,
) -> Provenance:
    """Describe a restoration as it was done: with the model, tile and device really used."""
    import torch

    done = config.changed(
        model=network.name,
        tile=tile,
        device=str(network.device),
        # "auto" is a packaged model; by its name another could be found in the folder.
        model_folder=None if config.model == "auto" else config.model_folder,
    )
    threads = torch.get_num_threads()
    command = done.command([source.path or source.name], output or "restored.tif")
    if network.device.type == "cpu":  # there, another number of threads sums in another order
        command += f" --threads {threads}"
    return Provenance(
        version=program_version(),
        created=now(),
        source=SourceRecord.of(source, limit=None),  # little beside restoring it
        axes=axes,
        model=network.name,
        weights_sha256=network.card.weights_sha256 or None,
        settings=done.model_dump(mode="json"),
        tile=tile,
        wanted_tile=config.tile or network.card.tile,
        device=str(network.device),
        versions=versions("napari-dgno", "torch", "numpy") | {"torch threads": str(threads)},
        command=command,
        warnings=warnings,
    )
