"""One call makes the whole evaluation page: tables, pictures, JSON."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from dgno_core.errors import DGNOError
from dgno_core.evaluation.candidates import Candidate, candidates
from dgno_core.evaluation.focal_stack import (
    STACK,
    PlaneDone,
    StackScored,
    read_stack,
    score_stack_events,
)
from dgno_core.evaluation.gallery import Gallery
from dgno_core.evaluation.protocol import (
    EvaluationEvent,
    EvaluationStarted,
    ImageResult,
    ImageScored,
    evaluate_events,
)
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.evaluation.report import report_page
from dgno_core.evaluation.restorer import ImageRestorer, StackRestorer
from dgno_core.evaluation.scores import ModelScores, report_json

PAGE, NUMBERS, FIGURES = "evaluation.md", "evaluation.json", "figures"
STACK_GROUP = "stack"  # what `groups` calls the real focal stack


@dataclass(frozen=True)
class ReportWritten:
    """The page, its numbers and its pictures are in place."""

    page: Path
    numbers: Path
    figures: tuple[Path, ...]
    scores: tuple[ModelScores, ...]

    @property
    def results(self) -> tuple[ImageResult, ...]:
        """Scores of all images, model by model."""
        return tuple(result for one in self.scores for result in one.results)


RunEvent: TypeAlias = EvaluationEvent | PlaneDone | StackScored | ReportWritten


def run_public_evaluation(
    data_dir: Path | str,
    out_dir: Path | str,
    *,
    model: str = "auto",
    device: str = "auto",
    tile: int | None = None,
    model_folder: Path | None = None,
    groups: Sequence[str] = (),
    restorer: ImageRestorer | None = None,
    stack_restorer: StackRestorer | None = None,
) -> Generator[RunEvent, None, None]:
    """Evaluate on the public set and write ``evaluation.md``, ``evaluation.json``, ``figures/``.

    Grey models are judged on the grey images and on the real focal stack, where the data folder
    has it; colour models on the images in colour. Closing the generator early leaves `out_dir` as
    it was.

    Parameters
    ----------
    data_dir
        Folder that holds ``EVAL.tsv``.
    out_dir
        Folder of the page, made where it is missing; files of an earlier run are replaced.
    model
        Name or file of weights, ``"auto"`` for those that restoring takes by default, or ``"all"``.
    device, tile, model_folder
        As in `dgno_core.inference.RestoreConfig`.
    groups
        Only these groups (``"bbbc039"``, ..., ``"stack"`` for the focal stack); empty means all.
    restorer, stack_restorer
        Judge these instead of `model`.

    Yields
    ------
    `EvaluationStarted` once, the other events of `evaluate_events` and `score_stack_events` model
    by model, then one `ReportWritten`.

    Raises
    ------
    DGNOError
        If the data folder is not complete, no image belongs to `groups`, or `out_dir` is a file.
    """
    rows = [row for row in read_public_set(data_dir) if not groups or row.group in groups]
    stack = Path(data_dir) / STACK
    with_stack = STACK_GROUP in groups or (not groups and stack.is_dir())
    if not rows and not with_stack:
        raise DGNOError(f"No image of {data_dir} belongs to {', '.join(groups)}.")
    if restorer is None:
        judged = candidates(model, rows, device=device, model_folder=model_folder, groups=groups)
    else:
        judged = [Candidate(tuple(rows), restorer, stack_restorer)]
    if not with_stack:
        judged = [replace(one, stack_restorer=None) for one in judged]
    judged = [one for one in judged if one.rows or one.stack_restorer]
    if not judged:
        raise DGNOError(f"The model {model} is not for the images in {', '.join(groups)}.")
    out = Path(out_dir)
    if out.exists() and not out.is_dir():
        raise DGNOError(f"{out} is a file; name a folder for the page of the evaluation.")
    out.mkdir(parents=True, exist_ok=True)
    command = _command(data_dir, out_dir, model, device, tile, groups)
    with tempfile.TemporaryDirectory(prefix=".evaluation-", dir=out) as unfinished:
        gallery = Gallery(Path(unfinished))
        scores: list[ModelScores] = []
        total = sum(len(one.rows) for one in judged)
        yield EvaluationStarted(total)
        for one in judged:
            before = sum(len(each.results) for each in scores)
            found = yield from _judge_images(one, gallery, tile, before, total)
            if one.stack_restorer is not None:
                found = yield from _judge_stack(found, one.stack_restorer, stack, gallery)
            scores.append(found)
        yield _put_in_place(gallery, out, scores, command)


def _judge_images(
    candidate: Candidate, gallery: Gallery, tile: int | None, before: int, total: int
) -> Generator[RunEvent, None, ModelScores]:
    """Score the images of one model; `before` of the `total` images are done."""
    results: list[ImageResult] = []
    for event in evaluate_events(candidate.rows, candidate.restorer, tile=tile):
        if isinstance(event, ImageScored):
            results.append(event.result)
            gallery.add_image(event.result, event.pictures)
            yield replace(event, done=before + event.done, total=total)
    if not results:
        return ModelScores("", "")
    model, weights = results[0].model, results[0].weights_sha256
    return ModelScores(model, weights, tuple(results), failures=gallery.failures(model))


def _judge_stack(
    scores: ModelScores, restorer: StackRestorer, folder: Path, gallery: Gallery
) -> Generator[RunEvent, None, ModelScores]:
    """Score the real stack, and add that to the scores of the model."""
    for event in score_stack_events(*read_stack(folder), restorer):
        if isinstance(event, StackScored):
            # As the images call it, so that both stand together.
            event = replace(event, model=scores.model or event.model)
            gallery.add_stack(event)
            scores = replace(
                scores,
                model=event.model,
                weights_sha256=event.weights_sha256,
                planes=event.planes,
                left_out=event.left_out,
            )
        yield event
    return scores


def _command(
    data_dir: Path | str,
    out_dir: Path | str,
    model: str,
    device: str,
    tile: int | None,
    groups: Sequence[str],
) -> str:
    words = ["dgno", "evaluate", "--data", str(data_dir), "--out", str(out_dir)]
    words += ["--model", model] if model != "auto" else []
    words += ["--device", device] if device != "auto" else []
    words += ["--tile", str(tile)] if tile is not None else []
    for group in groups:
        words += ["--group", group]
    return shlex.join(words)


def _put_in_place(
    gallery: Gallery, out: Path, scores: Sequence[ModelScores], command: str
) -> ReportWritten:
    """Draw the pictures, write the texts beside them, then move everything to its place."""
    from dgno_core.version import __version__

    folder = gallery.folder
    drawn = gallery.draw(scores)
    links = {key: f"{FIGURES}/{name}" for key, name in drawn.items()}
    page, numbers = folder / PAGE, folder / NUMBERS
    page.write_text(report_page(scores, links, command, __version__), encoding="utf-8")
    numbers.write_text(report_json(scores, links, command, __version__), encoding="utf-8")
    (out / FIGURES).mkdir(exist_ok=True)
    figures = tuple(_move(folder / name, out / FIGURES) for name in sorted(drawn.values()))
    return ReportWritten(_move(page, out), _move(numbers, out), figures, tuple(scores))


def _move(path: Path, folder: Path) -> Path:
    target = folder / path.name
    os.replace(path, target)
    return target
