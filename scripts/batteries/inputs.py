"""The battery of bad inputs: each must be refused in one line that leaves nothing behind."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from batteries import bad_images, bad_settings, bad_weights  # noqa: F401 - they fill the list
from batteries.bad_settings import unlock
from batteries.bad_weights import MARKER
from batteries.cases import CASES, Case
from batteries.kit import MODEL
from batteries.running import Ended, contents, run

# Loading the libraries takes 3 to 5 CPU seconds and 0.4 GB; what is refused needs little more.
CPU_SECONDS = 20.0
PEAK_MB = 1500.0


@dataclass(frozen=True)
class Answer:
    """What a command answered to a bad input, and which rules that breaks."""

    kind: str
    title: str
    status: int
    sentence: str
    cpu_seconds: float
    peak_mb: float
    broken: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The facts."""
        return asdict(self)


def try_inputs(
    top: Path, model: Path, *, titles: Sequence[str], sample: int | None, seed: int, jobs: int
) -> Iterator[Answer]:
    """Give every bad input to its command.

    Parameters
    ----------
    top
        A folder to work in.
    model
        The tiny model, of which each command gets a copy.
    titles
        Only inputs whose title holds one of these.
    sample
        How many inputs to try; None: all.
    seed
        Chooses them.
    jobs
        How many commands may run at a time.
    """
    cases = [case for case in CASES if any(title in case.title for title in titles or ("",))]
    cases = cases if sample is None else random.Random(seed).sample(cases, sample)
    folders = [top / f"input-{number}" for number in range(len(cases))]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(partial(try_input, model=model), cases, folders)


def try_input(case: Case, place: Path, *, model: Path) -> Answer:
    """Give one bad input to its command, in a new folder."""
    folder = place / "work"
    folder.mkdir(parents=True)
    shutil.copyfile(model, folder / MODEL)
    words = case.prepare(folder)
    before = contents(place)
    ended = run(words, folder)
    after = contents(place)
    for path in folder.rglob("locked"):
        unlock(path)
    shutil.rmtree(place)
    return judge(case, ended, before, after, folder)


def judge(
    case: Case, ended: Ended, before: dict[str, str], after: dict[str, str], folder: Path
) -> Answer:
    """See which rules an answer breaks."""
    lines = ended.err.splitlines()
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    rules = {
        f"status {ended.status}": ended.status == 2,
        "a traceback": "Traceback" not in ended.err,
        f"{len(lines)} lines": len(lines) == 1,
        "something on stdout": not ended.out,
        f"left or changed: {', '.join(changed[:3])}": not changed,
        f"{ended.cpu_seconds:.0f} CPU seconds": ended.cpu_seconds <= CPU_SECONDS,
        f"{ended.peak_mb:.0f} MB": ended.peak_mb <= PEAK_MB,
        "foreign code was run": not any(MARKER in name for name in after),
    }
    sentence = (lines[-1] if lines else ended.out[:300]).replace(f"{folder}/", "")
    return Answer(
        case.kind,
        case.title,
        ended.status,
        sentence.replace(str(folder), "."),
        round(ended.cpu_seconds, 1),
        round(ended.peak_mb),
        tuple(rule for rule, kept in rules.items() if not kept),
    )
