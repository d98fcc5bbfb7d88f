"""One call for one evaluation; `run_public_evaluation` reports on the way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dgno_core.evaluation.run import ReportWritten, run_public_evaluation


def evaluate(
    data: Path | str,
    out: Path | str,
    *,
    model: Path | str = "auto",
    device: str = "auto",
    tile: int | None = None,
    model_folder: Path | None = None,
    groups: Sequence[str] = (),
) -> ReportWritten:
    """Score models on images with known blur, as `dgno evaluate` does.

    Parameters
    ----------
    data
        Folder that holds ``EVAL.tsv`` and the images it names.
    out
        Folder of the page and its pictures; made where it is missing.
    model
        Name or file of weights, ``"auto"`` for those that restoring takes by default, or ``"all"``.
    device, tile, model_folder
        As in `dgno_core.restore`.
    groups
        Only these groups of images; empty means all.

    Returns
    -------
    ReportWritten
        `scores` of each model, `results` of each image (``gain`` is the PSNR won, in dB), and the
        files of the report: `page`, `numbers`, `figures`.

    Raises
    ------
    DGNOError
        If the data folder is not complete, no image belongs to `groups`, or `out` is a file.
    """
    *_, last = run_public_evaluation(
        data,
        out,
        model=str(model),
        device=device,
        tile=tile,
        model_folder=model_folder,
        groups=groups,
    )
    assert isinstance(last, ReportWritten)
    return last
