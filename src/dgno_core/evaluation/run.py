"""One call makes the whole evaluation page: table, pictures, JSON."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from dgno_core.errors import DGNOError
from dgno_core.evaluation.fidelity import Score
from dgno_core.evaluation.figures import (
    Panel,
    display_window,
    error_map,
    error_panel,
    row_figure,
    save_picture,
    spot_figure,
    to_display,
    worst_box,
)
from dgno_core.evaluation.protocol import (
    EvaluationEvent,
    ImageResult,
    ImageScored,
    Pictures,
    evaluate_events,
)
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.evaluation.report import TITLES, report_json, report_page
from dgno_core.evaluation.restorer import Restorer, packaged_restorer

PAGE, NUMBERS, FIGURES = "evaluation.md", "evaluation.json", "figures"
SPOT_SIDE = 96  # px of the magnified spot


@dataclass(frozen=True)
class ReportWritten:
    """The page, its numbers and its pictures are in place."""

    page: Path
    numbers: Path
    figures: tuple[Path, ...]
    results: tuple[ImageResult, ...]


RunEvent: TypeAlias = EvaluationEvent | ReportWritten


def run_public_evaluation(
    data_dir: Path | str,
    out_dir: Path | str,
    *,
    model: str = "auto",
    device: str = "auto",
    tile: int | None = None,
    model_folder: Path | None = None,
    groups: Sequence[str] = (),
    restorer: Restorer | None = None,
) -> Generator[RunEvent, None, None]:
    """Evaluate on the public set and write ``evaluation.md``, ``evaluation.json``, ``figures/``.

    Closing the generator early leaves `out_dir` as it was.

    Parameters
    ----------
    data_dir
        Folder that holds ``EVAL.tsv``.
    out_dir
        Folder of the page, made where it is missing; files of an earlier run are replaced.
    model, device, tile, model_folder
        As in `dgno_core.inference.RestoreConfig`.
    groups
        Only these groups (``"bbbc039"``, ...); empty means all.
    restorer
        Judge this instead of `model`.

    Yields
    ------
    The events of `evaluate_events`, then one `ReportWritten`.

    Raises
    ------
    DGNOError
        If the data folder is not complete, or no image belongs to `groups`.
    """
    rows = [row for row in read_public_set(data_dir) if not groups or row.group in groups]
    if not rows:
        raise DGNOError(f"No image of {data_dir} belongs to {', '.join(groups)}.")
    judged = packaged_restorer(model, device, model_folder) if restorer is None else restorer
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    results: list[ImageResult] = []
    least: dict[str, tuple[ImageResult, Pictures]] = {}
    links: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix=".evaluation-", dir=out) as unfinished:
        folder = Path(unfinished)
        for event in evaluate_events(rows, judged, tile=tile):
            if isinstance(event, ImageScored):
                result = event.result
                results.append(result)
                links[result.name] = f"{FIGURES}/{result.name}.jpg"
                draw_row(result, event.pictures, folder / f"{result.name}.jpg")
                if result.group not in least or result.gain < least[result.group][0].gain:
                    least[result.group] = result, event.pictures
            yield event
        for group, (result, pictures) in least.items():
            links[f"{group}/worst"] = f"{FIGURES}/{group}-worst.jpg"
            draw_worst(result, pictures, folder / f"{group}-worst.jpg")
        command = _command(data_dir, out_dir, model, device, tile, groups)
        yield _put_in_place(folder, out, results, links, command)


def draw_row(result: ImageResult, pictures: Pictures, path: Path) -> Path:
    """Draw sharp, blurred, the better deconvolution, ours and the error, side by side."""
    panels = _panels(result, pictures)
    shown = [panels[name] for name in ("sharp", "blurred", _better_classic(result), "ours")]
    return save_picture(
        row_figure([*shown, error_panel(pictures["sharp"], pictures["ours"])]), path
    )


def draw_worst(result: ImageResult, pictures: Pictures, path: Path) -> Path:
    """Draw our result at full size, and the spot where it is most wrong in all versions."""
    panels = _panels(result, pictures)
    box = worst_box(error_map(pictures["sharp"], pictures["ours"]), SPOT_SIDE)
    spots = [panels[name] for name in ("sharp", "blurred", _better_classic(result), "ours")]
    return save_picture(spot_figure(panels["ours"], spots, box), path)


def _panels(result: ImageResult, pictures: Pictures) -> dict[str, Panel]:
    window = display_window(pictures["sharp"])
    panels = {"sharp": Panel("sharp", result.name, to_display(pictures["sharp"], window))}
    for method, title in TITLES.items():
        note = _note(result.scores[method])
        panels[method] = Panel(title, note, to_display(pictures[method], window))
    return panels


def _better_classic(result: ImageResult) -> str:
    return max(("wiener", "richardson_lucy"), key=lambda method: result.scores[method].psnr)


def _note(score: Score) -> str:
    return f"{score.psnr:.2f} dB, SSIM {score.ssim:.3f}"


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
    folder: Path, out: Path, results: list[ImageResult], links: Mapping[str, str], command: str
) -> ReportWritten:
    """Write the texts beside the finished pictures, then move everything to its place."""
    from dgno_core import __version__

    drawn = sorted(folder.glob("*.jpg"))
    page, numbers = folder / PAGE, folder / NUMBERS
    page.write_text(report_page(results, links, command, __version__), encoding="utf-8")
    numbers.write_text(report_json(results, command, __version__), encoding="utf-8")
    (out / FIGURES).mkdir(exist_ok=True)
    figures = tuple(_move(path, out / FIGURES) for path in drawn)
    return ReportWritten(_move(page, out), _move(numbers, out), figures, tuple(results))


def _move(path: Path, folder: Path) -> Path:
    target = folder / path.name
    os.replace(path, target)
    return target
