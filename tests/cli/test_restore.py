from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import dgno_core
from dgno_core.cli.progress import Bar
from dgno_core.io import read_beside

Dgno = Callable[..., Any]


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """Write three planes of 96 x 80 uint16 pixels: two tiles of the tiny model along Y."""
    rng = np.random.default_rng(0)
    planes = rng.integers(100, 4000, (3, 96, 80)).astype(np.uint16)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, planes, metadata={"axes": "ZYX"}, ome=True)
    return path


@pytest.fixture
def restore(dgno: Dgno, model_folder: Path) -> Dgno:
    """Return `dgno restore` with the tiny model on the CPU."""
    model = model_folder / "tiny-grey.safetensors"

    def call(*words: object) -> Any:
        return dgno("restore", *words, "--model", model, "--device", "cpu")

    return call


def test_a_stack_is_restored_into_a_file(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.ome.tif"
    ended = restore(stack, "-o", target)
    # Without a terminal, progress is told in lines where the work takes some seconds.
    said = [line for line in ended.err.splitlines() if not line.startswith("stack.tif: ")]
    assert (ended.status, ended.out, said) == (0, f"{target}\n", [])
    before, after = tifffile.imread(stack), tifffile.imread(target)
    assert (after.shape, after.dtype) == (before.shape, before.dtype)
    assert (after != before).mean() > 0.5


def test_the_shell_gives_the_pixels_of_python(
    restore: Dgno, stack: Path, tmp_path: Path, model_folder: Path
) -> None:
    restore(stack, "-o", tmp_path / "out.tif", "--tile", 64)
    expected = dgno_core.restore(
        tifffile.imread(stack),
        model=str(model_folder / "tiny-grey.safetensors"),
        axes="ZYX",
        device="cpu",
        tile=64,
    )
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), expected)


