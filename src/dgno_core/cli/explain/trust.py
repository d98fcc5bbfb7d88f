"""`dgno explain trust`: where a restored image can be trusted."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.explain import options as opt
from dgno_core.cli.explain.region import parse_plane, parse_region
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads

if TYPE_CHECKING:
    from dgno_core.inference.config import RestoreConfig
    from dgno_core.inference.predictor import Predictor
    from dgno_core.interpretation.trust import TrustFound
    from dgno_core.interpretation.view import View

PICTURE, SENTENCES = "trust.png", "trust.json"
NAMES = ("expected_error", "residual", "blur_width", "spread")


def trust(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image, or a zarr store.")],
    output: opt.Out,
    model: opt.Model = "auto",
    second: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Another model to compare with.", autocompletion=complete_model
        ),
    ] = None,
    region: opt.Region = None,
    plane: opt.Plane = None,
    channel: Annotated[
        int, typer.Option(help="Which colour of a colour image a grey model looks at, from 0.")
    ] = 0,
    axes: opt.Axes = None,
    device: opt.Device = "auto",
    normalise: opt.Normalise = "stack",
    tile: Annotated[
        int | None, typer.Option(help="Tile size in pixels; by default the model's own.")
    ] = None,
    model_folder: opt.ModelFolder = None,
    threads: Threads = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """See where a restored image can be trusted.

    Writes maps as TIFF, each with a record beside it (expected error in % of the image's range;
    what no blur explains; the width of the blur; disagreement over flips and rotations), all of
    them in one picture, and the sentences that sum them up.
    """
    check_model_folder(model_folder)
    part, at = parse_region(region), parse_plane(plane)
    from dgno_core.inference import Restorer
    from dgno_core.interpretation.record import command_line, describe_analysis, write_map
    from dgno_core.interpretation.trust import SURROUNDINGS
    from dgno_core.interpretation.trust.picture import save_trust_figure, trust_figure
    from dgno_core.interpretation.view import read_view
    from dgno_core.io import read_image
    from dgno_core.io.units import micrometers

    restorer = Restorer(
        model,
        axes=axes,
        device=device,
        normalise=normalise,
        tile=tile,
        model_folder=model_folder,
    )
    config = restorer.config
    keys = (*NAMES, "difference") if second else NAMES
    tiffs = [tiff_name(key) for key in keys]
    written = [*tiffs, *(f"{tiff}.json" for tiff in tiffs), PICTURE, SENTENCES]
    with result_folder(output, written, overwrite=overwrite) as folder:
        source = read_image(image, axes)
        view = read_view(source, restorer, at, part, channel=channel, surroundings=SURROUNDINGS)
        other = None if second is None else load_second(second, config, len(view.pixels))
        size = micrometers(source.pixel_size.get("X", 0), source.units.get("X"))
        found = follow(view, other, size, config)
        options: dict[str, Any] = {
            "model": view.network.name, "second": second, "region": region, "plane": plane,
            "channel": channel, "axes": axes, "device": view.network.device,
            "normalise": normalise, "tile": tile, "model-folder": model_folder, "output": output,
        }  # fmt: skip
        command = command_line("trust", [image], options)
        said = {"plane": plane, "channel": channel, "region": region, "second": second}
        for each in found.maps:
            about = {
                "title": each.title, "unit": each.unit, "legend": each.legend,
                "scale": each.scale, "translate": each.translate,
            }  # fmt: skip
            record = describe_analysis(
                source, view.network, config, said | {"map": about}, command, found.warnings
            )
            write_map(folder / tiff_name(each.key), each.values, source, record)
        figure = trust_figure(view.pixels[(..., *view.inner)], found, source.name)
        save_trust_figure(figure, folder / PICTURE)
        text = json.dumps(sentences(found), indent=2, ensure_ascii=False) + "\n"
        (folder / SENTENCES).write_text(text, encoding="utf-8")
    typer.echo(found.verdict.sentence)
    typer.echo(found.summary)
    typer.echo(output / PICTURE)


def tiff_name(key: str) -> str:
    """Name the file of a map."""
    return f"{key.replace('_', '-')}.tif"


def sentences(found: TrustFound) -> dict[str, Any]:
    """Collect what a person would want to read, and the middle and the worst of each map."""
    import numpy as np

    return {
        "verdict": {"level": found.verdict.level, "sentence": found.verdict.sentence},
        "summary": found.summary,
        "doubts": list(found.warnings),
        "noise_percent": round(found.noise, 3),
        "maps": {
            each.key: {
                "title": each.title,
                "unit": each.unit,
                "legend": each.legend,
                "median": round(float(np.median(each.values)), 4),
                "quantile_0.99": round(float(np.quantile(np.abs(each.values), 0.99)), 4),
            }
            for each in found.maps
        },
    }


def load_second(name: str, config: RestoreConfig, channels: int) -> Predictor:
    """Load the network to compare with, on the device of the first."""
    from dgno_core.inference.predictor import load_predictor

    return load_predictor(config.changed(model=name), colour=channels == 3)


def follow(
    view: View, second: Predictor | None, pixel_size_um: float | None, config: RestoreConfig
) -> TrustFound:
    """Do the look with a progress bar."""
    from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
    from dgno_core.interpretation.trust import TrustFound, trust_events

    events = trust_events(view, second, pixel_size_um=pixel_size_um, config=config)
    with Bar(view.name) as bar, closing(events):
        for event in events:
            match event:
                case AnalysisProgressed():
                    bar.update(event.done, event.total, "tiles, in all orientations")
                case AnalysisWarned():
                    bar.say(event.message)
                case TrustFound():
                    return event
    raise RuntimeError("the generator ended without a result")
