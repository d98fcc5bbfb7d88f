"""`dgno restore`: images in, restored images and their provenance out."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer

from dgno_core.cli.batch_report import BatchReport, summary
from dgno_core.cli.completion import complete_model
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.running import BAD_INPUT
from dgno_core.cli.threads import Threads


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
        str,
        typer.Option(
            help="A name from `dgno models`, a .safetensors file, or auto.",
            autocompletion=complete_model,
        ),
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
    nonfinite: Annotated[
        Literal["refuse", "keep"],
        typer.Option(help="Pixels that are NaN or infinite: refuse the image, or keep them so."),
    ] = "refuse",
    memory_share: Annotated[
        float, typer.Option(help="Use at most this share of the free memory, 0 to 1.")
    ] = 0.5,
    model_folder: Annotated[
        Path | None, typer.Option(help="A folder of your own models, found by name.")
    ] = None,
    threads: Threads = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = (
        False
    ),
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Keep results made from the same input with the same model and settings; others "
            "are refused, or with --overwrite made anew.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Say what each image would take (tiles, memory, time); write nothing."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON for each image on stdout.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but errors (and --json).")
    ] = False,
) -> None:
    """Restore defocused images.

    Every result gets a record of how it was made beside it, OUT.json.
    """
    check_model_folder(model_folder)
    from dgno_core.inference import RestoreConfig
    from dgno_core.inference.batch import batch_events
    from dgno_core.inference.dry_run import plan_events
    from dgno_core.inference.outputs import plan_outputs

    config = RestoreConfig(
        model=model,
        axes=axes,
        series=series,
        device=device,
        tile=tile,
        precision=precision,
        normalise=normalise,
        nonfinite=nonfinite,
        memory_share=memory_share,
        model_folder=model_folder,
    )
    tasks = plan_outputs(inputs, output, config, overwrite=overwrite, skip_existing=skip_existing)
    work = plan_events(tasks, config) if dry_run else batch_events(tasks, config)
    with BatchReport(as_json=as_json, is_quiet=quiet) as report, closing(work) as events:
        for event in events:
            report.show(event)
    done = report.finished
    assert done is not None, "the batch ended without its last event"
    if len(tasks) > 1 and (done.failed or not quiet):
        typer.echo(f"dgno: {summary(done, is_plan=dry_run)}", err=True)
    if done.failed:
        raise typer.Exit(BAD_INPUT)
