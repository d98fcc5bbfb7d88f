"""`dgno detect`: the objects of an image, before and after restoring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dgno_core.cli.completion import complete_model
from dgno_core.cli.explain.options import Axes, Device, ModelFolder, Out, Overwrite
from dgno_core.cli.explain.results import result_folder
from dgno_core.cli.models import check_model_folder
from dgno_core.cli.progress import Bar
from dgno_core.cli.threads import Threads
from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from dgno_core.detection import DetectionFound
    from dgno_core.inference import RestoreConfig
    from dgno_core.io import ImageSource


def detect(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="An image or a stack.")],
    output: Out,
    after: Annotated[
        Path | None, typer.Argument(metavar="[AFTER]", help="The same, restored.")
    ] = None,
    restore_with: Annotated[
        str | None,
        typer.Option(
            help="Make AFTER of BEFORE with this model (`dgno models`), or auto.",
            autocompletion=complete_model,
        ),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Labels of the true objects, for the agreement with them.")
    ] = None,
    detector: Annotated[
        str,
        typer.Option(
            help="stardist-nuclei-small, the name of a pretrained StarDist model (fetched once), "
            "or the folder of a trained one."
        ),
    ] = "stardist-nuclei-small",
    iou: Annotated[
        float, typer.Option(help="Overlap (IoU) from which on two objects can be the same.")
    ] = 0.5,
    scaling: Annotated[
        Literal["shared", "own"],
        typer.Option(help="Scale both images by the percentiles of BEFORE, or each by its own."),
    ] = "shared",
    probability: Annotated[
        float | None, typer.Option(help="Threshold of the object probability, 0 to 1.")
    ] = None,
    overlap: Annotated[
        float | None, typer.Option(help="Candidates that overlap more are one object, 0 to 1.")
    ] = None,
    tile: Annotated[
        int, typer.Option(help="Largest edge in pixels that goes through the detector at once.")
    ] = 1024,
    axes: Axes = None,
    device: Device = "auto",
    model_folder: ModelFolder = None,
    threads: Threads = 0,
    overwrite: Overwrite = False,
) -> None:
    """Detect objects in an image, and what became of them in its restored version.

    Writes labels, a table with a row for each object, a picture, and a summary with the counts.
    """
    check_model_folder(model_folder)
    if after is not None and restore_with is not None:
        raise DGNOError("Give either the restored image AFTER or --restore-with, not both.")
    from dgno_core.detection import DetectConfig, DetectionFound
    from dgno_core.detection.report import NAMES, write_detection
    from dgno_core.detection.run import detect_events
    from dgno_core.detection.stardist_library import why_unavailable
    from dgno_core.inference import RestoreConfig
    from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
    from dgno_core.io import read_image

    config = DetectConfig(
        detector=detector,
        axes=axes,
        iou=iou,
        scaling=scaling,
        probability=probability,
        overlap=overlap,
        tile=tile,
    )
    if (reason := why_unavailable()) is not None:
        raise DGNOError(reason)
    first = read_image(before, axes)
    second = None if after is None else read_image(after, axes)
    found: DetectionFound | None = None
    with result_folder(output, NAMES, overwrite=overwrite) as folder, Bar(first.name) as bar:
        more = {} if restore_with is None else {"restored_with": restore_with}
        if restore_with is not None:
            settings = RestoreConfig(
                model=restore_with, axes=axes, device=device, model_folder=model_folder
            )
            second = _restored(first, settings, bar)
        bar.update(0, 1, "loading StarDist")
        for event in detect_events(first, second, config, truth=truth):
            match event:
                case AnalysisProgressed():
                    bar.update(event.done, event.total, "detecting")
                case AnalysisWarned():
                    bar.say(event.message)
                case DetectionFound():
                    found = event
        assert found is not None, "the detection ended without a result"
        write_detection(found, first, second, folder, **more)
    for line in _in_words(found):
        typer.echo(line)
    typer.echo(output)


def _restored(source: ImageSource, config: RestoreConfig, bar: Bar) -> ImageSource:
    """Restore an image in memory."""
    from dataclasses import replace

    from dgno_core.inference import restore_events
    from dgno_core.inference.events import Restored, RestoreWarned, TileRestored

    for event in restore_events(source, config):
        match event:
            case TileRestored():
                bar.update(event.done, event.total, "restoring")
            case RestoreWarned():
                bar.say(event.message)
            case Restored():
                assert not isinstance(event.data, Path)
                name = f"{source.name} restored"
                return replace(source, data=event.data, name=name, path=None, files=(), warnings=())
    raise RuntimeError("the restoration ended without a result")


def _in_words(found: DetectionFound) -> list[str]:
    """Say what was found, and how well it agrees with the truth."""
    from dgno_core.metrics import average_precision

    if found.after is None:
        lines = [f"{found.before.count} objects"]
    else:
        lines = [
            f"{found.before.count} objects before, {found.after.count} after: {found.matched} "
            f"matched, {found.lost} lost, {found.gained} gained"
        ]
    for side, counts in (("before", found.truth_before), ("after", found.truth_after)):
        if counts:
            values = dict(zip(counts[0].thresholds, average_precision(counts), strict=True))
            at = ", ".join(f"{values[iou]:.3f} at IoU {iou}" for iou in (0.5, 0.7, 0.9))
            lines.append(f"AP {side}: {at}")
    return lines