def test_the_recorded_command_gives_the_same_pixels(
    restore: Dgno, dgno: Dgno, stack: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.tif"
    restore(stack, "-o", target, "--normalise", "plane", "--axes", "TYX")
    first = tifffile.imread(target)
    record = read_beside(target)
    assert record is not None
    command = shlex.split(record.command)
    assert command[:2] == ["dgno", "restore"]
    target.unlink()
    assert dgno(*command[1:]).status == 0
    np.testing.assert_array_equal(tifffile.imread(target), first)


def test_a_warning_names_its_image_once(restore: Dgno, tmp_path: Path) -> None:
    path = tmp_path / "rgb16.tif"
    pixels = np.random.default_rng(0).integers(100, 4000, (96, 80, 3)).astype(np.uint16)
    tifffile.imwrite(path, pixels, photometric="rgb")
    ended = restore(path, "-o", tmp_path / "out.tif")
    warnings = [line for line in ended.err.splitlines() if "is RGB, but not 8-bit" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("rgb16.tif is RGB")


def test_a_folder_that_takes_nothing_is_told_as_such(restore: Dgno, stack: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs the folder in which Linux shows its processes")
    ended = restore(stack, "-o", "/proc/out.tif")
    assert ended.status == 2
    assert "nothing can be written in /proc; choose another place" in ended.err


def test_several_images_go_into_a_folder(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    plane = tmp_path / "plane.tif"
    tifffile.imwrite(plane, tifffile.imread(stack)[0])
    out = tmp_path / "restored"
    ended = restore(stack, plane, "-o", out)
    assert ended.status == 0
    assert ended.out.splitlines() == [str(out / "stack.ome.tif"), str(out / "plane.ome.tif")]
    assert sorted(path.name for path in out.iterdir()) == [
        "plane.ome.tif",
        "plane.ome.tif.json",
        "stack.ome.tif",
        "stack.ome.tif.json",
    ]


def test_one_bad_image_does_not_stop_the_others(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(stack.read_bytes()[:2000])
    last = tmp_path / "last.tif"
    tifffile.imwrite(last, tifffile.imread(stack)[0])
    ended = restore(bad, stack, last, "-o", tmp_path / "restored")
    assert ended.status == 2
    assert len(ended.out.splitlines()) == 2
    complaint, summary = ended.err.splitlines()
    assert "bad.tif" in complaint
    assert summary == "dgno: 2 restored, 0 skipped, 1 failed"
    assert not list((tmp_path / "restored").glob("*bad*"))


def test_where_nothing_succeeds_nothing_is_left(restore: Dgno, tmp_path: Path) -> None:
    for name in ("one.tif", "two.tif"):
        (tmp_path / name).write_bytes(b"no image")
    ended = restore(tmp_path / "one.tif", tmp_path / "two.tif", "-o", tmp_path / "restored")
    assert (ended.status, ended.out) == (2, "")
    assert not (tmp_path / "restored").exists()


def not_finite(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.astype(np.float32)
    pixels[2, 40, 40] = np.nan
    return pixels


@pytest.mark.parametrize(
    ("change", "words", "complaint"),
    [
        (not_finite, [], "NaN"),
        (lambda pixels: pixels[:, :8], [], "16"),
        (lambda pixels: pixels, ["--axes", "YX"], "axes"),
        (lambda pixels: pixels, ["--axes", "QYX"], "QYX"),
        (lambda pixels: pixels, ["--tile", "33"], "33"),
        (lambda pixels: pixels, ["--memory-share", "2"], "memory"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    change: Callable[[np.ndarray], np.ndarray],
    words: list[str],
    complaint: str,
    restore: Dgno,
    stack: Path,
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.tif"
    pixels = change(tifffile.imread(stack))
    tifffile.imwrite(bad, pixels, photometric="minisblack", metadata={"axes": "ZYX"})
    before = sorted(tmp_path.iterdir())
    ended = restore(bad, "-o", tmp_path / "out.tif", *words)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert complaint in ended.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--device", "abacus"], "abacus"),
        (["--model", "tiny-gray"], "tiny-gray"),
        (["--model", "nowhere.safetensors"], "nowhere.safetensors"),
    ],
)
def test_a_model_or_device_that_is_not_there_is_one_line(
    words: list[str], complaint: str, dgno: Dgno, stack: Path, tmp_path: Path, model_folder: Path
) -> None:
    words = ["--model", "tiny-grey", "--model-folder", str(model_folder), *words]
    ended = dgno("restore", stack, "-o", tmp_path / "out.tif", *words)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert complaint in ended.err


def test_ctrl_c_leaves_the_old_result(
    restore: Dgno, stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    target = tmp_path / "out.tif"
    target.write_bytes(b"old")
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(Bar, "update", interrupt)
    ended = restore(stack, "-o", target, "--overwrite")
    assert (ended.status, ended.out) == (130, "")
    assert "Traceback" not in ended.err
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(
    number: signal.Signals, stack: Path, tmp_path: Path, model_folder: Path
) -> None:
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from dgno_core.cli import app, progress\n"
        "real = progress.Bar.update\n"
        "def update(self, done, total, note=''):\n"
        "    real(self, done, total, note)\n"
        f"    if done == 2: os.kill(os.getpid(), {int(number)})\n"
        "progress.Bar.update = update\n"
        "app.main()\n"
    )
    out = tmp_path / "restored"
    words = ["restore", stack, "-o", out, "--model", model_folder / "tiny-grey.safetensors"]
    command = [sys.executable, "-c", script, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_the_record_of_a_result_that_is_gone_is_replaced(
    restore: Dgno, stack: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.tif"
    assert restore(stack, "-o", target).status == 0
    target.unlink()
    assert restore(stack, "-o", target, "--normalise", "plane").status == 0
    record = read_beside(target)
    assert record is not None
    assert record.settings["normalise"] == "plane"


def test_a_second_run_skips_what_is_done(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    plane = tmp_path / "plane.tif"
    tifffile.imwrite(plane, tifffile.imread(stack)[0])
    out = tmp_path / "restored"
    assert restore(stack, "-o", out).status == 0
    ended = restore(stack, plane, "-o", out)
    assert (ended.status, ended.out) == (2, "")
    assert "stack.ome.tif exists already; add --skip-existing or --overwrite" in ended.err
    ended = restore(stack, plane, "-o", out, "--skip-existing")
    assert (ended.status, ended.out) == (0, f"{out / 'plane.ome.tif'}\n")
    assert ended.err.splitlines()[-1] == "dgno: 1 restored, 1 skipped, 0 failed"


def test_all_that_exists_is_named_before_work_begins(
    restore: Dgno, stack: Path, tmp_path: Path
) -> None:
    copies = [tmp_path / f"{name}.tif" for name in "abcd"]
    for copy in copies:
        copy.write_bytes(stack.read_bytes())
    out = tmp_path / "restored"
    assert restore(copies[0], copies[2], "-o", out).status == 0
    ended = restore(*copies, "-o", out)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "a.ome.tif and" in ended.err
    assert "c.ome.tif exist already" in ended.err
    ended = restore(*copies, "-o", out, "--skip-existing", "--tile", 128)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert ended.err.count("made with tile 64") == 2
    assert "were made otherwise; add --overwrite" in ended.err
    ended = restore(*copies, "-o", out, "--skip-existing", "--overwrite", "--tile", 128)
    assert ended.status == 0
    assert "a.tif: made anew" in ended.err
    assert ended.err.splitlines()[-1] == "dgno: 4 restored, 0 skipped, 0 failed"


def test_json_is_one_object_a_line_and_image(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no image")
    plane = tmp_path / "plane.tif"
    tifffile.imwrite(plane, np.zeros((40, 40), np.uint16))
    out = tmp_path / "restored"
    assert restore(stack, "-o", out).status == 0
    ended = restore(stack, bad, plane, "-o", out, "--skip-existing", "--json", "--quiet")
    assert ended.status == 2
    skipped, failed, restored = map(json.loads, ended.out.splitlines())
    assert skipped == {
        "input": str(stack), "output": str(out / "stack.ome.tif"), "status": "skipped",
    }  # fmt: skip
    assert (failed["status"], "bad.tif" in failed["error"]) == ("failed", True)
    assert (restored["status"], restored["tile"], restored["device"]) == ("restored", 64, "cpu")
    assert restored["model"].endswith("tiny-grey.safetensors")
    assert len(restored["weights_sha256"]) == 64
    assert restored["seconds"] > 0
    assert any("constant" in warning for warning in restored["warnings"])
    # Quiet: of all that is said, only what went wrong.
    assert len(ended.err.splitlines()) == 2


def test_quiet_says_nothing_where_all_is_well(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    constant = tmp_path / "constant.tif"
    tifffile.imwrite(constant, np.zeros((40, 40), np.uint16))
    ended = restore(stack, constant, "-o", tmp_path / "d", "-q")
    assert (ended.status, ended.out, ended.err) == (0, "", "")


def test_a_dry_run_tells_all_and_writes_nothing(restore: Dgno, stack: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    ended = restore(stack, "-o", tmp_path / "out.tif", "--dry-run")
    assert (ended.status, ended.err) == (0, "")
    for words in ("ZYX 3 x 96 x 80, uint16", "on cpu", "12 of at most 64 pixels, in 3 planes"):
        assert words in ended.out
    assert "memory  about" in ended.out
    assert "one tile timed" in ended.out
    plan = json.loads(restore(stack, "-o", tmp_path / "out.tif", "--dry-run", "--json").out)
    assert (plan["status"], plan["axes"], plan["tiles"]) == ("planned", "ZYX", 12)
    assert plan["bytes"] > 0
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_reader_that_goes_stops_no_image(stack: Path, tmp_path: Path, model_folder: Path) -> None:
    copies = [tmp_path / f"{name}.tif" for name in "abc"]
    for copy in copies:
        tifffile.imwrite(copy, tifffile.imread(stack)[0, :32, :32])
    out = tmp_path / "restored"
    words = ["restore", *copies, "-o", out, "--model", model_folder / "tiny-grey.safetensors"]
    done = run_without_a_reader(words)
    assert (done.returncode, done.stderr) == (0, "dgno: 3 restored, 0 skipped, 0 failed\n")
    assert len(list(out.glob("*.ome.tif"))) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_other_commands_end_quietly_without_a_reader() -> None:
    done = run_without_a_reader(["data", "list"])
    assert (done.returncode, done.stderr) == (141, "")


def run_without_a_reader(words: Sequence[object]) -> subprocess.CompletedProcess[str]:
    """Run `dgno WORD...` with a stdout that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from dgno_core.cli import app; app.main()", *map(str, words)]
    try:
        return subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(writing)
