"""`dgno restore`: images in, restored images and their provenance out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dgno_core.cli.models import check_model_folder
from dgno_core.cli.outputs import Job, plan_outputs
from dgno_core.cli.progress import Bar
from dgno_core.cli.running import BAD_INPUT, explain
from dgno_core.cli.threads import Threads

if TYPE_CHECKING:
    from dgno_core.inference import RestoreConfig


def restore(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="IN...", help="Images, zarr stores, or folders of planes (one stack each)."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The file to write; a folder for several images."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="A name from `dgno models`, a .safetensors file, or auto.")
    ] = "auto",
    axes: Annotated[
        str | None, typer.Option(help="One letter of TPCZYXS a dimension, where the file is mute.")
    ] = None,
    series: Annotated[
        int, typer.Option(min=0, help="Which image of a file that holds several, from 0.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    tile: Annotated[
        int | None, typer.Option(help="Tile size in pixels; by default the model's own.")
    ] = None,
    precision: Annotated[
        Literal["fp32", "bf16"], typer.Option(help="bf16 is faster on recent hardware.")
    ] = "fp32",
    normalise: Annotated[
        Literal["stack", "plane"],
        typer.Option(help="Scale intensities by the range of the whole stack, or of each plane."),
    ] = "stack",
    memory_share: Annotated[
        float, typer.Option(help="Use at most this share of the free memory, 0 to 1.")
    ] = 0.5,
    model_folder: Annotated[
        Path | None, typer.Option(help="A folder of your own models, found by name.")
    ] = None,
    threads: Threads = 0,
    overwrite: Annotated[bool, typer.Option(help="Replace results that exist.")] = False,
) -> None:
    """Restore defocused images.

    Every result gets a record of how it was made beside it, OUT.json.
    """
    check_model_folder(model_folder)
    jobs = plan_outputs(inputs, output, overwrite=overwrite)
    from dgno_core.inference import RestoreConfig

    config = RestoreConfig(
        model=model,
        axes=axes,
        series=series,
        device=device,
        tile=tile,
        precision=precision,
        normalise=normalise,
        memory_share=memory_share,
        model_folder=model_folder,
    )
    if len(jobs) == 1 and jobs[0].target == output:
        restore_file(jobs[0], config, overwrite=overwrite)
    elif failed := restore_all(jobs, output, config, overwrite=overwrite):
        counted = f"{len(jobs)} image{'s' * (len(jobs) > 1)} {'was' if failed == 1 else 'were'}"
        typer.echo(f"dgno restore: {failed} of {counted} not restored", err=True)
        raise typer.Exit(BAD_INPUT)


def restore_all(
    jobs: list[Job], folder: Path, config: RestoreConfig, *, overwrite: bool = False
) -> int:
    """Restore every image, going on after one that fails.

    Returns
    -------
    int
        How many failed; each has been named on stderr.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    try:
        for job in jobs:
            try:
                restore_file(job, config, overwrite=overwrite)
            except Exception as error:
                problem = explain(error)
                if problem is None:
                    raise
                failed += 1
                typer.echo(f"dgno restore: {problem}", err=True)
    finally:
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
    return failed


def restore_file(job: Job, config: RestoreConfig, *, overwrite: bool = False) -> None:
    """Restore one image into its file, with a progress bar.

    Leaving early, by an error or by Ctrl-C, closes the generator, which aborts the sink: the
    target then does not exist, or is what it was before.
    """
    from dgno_core.inference import restore_events
    from dgno_core.inference.events import (
        PlaneMeasured,
        PlaneRestored,
        RestoreStarted,
        RestoreWarned,
        TileRestored,
    )
    from dgno_core.io import open_sink, read_image

    source = read_image(job.source, config.axes, series=config.series)
    sink = open_sink(job.target, source, source.dtype, overwrite=overwrite)
    with Bar(job.source.name) as bar, closing(restore_events(source, config, sink=sink)) as events:
        plane = ""
        for event in events:
            match event:
                case PlaneMeasured():
                    bar.update(event.done, event.total, "measuring intensities")
                case RestoreStarted():
                    plane = f"plane 0/{event.planes}"
                case PlaneRestored():
                    plane = f"plane {event.done}/{event.total}"
                case TileRestored():
                    bar.update(event.done, event.total, plane)
                case RestoreWarned():
                    bar.say(f"{job.source.name}: {event.message}")
    typer.echo(job.target)
