"""Settings, outputs and commands that make no sense."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from batteries.bad_weights import Payload
from batteries.cases import Words, case, restore
from batteries.kit import write_config, write_stack


def option(title: str, *more: str, out: str = "out.tif", model: str | None = None) -> None:
    """Add `dgno restore` of a good image with options that make no sense."""

    def prepare(folder: Path) -> Words:
        write_stack(folder / "good.tif")
        return restore("good.tif", *more, out=out, model=model)

    case("output" if out != "out.tif" else "settings", title)(prepare)


option("-o ''", out="")
option("output of an unknown kind", out="out.docx")
option("output that is the input", "--overwrite", out="good.tif")
option("output below a file", out="good.tif/out.tif")
option("output below a file, as a folder", out="good.tif/results")
option("--model of blanks", model=" ")
option("a device that does not exist", "--device", "abacus")
option("a GPU that is not there", "--device", "cuda:99")
option("a tile of 33 pixels", "--tile", "33")
option("a negative tile", "--tile", "-64")
option("a tile that is no number", "--tile", "nan")
option("a memory share of NaN", "--memory-share", "nan")
option("a negative memory share", "--memory-share", "-0.5")
option("a model folder that is missing", "--model-folder", "nowhere")
option("an option that does not exist", "--colour")


@case("settings", "--model ''")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    return ["dgno", "restore", "good.tif", "-o", "out.tif", "--model", ""]


@case("output", "a result that exists")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    (folder / "out.tif").write_bytes(b"earlier result")
    return restore("good.tif")


@case("output", "three results of ten that exist")
def _(folder: Path) -> Words:
    names = [f"{i}.tif" for i in range(10)]
    for name in names:
        write_stack(folder / name)
    (folder / "d").mkdir()
    for i in (2, 5, 7):
        (folder / "d" / f"{i}.ome.tif").write_bytes(b"earlier result")
    return restore(names[0], *names[1:], out="d")


@case("output", "two images of one name")
def _(folder: Path) -> Words:
    for name in ("a.tif", "a.tiff"):
        write_stack(folder / name)
    return restore("a.tif", "a.tiff", out="d")


@case("output", "the user's own folder named like a zarr")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    (folder / "mine.zarr").mkdir()
    (folder / "mine.zarr" / "notes.txt").write_text("mine")
    return restore("good.tif", "--overwrite", out="mine.zarr")


@case("output", "a folder that is read-only")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    (folder / "locked").mkdir()
    lock(folder / "locked")
    return restore("good.tif", out="locked/out.tif")


def lock(folder: Path) -> None:
    """Make a folder read-only; permissions do not bind root, a flag of the file system does."""
    if os.geteuid() == 0 and shutil.which("chattr"):
        subprocess.run(["chattr", "+i", str(folder)], check=True)
    else:
        folder.chmod(0o555)


def unlock(folder: Path) -> None:
    """Undo `lock`."""
    if os.geteuid() == 0 and shutil.which("chattr"):
        subprocess.run(["chattr", "-i", str(folder)], check=True)
    else:
        folder.chmod(0o755)


def training(title: str, *more: str) -> Callable[[Callable[[Path], Any]], Any]:
    """Add a training; the function changes the folder in which a good config lies."""

    def decorate(change: Callable[[Path], Any]) -> Any:
        def prepare(folder: Path) -> Words:
            write_config(folder)
            change(folder)
            return ["dgno-train", "tiny.yaml", *more]

        return case("settings", f"training: {title}")(prepare)

    return decorate


def setting(*overrides: str, dry_run: bool = False) -> None:
    """Add a training with settings that make no sense."""
    words = [word for override in overrides for word in ("--set", override)]
    more = [*words, "--dry-run"] if dry_run else words
    training(" ".join([*overrides, *(["--dry-run"] if dry_run else [])]), *more)(lambda _: None)


setting("batch=100000000", dry_run=True)
setting("batch=100000000")
setting("crop=10000000", dry_run=True)
setting("steps=true")
setting("steps=-1")
setting("steps=1e400")
setting("optim.lr=.inf")
setting("optim.lr=.nan")
setting("engine.workers=100000")
setting("engine.device=abacus")
setting("engine.devices=1000")
setting("model.width=10000000", dry_run=True)
setting("crop=33")
setting("stesp=3")
setting("data.sources=[]")
setting("name=../../evil")
setting("steps")


@training("--resume without a checkpoint", "--resume")
def _(folder: Path) -> None:
    pass


@training("--resume from a pickle that would run code", "--resume")
def _(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "last.pt").write_bytes(pickle.dumps(Payload()))


@training("--resume from a damaged checkpoint", "--resume")
def _(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "last.pt").write_bytes(b"PK\x03\x04" + bytes(1000))


@training("YAML nested 3,000 deep")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("a: " + "[" * 3000 + "]" * 3000)


@training("YAML bomb of aliases")
def _(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    (folder / "tiny.yaml").write_text("\n".join(lines))


@training("a config that extends itself")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("extends: tiny.yaml\n")


@training("a config that extends itself by a detour")
def _(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "tiny.yaml").write_text("extends: sub/../tiny.yaml\n")


@training("YAML that would run code")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("steps: !!python/object/apply:os.system ['touch EXECUTED']\n")


@training("a config that is a folder")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").unlink()
    (folder / "tiny.yaml").mkdir()


@training("a config of bytes")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").write_bytes(bytes(range(256)))


@training("an empty config")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").write_text("")


@training("images that are missing")
def _(folder: Path) -> None:
    (folder / "2.png").unlink()


@training("a list of nothing")
def _(folder: Path) -> None:
    (folder / "list.txt").write_text("\n")


@training("an image cut off")
def _(folder: Path) -> None:
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:500])


@training("starting from a pickle", "--set", "start=evil.safetensors")
def _(folder: Path) -> None:
    (folder / "evil.safetensors").write_bytes(pickle.dumps(Payload()))


@training("results below a file", "--set", "out=list.txt/run")
def _(folder: Path) -> None:
    pass


@training("results in a read-only folder", "--set", "out=locked/run")
def _(folder: Path) -> None:
    (folder / "locked").mkdir()
    lock(folder / "locked")


@training("no config of that name")
def _(folder: Path) -> None:
    (folder / "tiny.yaml").unlink()


def command(title: str, *words: str) -> None:
    """Add another command; `good.tif` and `nan.tif` lie in the folder."""

    def prepare(folder: Path) -> Words:
        write_stack(folder / "good.tif", (64, 64))
        pixels = np.full((64, 64), np.nan, np.float32)
        tifffile.imwrite(folder / "nan.tif", pixels)
        return words

    case("command", title)(prepare)


command("a command that does not exist", "dgno", "restor")
command("checking a data set of unknown name", "dgno", "data", "check", "cifar", ".")
command("checking an empty folder", "dgno", "data", "check", "bbbc006-w1", "good.tif")
command("fetching planes that do not exist", "dgno", "data", "fetch", "bbbc006", "-o", "d",
        "--planes", "99")  # fmt: skip
command("fetching into a file", "dgno", "data", "fetch", "bbbc006", "-o", "good.tif")
command("evaluating on an empty folder", "dgno", "evaluate", "--data", ".", "--out", "d")
command("the demo into a file", "dgno", "demo", "--out", "good.tif")
command("the card of an unknown model", "dgno", "models", "--card", "dgno-huge")
command("two-channel networks", "dgno", "models", "--table", "--channels", "2")
command("maps of an image of NaN", "dgno", "explain", "maps", "nan.tif", "-o", "d")
command("maps of an operator that is not there", "dgno", "explain", "maps", "good.tif", "-o", "d",
        "--iteration", "99")  # fmt: skip
command("maps of a region outside", "dgno", "explain", "maps", "good.tif", "-o", "d", "--region",
        "900:950,0:64")  # fmt: skip
command("attribution of half a box", "dgno", "explain", "lam", "good.tif", "-o", "d",
        "--window", "1,2")  # fmt: skip
command("attribution of a box outside", "dgno", "explain", "lam", "good.tif", "-o", "d",
        "--window", "500,500,16")  # fmt: skip
command("attribution with a blur of NaN", "dgno", "explain", "lam", "good.tif", "-o", "d",
        "--window", "8,8,16", "--sigma", "nan")  # fmt: skip
command("attribution in -1 steps", "dgno", "explain", "lam", "good.tif", "-o", "d",
        "--window", "8,8,16", "--steps", "-1")  # fmt: skip
command("trust in a channel that is not there", "dgno", "explain", "trust", "good.tif", "-o", "d",
        "--channel", "7")  # fmt: skip
command("comparing images of two sizes", "dgno", "explain", "compare", "good.tif", "nan.tif",
        "-o", "good.tif")  # fmt: skip
command("ranks of a plane that is not there", "dgno", "explain", "rank", "good.tif", "-o", "d",
        "--plane", "5")  # fmt: skip
command("objects with an overlap of NaN", "dgno", "detect", "good.tif", "-o", "d",
        "--iou", "nan")  # fmt: skip
