"""The battery of kills: SIGKILL at random moments of restoring and training."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batteries.cases import restore
from batteries.kit import MODEL, write_config, write_stack
from batteries.running import kill, run, start

STACK = (6, 128, 128)  # some seconds of work for the tiny model
TRAIN = ("dgno-train", "tiny.yaml")
EARLY = 0.15  # share of the kills that come before anything is written


@dataclass(frozen=True)
class Kill:
    """What a kill left, and whether the next run made it good.

    Attributes
    ----------
    work
        What was killed.
    moment
        When, as a share of the time from the first written byte to the end; below 0: before.
    left
        What lay there: nothing, the earlier result, the new one; or the steps of a training.
    hidden
        How many hidden or temporary files the kill left.
    broken
        The rules that were broken.
    """

    work: str
    moment: float
    left: str
    hidden: int
    broken: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The facts."""
        return asdict(self)


def kill_at(
    words: Sequence[str], folder: Path, moment: float, begun: Callable[[], bool], whole: float
) -> bool:
    """Run a command and kill it at a moment of its work, which takes `whole` seconds.

    Returns
    -------
    bool
        Whether it was still running then.
    """
    process = start(words, folder)
    if moment < 0:
        time.sleep(-2 * moment)
    else:
        while process.poll() is None and not begun():
            time.sleep(0.002)
        until = time.monotonic() + moment * whole
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
    is_running = process.poll() is None
    kill(process)
    return is_running


def timed(words: Sequence[str], folder: Path, begun: Callable[[], bool]) -> float:
    """Run a command to its end; seconds from its first written byte."""
    process = start(words, folder)
    while process.poll() is None and not begun():
        time.sleep(0.002)
    first = time.monotonic()
    if process.wait():
        raise RuntimeError(f"{words} ended with {process.returncode}")
    return time.monotonic() - first


def moments(count: int, seed: int) -> list[float]:
    """Draw the moments of the kills."""
    generator = random.Random(seed)
    return [
        -generator.random() if generator.random() < EARLY else generator.random()
        for _ in range(count)
    ]


@dataclass(frozen=True)
class Reference:
    """What restoring gives without a kill, and an earlier result made with other settings."""

    folder: Path
    name: str
    old: NDArray[Any]
    new: NDArray[Any]
    seconds: float


def kill_restoring(top: Path, model: Path, *, count: int, seed: int, jobs: int) -> Iterator[Kill]:
    """Kill `dgno restore` of a stack: into TIFF and zarr, new and with --overwrite.

    After each kill, what has the final name is whole, with the record that belongs to it, and is
    the earlier result or the new one; then the same command restores the stack, and leaves the
    result and its record alone.
    """
    references = [refer(top, model, name) for name in ("out.ome.tif", "out.zarr")]
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(
            lambda number, moment: kill_one(
                top / f"kill-{number}", references[number % 2], number // 2 % 2 == 1, moment
            ),
            range(count),
            moments(count, seed),
        )


def kill_one(folder: Path, reference: Reference, is_old: bool, moment: float) -> Kill:
    """Kill one restoration, look at what it left, and run it again."""
    name = reference.name
    words = [*restore("stack.tif", out=name), *(["--overwrite"] if is_old else [])]
    while True:
        shutil.copytree(reference.folder, folder)
        if not is_old:
            _remove(folder / name)
        before = names(folder)
        begun = partial(_has_more, folder, before)
        if kill_at(words, folder, moment, begun, reference.seconds):
            break
        # It was quicker than the one that was timed: no kill.
        shutil.rmtree(folder)
        moment /= 2
    left, broken = _look(folder, reference)
    if is_old and left == "nothing":
        broken.append("the earlier result is gone")
    hidden = len({path for path in names(folder) - before if path.startswith(".")})
    again = words if is_old or left == "nothing" else [*words, "--overwrite"]
    ended = run(again, folder)
    if ended.status:
        broken.append(f"the next run failed: {ended.err.strip()}")
    final, faults = _look(folder, reference)
    if final != "the new result":
        broken.append(f"the next run left {final}")
    broken += [f"after the next run: {fault}" for fault in faults]
    if rest := {path.name for path in folder.iterdir()} - {
        "stack.tif",
        MODEL,
        name,
        f"{name}.json",
    }:
        broken.append(f"left for good: {', '.join(sorted(rest))}")
    shutil.rmtree(folder)
    how = "over an earlier result" if is_old else "new"
    kind = "zarr" if name.endswith(".zarr") else "TIFF"
    return Kill(f"restoring into a {kind}, {how}", round(moment, 3), left, hidden, tuple(broken))


def _has_more(folder: Path, before: set[str]) -> bool:
    return bool(names(folder) - before)


