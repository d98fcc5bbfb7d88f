"""Where each restored image goes, decided and checked before any work begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgno_core.errors import DGNOError

ENDINGS = (".ome.tiff", ".ome.tif", ".ome.zarr", ".tiff", ".tif", ".zarr", ".png", ".jpeg", ".jpg")


@dataclass(frozen=True)
class Job:
    """One image to restore and the file to write."""

    source: Path
    target: Path


def plan_outputs(inputs: Sequence[Path], output: Path, *, overwrite: bool = False) -> list[Job]:
    """Give every input its output.

    Parameters
    ----------
    inputs
        Image files, zarr stores or folders of planes.
    output
        A file for one input; a folder, made when missing, for several inputs. A name without an
        ending is a folder for one input too, so that `*.tif` means the same for any number.
    overwrite
        Allow outputs that exist already.

    Returns
    -------
    list[Job]
        In the order of the inputs.

    Raises
    ------
    DGNOError
        An input is missing, an output exists, two outputs are the same, or a file stands where
        the folder should be.
    """
    for source in inputs:
        if not source.exists():
            raise DGNOError(f"{source} does not exist; check the name of the file or folder.")
    is_folder = (output.is_dir() and output.suffix != ".zarr") or not output.suffix
    if len(inputs) == 1 and not is_folder:
        jobs = [Job(inputs[0], output)]
    else:
        is_named_like_a_file = output.suffix and output.name.lower().endswith(ENDINGS)
        if is_named_like_a_file and output.is_dir():
            raise DGNOError(
                f"{output} is a folder, though named like a file; give another name to -o."
            )
        if is_named_like_a_file:
            raise DGNOError(
                f"{len(inputs)} images cannot go into the one file {output}; give a folder to -o."
            )
        if output.exists() and not output.is_dir():
            raise DGNOError(f"{output} is a file; give a folder to -o for several images.")
        jobs = [Job(source, output / restored_name(source)) for source in inputs]
    _check(jobs, overwrite)
    return jobs


def restored_name(source: Path) -> str:
    """Name the result of an input in a folder: a zarr store stays one, all else is OME-TIFF."""
    name = source.resolve().name
    lower = name.lower()
    stem = next((name[: -len(end)] for end in ENDINGS if lower.endswith(end)), None)
    if stem is None:
        stem = name if source.is_dir() else source.stem
    return stem + (".ome.zarr" if lower.endswith(".zarr") else ".ome.tif")


def _check(jobs: Sequence[Job], overwrite: bool) -> None:
    from dgno_core.io.provenance import beside
    from dgno_core.io.targets import is_foreign_folder, is_foreign_record

    counts = Counter(job.target for job in jobs)
    for job in jobs:
        if counts[job.target] > 1:
            if job.target.exists():
                _check_for_earlier_result(job, jobs)
            twins = " and ".join(str(other.source) for other in jobs if other.target == job.target)
            raise DGNOError(f"{twins} would both be written to {job.target}; restore them apart.")
        for other in jobs:
            if job.target.exists() and job.target.resolve() == other.source.resolve():
                raise DGNOError(f"{job.target} is an input and stays as it is; change -o.")
        if is_foreign_folder(job.target):
            raise DGNOError(
                f"{job.target} is a folder that is no zarr image; give another name to -o."
            )
        if job.target.exists() and not overwrite:
            raise DGNOError(f"{job.target} exists already; add --overwrite or change -o.")
        if is_foreign_record(job.target) and not overwrite:
            raise DGNOError(
                f"{beside(job.target)} exists already; add --overwrite or give another name to -o."
            )


def _check_for_earlier_result(job: Job, jobs: Sequence[Job]) -> None:
    """Say so if an input is what another one would be restored to."""
    for other in jobs:
        if other.source.resolve() == job.target.resolve() and other.target == job.target:
            raise DGNOError(
                f"{other.source} is an input, but probably an earlier result; leave it out, or "
                "give another folder to -o."
            )
