"""`dgno explain compare`: where one model's result is closer to the sharp image than another's."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgno_core.cli.explain import options as opt
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.threads import Threads
from dgno_core.errors import DGNOError
from dgno_core.wording import about_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dgno_core.inference import Restorer
    from dgno_core.io import ImageSource
    from dgno_core.metrics.edges import EdgeScore

TIFFS = ("error-difference.tif", "edge-band.tif")
NUMBERS, PICTURE = "compare.json", "compare.png"


def compare(
    blurred: Annotated[Path, typer.Argument(metavar="BLURRED", help="The image to restore.")],
    sharp: Annotated[Path, typer.Argument(metavar="SHARP", help="The same place, sharp.")],
    output: opt.Out,
    models: Annotated[
        tuple[str, str],
        typer.Option(metavar="A B", help="Two names from `dgno models`, or .safetensors files."),
    ] = ("dgno-cell-small", "dgno-face-small"),
    axes: opt.Axes = None,
    device: opt.Device = "auto",
    model_folder: opt.ModelFolder = None,
    threads: Threads = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """Restore an image with two models and show which is closer to the truth, and where.

    Writes the difference of their absolute errors, the band around the edges of the sharp image,
    the PSNR in that band and elsewhere as JSON, and a picture of all with legends.
    """
    check_model_folder(model_folder)
    from dgno_core.evaluation.error_figure import draw_comparison
    from dgno_core.inference import RestoreConfig, Restorer
    from dgno_core.interpretation.record import command_line, describe_analysis, write_map
    from dgno_core.io import read_image
    from dgno_core.metrics.edges import band_psnr, edge_band, error_difference

    names = [*TIFFS, *(f"{tiff}.json" for tiff in TIFFS), NUMBERS, PICTURE]
    with result_folder(output, names, overwrite=overwrite) as folder:
        source, truth = (read_image(path, axes) for path in (blurred, sharp))
        given, reference = (_plane(one) for one in (source, truth))
        if given.shape != reference.shape:
            raise DGNOError(
                f"{source.name} has the shape {given.shape} and {truth.name} {reference.shape}; "
                "they must show the same place pixel by pixel."
            )
        results, networks = [], []
        config = RestoreConfig(axes=axes, device=device, model_folder=model_folder)
        for name in models:
            restorer = Restorer.of(config.changed(model=name))
            networks.append(restorer.prepare(source).network)
            results.append(_restore(source, restorer))
        labels = [_label(name) for name in models]
        if labels[0] == labels[1]:
            labels = [f"{label} ({letter})" for label, letter in zip(labels, "AB", strict=True)]
        band = edge_band(reference)
        scores = {
            label: band_psnr(reference, image, band)
            for label, image in zip(("blurred", *labels), (given, *results), strict=True)
        }
        options = {
            "models": models, "axes": axes, "device": networks[0].device,
            "model-folder": model_folder, "output": output,
        }  # fmt: skip
        command = command_line("compare", [blurred, sharp], options)
        look = {
            "sharp": str(sharp),
            "models": {
                label: {"model": network.name, "weights_sha256": network.card.weights_sha256}
                for label, network in zip(labels, networks, strict=True)
            },
            "meaning": f"error of {labels[0]} less error of {labels[1]}, share of the sharp range",
        }
        record = describe_analysis(source, networks[0], config, look, command)
        difference = error_difference(reference, results[0], results[1]).astype("float32")
        for tiff, data in zip(TIFFS, (difference, band), strict=True):
            write_map(folder / tiff, data, source, record)
        numbers: dict[str, Any] = {label: asdict(score) for label, score in scores.items()}
        (folder / NUMBERS).write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
        first, second = results
        names_shown = (labels[0], labels[1])
        figure = draw_comparison(reference, given, first, second, names_shown)
        figure.savefig(folder / PICTURE, metadata={"Software": None})
    typer.echo(_table(scores))
    typer.echo(output / PICTURE)


def _restore(source: ImageSource, restorer: Restorer) -> NDArray[Any]:
    """Restore an image in memory, saying on stderr what the user should know."""
    import numpy as np

    from dgno_core.inference import Restored, RestoreWarned

    restored = None
    for event in restorer.events(source):
        if isinstance(event, RestoreWarned):
            typer.echo(about_file(source.name, event.message), err=True)
        elif isinstance(event, Restored):
            restored = event.data
    return np.asarray(restored)


def _plane(source: ImageSource) -> NDArray[Any]:
    """Read an image of one plane, grey or with colours last."""
    if source.axes not in ("YX", "YXS", "YXC"):
        raise DGNOError(
            f"{source.name} has the axes {source.axes}; only single planes (YX, or YXS in colour) "
            "can be compared: save the plane as an image of its own."
        )
    index = source.layout(colour_model=True).index(())
    plane: NDArray[Any] = source.read(index)
    return plane


def _label(model: str) -> str:
    return Path(model).stem if model.endswith(".safetensors") else model


def _table(scores: dict[str, EdgeScore]) -> str:
    width = max(map(len, scores))
    lines = [f"{'PSNR':<{width}}  edge band  elsewhere     whole"]
    for name, score in scores.items():
        values = (f"{value:6.2f} dB" for value in (score.band, score.rest, score.whole))
        lines.append(f"{name:<{width}}  " + "  ".join(values))
    return "\n".join(lines)
