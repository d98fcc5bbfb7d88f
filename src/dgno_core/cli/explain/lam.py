"""`dgno explain lam`: which input pixels the edges in a box were made from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.explain import options as opt
from dgno_core.cli.explain.region import parse_plane
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads
from dgno_core.errors import DGNOError
from dgno_core.wording import about_file

if TYPE_CHECKING:
    from dgno_core.inference import Restorer
    from dgno_core.interpretation.lam import Attribution, LamSettings, Window
    from dgno_core.interpretation.view import View
    from dgno_core.io.source import ImageSource


def lam(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image, or a zarr store.")],
    window: Annotated[
        str,
        typer.Option(
            metavar="Y,X,SIZE",
            help="The box: its first row, first column and size (or HEIGHT,WIDTH) in pixels.",
        ),
    ],
    output: opt.Out,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="As for dgno restore; give it again for a second model to compare.",
            autocompletion=complete_model,
        ),
    ] = None,
    effort: Annotated[
        Literal["quick", "full"],
        typer.Option(help="quick takes 10 steps along the path, full the 50 of the method."),
    ] = "quick",
    steps: Annotated[int | None, typer.Option(help="Another number of steps.")] = None,
    sigma: Annotated[float, typer.Option(help="Blur in pixels at which the path starts.")] = 1.2,
    kernel: Annotated[int, typer.Option(help="Side of the blur kernel in pixels, odd.")] = 9,
    side: Annotated[
        int, typer.Option(help="Side in pixels of the neighbourhood that is looked at.")
    ] = 256,
    paper: Annotated[
        bool, typer.Option("--paper", help="Take the method's own objective, without eps.")
    ] = False,
    plane: opt.Plane = None,
    channel: Annotated[
        int, typer.Option(help="Which colour of a colour image a grey model looks at, from 0.")
    ] = 0,
    axes: opt.Axes = None,
    device: opt.Device = "auto",
    normalise: opt.Normalise = "stack",
    model_folder: opt.ModelFolder = None,
    threads: Threads = 0,
    overwrite: opt.Overwrite = False,
) -> None:
    """See which input pixels the edges in a box were made from.

    Writes a local attribution map as TIFF for each model, with a record beside it that holds the
    diffusion index and all settings, and a picture of all of them.
    """
    check_model_folder(model_folder)
    box, at = parse_window(window), parse_plane(plane)
    from dgno_core.inference import Restorer
    from dgno_core.interpretation.lam import LamSettings, compare_lam
    from dgno_core.interpretation.lam.describe import describe_lam, file_words
    from dgno_core.interpretation.record import command_line, describe_analysis, write_map
    from dgno_core.io import read_image

    settings = LamSettings(effort=effort, steps=steps, sigma=sigma, kernel=kernel, side=side)
    if paper:
        settings = settings.changed(eps=0.0)
    names = model or ["auto"]
    tiffs, picture = [f"lam-{word}.tif" for word in file_words(names)], "lam.png"
    written = [*tiffs, *(f"{tiff}.json" for tiff in tiffs), picture]
    restorers = [
        Restorer(name, axes=axes, device=device, normalise=normalise, model_folder=model_folder)
        for name in names
    ]
    with result_folder(output, written, overwrite=overwrite) as folder:
        source = read_image(image, axes)
        views, grid = read_views(source, box, settings, restorers, at, channel)
        maps = [follow(view, box, settings, grid) for view in views]
        options: dict[str, Any] = {
            "window": window, "effort": effort, "steps": steps, "sigma": sigma, "kernel": kernel,
            "side": side, "paper": paper, "plane": plane, "channel": channel, "axes": axes,
            "normalise": normalise, "model-folder": model_folder, "output": output,
        }  # fmt: skip
        for view, restorer, found, tiff in zip(views, restorers, maps, tiffs, strict=True):
            chosen = {"model": view.network.name, "device": view.network.device}
            command = command_line("lam", [image], options | chosen)
            said = {"plane": plane, "channel": channel, "lam": describe_lam(found)}
            record = describe_analysis(
                source, view.network, restorer.config, said, command, found.warnings
            )
            write_map(folder / tiff, found.signed, source, record)
        compare_lam(maps).savefig(folder / picture, metadata={"Software": None})
    for found in maps:
        typer.echo(f"{found.model}: diffusion index {found.diffusion_index:.2f}, {found.effort}")
    typer.echo(output / picture)


def parse_window(text: str) -> Window:
    """Read a box, ``Y,X,SIZE`` or ``Y,X,HEIGHT,WIDTH``.

    Raises
    ------
    DGNOError
        If it is not of that form.
    """
    from dgno_core.interpretation.lam import Window

    try:
        y, x, height, *width = (int(part) for part in text.split(","))
        if len(width) > 1:
            raise ValueError
    except ValueError:
        raise DGNOError(
            f"The window {text!r} is not of the form 120,200,16 (first row, first column, size)."
        ) from None
    return Window(y, x, height, *(width or [height]))


def read_views(
    source: ImageSource,
    window: Window,
    settings: LamSettings,
    restorers: Sequence[Restorer],
    plane_index: Sequence[int],
    channel: int,
) -> tuple[list[View], int]:
    """Read one neighbourhood for all models; return what each sees, and the grid it starts on."""
    from dgno_core.interpretation.lam import read_neighbourhood

    views = [
        read_neighbourhood(source, window, settings, restorer, plane_index, channel=channel)
        for restorer in restorers
    ]
    grid = lcm(*(view.network.card.multiple for view in views))
    for number, view in enumerate(views):
        if view.network.card.multiple != grid:
            views[number] = read_neighbourhood(
                source,
                window,
                settings,
                restorers[number],
                plane_index,
                channel=channel,
                grid=grid,
            )
    return views, grid


def follow(view: View, window: Window, settings: LamSettings, grid: int) -> Attribution:
    """Compute one map with a progress bar."""
    from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
    from dgno_core.interpretation.lam import LamFound, lam_events

    name = view.network.name
    with Bar(name) as bar, closing(lam_events(view, window, settings, grid=grid)) as events:
        for event in events:
            match event:
                case AnalysisProgressed():
                    bar.update(event.done, event.total, "steps along the path")
                case AnalysisWarned():
                    bar.say(about_file(name, event.message))
                case LamFound():
                    return event.attribution
    raise RuntimeError("the generator ended without a result")
