"""The battery of full disks: a file system too small for the result, or a limit on file sizes."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from batteries.cases import Words, restore
from batteries.kills import is_temporary, look_at_run
from batteries.kit import MODEL, write_config, write_stack
from batteries.running import contents, run

STACK = (8, 256, 256)  # 1 MB
SMALL = 600  # kB
# As large as the checkpoint that lies there, and not as a second one beside it.
FOR_ONE_CHECKPOINT = 6000


@dataclass(frozen=True)
class FullDisk:
    """What happened on a full disk."""

    work: str
    means: str
    status: int
    sentence: str
    broken: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The facts."""
        return asdict(self)


@contextlib.contextmanager
def small_disk(folder: Path, size: int = SMALL) -> Iterator[str]:
    """Give a folder a file system of its own where that may be done; say which means it is."""
    done = shutil.which("mount") and os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)],
        check=False, stderr=subprocess.DEVNULL,
    ).returncode  # fmt: skip
    try:
        yield f"a file system of {size / 1000:g} MB" if done else "a limit of 0.2 MB on every file"
    finally:
        if done:
            subprocess.run(["umount", str(folder)], check=True)


def limit_files() -> None:
    """Let this process write no file beyond 200 kB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))


def fill_disks(top: Path, model: Path, *, only: int | None = None) -> Iterator[FullDisk]:
    """Restore and train where the results do not fit; `only` the first few.

    Rules: status 2, one line, and on the disk what was there before; a training may leave what is
    whole (settings, log, pictures, an earlier checkpoint).
    """
    for number, (work, prepare) in enumerate([*WORKS.items()][:only]):
        folder = top / f"disk-{number}"
        disk = folder / "disk"
        disk.mkdir(parents=True)
        shutil.copyfile(model, folder / MODEL)
        size = FOR_ONE_CHECKPOINT if prepare is _resumed else SMALL
        with small_disk(disk, size) as means:
            is_mounted = means.startswith("a file system")
            words = prepare(folder)
            before = contents(disk)
            ended = run(words, folder, prepare=None if is_mounted else limit_files)
            after = contents(disk)
            damaged = look_at_run(disk / "run")[1]
        lines = ended.err.splitlines()
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        if words[0] == "dgno-train":
            # Its lines tell of the progress; the last one of the end. What is whole may stay.
            lines = [line for line in lines if line.startswith("dgno-train:")]
            changed = {name for name in changed if is_temporary(Path(name))} | set(damaged)
        rules = {
            f"status {ended.status}": ended.status == 2,
            "a traceback": "Traceback" not in ended.err,
            f"{len(lines)} lines": len(lines) == 1,
            f"left or changed: {', '.join(sorted(changed))}": not changed,
        }
        sentence = lines[-1] if lines else ended.err[-300:]
        broken = tuple(rule for rule, kept in rules.items() if not kept)
        yield FullDisk(work, means, ended.status, sentence.replace(f"{folder}/", ""), broken)
        shutil.rmtree(folder)


def _new(name: str) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        write_stack(folder / "stack.tif", STACK)
        return restore("stack.tif", "--quiet", out=f"disk/{name}")

    return prepare


def _again(name: str, size: int = 300_000) -> Callable[[Path], Words]:
    """A result lies there that the new one would replace."""

    def prepare(folder: Path) -> Words:
        write_stack(folder / "small.tif", (2, 96, 96))
        ended = run(restore("small.tif", out=f"disk/{name}"), folder)
        if ended.status:
            raise RuntimeError(ended.err)
        (folder / "disk" / "other").write_bytes(bytes(size))
        write_stack(folder / "stack.tif", STACK)
        return restore("stack.tif", "--quiet", "--overwrite", out=f"disk/{name}")

    return prepare


def _training(**sizes: int) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        settings = {"kind": "dgno", "heads": 2, "blocks": [1, 1, 1, 1], "iterations": 1, **sizes}
        write_config(folder, out="disk/run", model=settings)
        return ["dgno-train", "tiny.yaml"]

    return prepare


def _resumed(folder: Path) -> Words:
    """A run lies there; what is left of the disk is too small for its next checkpoint."""
    write_config(folder, steps=2)
    ended = run(["dgno-train", "tiny.yaml"], folder)
    if ended.status:
        raise RuntimeError(ended.err)
    write_config(folder, out="disk/run")
    out = folder / "disk" / "run"
    out.mkdir()
    shutil.copyfile(folder / "run" / "last.pt", out / "last.pt")
    return ["dgno-train", "tiny.yaml", "--resume"]


def _maps(folder: Path) -> Words:
    write_stack(folder / "good.tif", (256, 256))
    return ["dgno", "explain", "maps", "good.tif", "-o", "disk/maps", "--model", MODEL]


WORKS: dict[str, Callable[[Path], Words]] = {
    "restoring into a TIFF": _new("out.ome.tif"),
    "restoring into a zarr": _new("out.zarr"),
    "restoring over an earlier TIFF": _again("out.ome.tif"),
    "restoring over an earlier zarr": _again("out.zarr"),
    "restoring into a folder": _new("results"),
    "training": _training(width=16),
    "resuming a training": _resumed,
    "maps of an operator": _maps,
}
