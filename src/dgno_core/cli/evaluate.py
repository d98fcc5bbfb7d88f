"""`dgno evaluate`: a model on the public evaluation set, as a page with pictures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads


def evaluate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder that holds EVAL.tsv and its images.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the page and its pictures go.")],
    model: Annotated[
        str,
        typer.Option(
            help="A name from `dgno models`, a .safetensors file, auto, or all.",
            autocompletion=complete_model,
        ),
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")] = "auto",
    tile: Annotated[
        int | None, typer.Option(help="Tile size in pixels; by default the model's own.")
    ] = None,
    group: Annotated[
        list[str] | None, typer.Option(help="Only this group of images, or stack; may be repeated.")
    ] = None,
    threads: Threads = 0,
) -> None:
    """Score models on images with known blur, and on a real focal stack."""
    from dgno_core.evaluation import (
        EvaluationStarted,
        ImageScored,
        ReportWritten,
        StackScored,
        run_public_evaluation,
    )

    run = run_public_evaluation(
        data, out, model=model, device=device, tile=tile, groups=tuple(group or ())
    )
    with Bar("evaluating") as bar, closing(run) as events:
        for event in events:
            match event:
                case EvaluationStarted():
                    bar.update(0, event.total)
                case ImageScored():
                    scores = event.result.scores
                    before, after = scores["blurred"].psnr, scores["ours"].psnr
                    name = f"{event.result.name}, {event.result.model}"
                    bar.say(f"{name}: {before:.2f} -> {after:.2f} dB")
                    bar.update(event.done, event.total)
                case StackScored():
                    gains = [plane.gain for plane in event.planes if plane.gain is not None]
                    least, most = min(gains, default=0.0), max(gains, default=0.0)
                    bar.say(f"focal stack, {event.model}: {least:+.2f} to {most:+.2f} dB")
                case ReportWritten():
                    typer.echo(event.page)