def names(folder: Path) -> set[str]:
    """Names of all that is in a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def refer(top: Path, model: Path, name: str) -> Reference:
    """Make an earlier result with other settings, and the new one, uninterrupted."""
    earlier, whole = top / f"earlier-{name}", top / f"whole-{name}"
    for folder in (earlier, whole):
        folder.mkdir()
        write_stack(folder / "stack.tif", STACK)
        shutil.copyfile(model, folder / MODEL)
    ended = run(restore("stack.tif", "--normalise", "plane", out=name), earlier)
    if ended.status:
        raise RuntimeError(ended.err)
    inputs = names(whole)
    words = list(restore("stack.tif", out=name))
    seconds = timed(words, whole, lambda: bool(names(whole) - inputs))
    return Reference(earlier, name, pixels(earlier / name), pixels(whole / name), seconds)


def _look(folder: Path, reference: Reference) -> tuple[str, list[str]]:
    """Say what has the final name, and what is wrong with it."""
    from dgno_core.io import read_beside

    name = reference.name
    path = folder / name
    if not path.exists():
        return "nothing", []
    try:
        found = pixels(path)
    except Exception as error:  # whatever a damaged file raises is the finding
        return "a damaged result", [f"{name} cannot be read: {error}"]
    known = {
        "stack": ("the new result", reference.new),
        "plane": ("the earlier result", reference.old),
    }
    matches = [key for key, (_, image) in known.items() if np.array_equal(found, image)]
    if not matches:
        return "other pixels", [f"{name} is neither the earlier nor the new result"]
    left = known[matches[0]][0]
    record = read_beside(path)
    if record is None:
        return left, [f"{left} has no record"]
    if record.settings["normalise"] != matches[0]:
        return left, [f"{left} has the record of another"]
    return left, []


def pixels(path: Path) -> NDArray[Any]:
    """Read all pixels of a result."""
    from dgno_core.io import read_image

    source = read_image(path)
    return source.read((slice(None),) * len(source.shape))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    path.with_name(f"{path.name}.json").unlink()


def kill_training(top: Path, *, count: int, seed: int, jobs: int) -> Iterator[Kill]:
    """Kill `dgno-train`; every file it left is whole, and resuming gives the uninterrupted run's.

    The next run resumes where there is a checkpoint, and begins anew where there is none.
    """
    whole = top / "train-whole"
    whole.mkdir()
    write_config(whole)
    seconds = timed(TRAIN, whole, (whole / "run").exists)
    expected = (whole / "run" / "tiny-run.safetensors").read_bytes()
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(
            lambda number, moment: kill_one_training(
                top / f"train-{number}", moment, seconds, expected
            ),
            range(count),
            moments(count, seed + 1),
        )


def kill_one_training(folder: Path, moment: float, seconds: float, expected: bytes) -> Kill:
    """Kill one training, look at what it left, and run it again."""
    out = folder / "run"
    while True:
        folder.mkdir()
        write_config(folder)
        if kill_at(TRAIN, folder, moment, out.exists, seconds):
            break
        shutil.rmtree(folder)
        moment /= 2
    left, broken = look_at_run(out)
    hidden = sum(map(is_temporary, out.rglob("*"))) if out.exists() else 0
    ended = run([*TRAIN, "--resume"] if (out / "last.pt").exists() else TRAIN, folder)
    if ended.status:
        broken.append(f"the next run failed: {ended.err.strip().splitlines()[-1]}")
    elif (out / "tiny-run.safetensors").read_bytes() != expected:
        broken.append("the weights are not those of an uninterrupted run")
    if rest := [path.name for path in out.rglob("*") if is_temporary(path)]:
        broken.append(f"left for good: {', '.join(rest)}")
    shutil.rmtree(folder)
    return Kill("training", round(moment, 3), left, hidden, tuple(broken))


def is_temporary(path: Path) -> bool:
    """Whether a file is one that a run should not leave."""
    return path.name.startswith(".") or path.suffix in (".part", ".partial", ".tmp")


def look_at_run(out: Path) -> tuple[str, list[str]]:
    """Say how far a run came, and which of its files are damaged."""
    import torch

    from dgno_core.models import load_model

    broken = []
    for path in out.glob("*.safetensors"):
        try:
            load_model(path, "cpu")
        except Exception as error:  # whatever a damaged file raises is the finding
            broken.append(f"{path.name} cannot be read: {error}")
    if not (out / "last.pt").exists():
        return "no checkpoint", broken
    if (out / "tiny-run.safetensors").exists():
        return "the finished run", broken
    try:
        step = int(torch.load(out / "last.pt", weights_only=True)["step"])
    except Exception as error:
        return "a damaged checkpoint", [*broken, f"last.pt cannot be read: {error}"]
    return f"a checkpoint of step {step}", broken
