"""What killed processes leave: nothing that looks like a result, and nothing for long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io import as_source, atomic, open_sink, read_image, write_image
from dgno_core.io.atomic import begin, partial_path, recover, replacing

# Writes ones over what is there, and stops for good at a point of `publish`.
WRITER = """
import sys, time, numpy as np
from pathlib import Path
from dgno_core.io import as_source, atomic, file_sinks, write_image

point, path = sys.argv[1], Path(sys.argv[2])

def stop(*args):
    print("there", flush=True)
    time.sleep(1000)

if point == "writing":
    file_sinks.publish = stop
elif point == "exchanged":
    atomic.discard = stop
elif point == "between":
    atomic._exchange = lambda one, other: False
    rename = Path.rename
    Path.rename = lambda self, to: stop() if self.name.endswith(".partial") else rename(self, to)
elif point == "put aside":
    atomic._exchange = lambda one, other: False
    atomic.discard = stop
write_image(path, as_source(np.ones((20, 24), "u1")), overwrite=True)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Callable[[str, Path], None]:
    """Return a function that kills a writer of a file at some point, with SIGKILL."""

    def kill(point: str, path: Path) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, point, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL

    return kill


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def value(path: Path) -> int:
    pixels = np.asarray(read_image(path).data)
    assert pixels.min() == pixels.max()
    return int(pixels.max())


def write(path: Path, number: int) -> None:
    write_image(path, as_source(np.full((20, 24), number, "u1")), overwrite=True)


@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr", "a.png"])
def test_the_next_run_removes_what_a_killed_one_left(
    tmp_path: Path, killed: Callable[[str, Path], None], name: str
) -> None:
    path = tmp_path / name
    killed("writing", path)
    assert len(names(tmp_path)) == 1
    assert names(tmp_path)[0].endswith(".partial")
    write(path, 3)
    assert names(tmp_path) == [name]
    assert value(path) == 3


@pytest.mark.parametrize(
    ("point", "expected"),
    [("writing", 0), ("exchanged", 1), ("between", 1), ("put aside", 1)],
)
def test_a_store_that_was_being_replaced_is_there_again(
    tmp_path: Path, killed: Callable[[str, Path], None], point: str, expected: int
) -> None:
    path = tmp_path / "a.ome.zarr"
    write(path, 0)
    killed(point, path)
    assert any(name.startswith(".") for name in names(tmp_path))
    assert value(path) == expected
    # Reading needs no more than the store; the next run clears up, and replaces it.
    with pytest.raises(DGNOError, match="exists already"):
        open_sink(path, as_source(np.ones((20, 24), "u1")), "u1")
    assert names(tmp_path) == ["a.ome.zarr"]
    write(path, 5)
    assert names(tmp_path) == ["a.ome.zarr"]
    assert value(path) == 5


def test_an_old_store_without_its_successor_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.zarr"
    write(path, 4)
    path.rename(tmp_path / f".a.ome.zarr.{atomic._machine()}-999999999-1.old")
    assert value(path) == 4
    assert names(tmp_path) == ["a.ome.zarr"]


@pytest.mark.parametrize(
    "writer",
    [
        lambda: atomic._writer(),  # a living process
        lambda: "0123abcd-999999999-1",  # another machine
    ],
)
@pytest.mark.parametrize("kind", ["partial", "old"])
def test_what_somebody_may_still_write_is_left_alone(
    tmp_path: Path, writer: Callable[[], str], kind: str
) -> None:
    other = tmp_path / f".a.tif.{writer()}.{kind}"
    other.write_text("mine")
    recover(tmp_path / "a.tif")
    assert other.read_text() == "mine"


def test_a_number_that_another_process_has_by_now_is_no_sign_of_life(tmp_path: Path) -> None:
    own = psutil.Process()
    stale = (
        tmp_path / f".a.tif.{atomic._machine()}-{own.pid}-{int(own.create_time()) - 9999}.partial"
    )
    stale.touch()
    assert begin(tmp_path / "a.tif") == partial_path(tmp_path / "a.tif")
    assert names(tmp_path) == []


def test_files_of_similar_names_are_left_alone(tmp_path: Path) -> None:
    dead = f"{atomic._machine()}-999999999-1"
    kept = [".a.tif.part", ".a.tif.backup", f".a.tif.tif.{dead}.partial", f".b.tif.{dead}.partial"]
    for name in kept:
        (tmp_path / name).touch()
    (tmp_path / f".a.tif.{dead}.partial").touch()
    recover(tmp_path / "a.tif")
    assert names(tmp_path) == sorted(kept)


def test_a_folder_that_is_not_there_or_may_not_be_read_hinders_nobody(tmp_path: Path) -> None:
    recover(tmp_path / "no" / "a.tif")
    with pytest.raises(DGNOError, match="does not exist"):
        read_image(tmp_path / "no" / "a.tif")


@pytest.fixture
def cloned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return a function that makes this a machine of the same name with another number."""

    def become(number: str) -> None:
        (tmp_path / "machine-id").write_text(number)
        monkeypatch.setattr(atomic, "MACHINE_ID", tmp_path / "machine-id")
        atomic._machine.cache_clear()

    yield become
    monkeypatch.undo()
    atomic._machine.cache_clear()


def test_a_clone_of_the_same_name_on_the_same_share_is_another_machine(
    tmp_path: Path, cloned: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic.platform, "node", lambda: "microscope")
    path = tmp_path / "a.tif"
    cloned("1111")
    left = path.with_name(partial_path(path).name.replace(f"-{os.getpid()}-", "-4194305-"))
    left.write_bytes(b"of a process that is not here")
    cloned("2222")
    recover(path)
    assert left.exists()
    cloned("1111")
    recover(path)
    assert not left.exists()


def test_without_a_number_the_name_of_the_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cloned: Callable[[str], None]
) -> None:
    marks = []
    cloned("")
    monkeypatch.setattr(atomic, "MACHINE_ID", tmp_path / "none")
    for name in ("one", "other", "one"):
        monkeypatch.setattr(atomic.platform, "node", lambda name=name: name)
        atomic._machine.cache_clear()
        marks.append(atomic._machine())
    assert marks[0] == marks[2] != marks[1]


def test_a_file_is_replaced_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text("old")

    def fail(error: BaseException) -> None:
        with replacing(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(DGNOError, match=r"record\.json could not be written"):
        fail(OSError(28, "No space left on device"))
    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt())
    assert path.read_text() == "old"
    with replacing(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
