"""One file from a server in this process that misbehaves on request."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io import download as downloads
from dgno_core.io.download import DownloadProgressed, copy, download, part_of
from support.web_server import Server, run, serving

CONTENT = np.random.default_rng(1).bytes(40_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    with serving() as state:
        yield state


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    server.files["a.bin"] = CONTENT
    seen, checksum = run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert checksum == hashlib.sha256(CONTENT).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert seen[-1] == DownloadProgressed("a.bin", len(CONTENT), len(CONTENT))
    assert [step.done for step in seen] == sorted({step.done for step in seen})


def test_a_cut_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.files["a.bin"] = CONTENT
    server.cut_after = [10_000, 5_000]
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [wanted for _, _, wanted in server.asked] == [None, "bytes=10000-", "bytes=15000-"]


def test_a_connection_that_is_always_cut_says_so_and_keeps_what_came(
    server: Server, tmp_path: Path
) -> None:
    server.files["a.bin"] = CONTENT
    server.cut_after = [10_000, 5_000, 2_000]
    with pytest.raises(DGNOError, match="run the same command again"):
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert not (tmp_path / "a.bin").exists()
    assert part_of(tmp_path / "a.bin").read_bytes() == CONTENT[:17_000]
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked[-1][2] == "bytes=17000-"


@pytest.mark.parametrize("change", ["tag", "no ranges", "no tag"])
def test_what_came_is_dropped_if_it_cannot_be_continued(
    change: str, server: Server, tmp_path: Path
) -> None:
    server.files["a.bin"] = CONTENT[::-1]
    server.tag = "" if change == "no tag" else server.tag
    server.cut_after = [10_000, 0, 0]
    with pytest.raises(DGNOError):
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    server.files["a.bin"] = CONTENT  # another file by now
    server.tag = '"two"' if change == "tag" else server.tag
    server.knows_ranges = change != "no ranges"
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    server.files["a.bin"] = CONTENT
    steps = download(f"{server.url}/a.bin", tmp_path / "a.bin")
    while next(steps).done < len(CONTENT):
        pass
    steps.close()  # the last byte had come, but not the final name
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked[-1][2] == f"bytes={len(CONTENT)}-"


def test_a_wrong_checksum_leaves_nothing(server: Server, tmp_path: Path) -> None:
    server.files["a.bin"] = CONTENT
    with pytest.raises(DGNOError, match="checksum") as caught:
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin", sha256="0" * 64))
    assert "0" * 64 in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["a.bin"] = CONTENT
    real_open = Path.open

    class FullDisk(io.FileIO):
        def write(self, data: Any) -> int:
            if self.tell() >= 5_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    def opened(self: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if self.name.endswith(".part") and mode in ("wb", "ab"):
            return FullDisk(self, mode)
        return real_open(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(DGNOError, match="the disk is full; free some space"):
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    monkeypatch.undo()
    assert part_of(tmp_path / "a.bin").read_bytes() == CONTENT[:5_000]
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_ctrl_c_leaves_only_what_can_be_continued(server: Server, tmp_path: Path) -> None:
    server.files["a.bin"] = CONTENT
    steps = download(f"{server.url}/a.bin", tmp_path / "a.bin")
    for _ in range(5):
        next(steps)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)
    assert {path.name for path in tmp_path.iterdir()} == {".a.bin.part", ".a.bin.part.tag"}
    run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert server.asked[-1][2] == "bytes=5000-"
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "words"), [(404, "answered 404"), (403, "answered 403"),
                                               (503, "answered 503")])  # fmt: skip
def test_what_the_server_refuses_is_one_sentence(
    status: int, words: str, server: Server, tmp_path: Path
) -> None:
    server.status = status
    with pytest.raises(DGNOError, match=words):
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin"))
    assert list(tmp_path.iterdir()) == []


def test_no_server_is_one_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match="cannot be reached"):
        run(download("http://127.0.0.1:1/a.bin", tmp_path / "a.bin"))


@pytest.mark.parametrize("tells", [True, False])
def test_a_file_of_another_size_is_not_taken_in(
    tells: bool, server: Server, tmp_path: Path
) -> None:
    server.files["a.bin"] = CONTENT
    server.tells_size = tells
    with pytest.raises(DGNOError, match=r"but 5000 were expected; it is another file"):
        run(download(f"{server.url}/a.bin", tmp_path / "a.bin", size=5000))
    assert list(tmp_path.iterdir()) == []


def test_a_local_file_is_copied_whole_or_not_at_all(tmp_path: Path) -> None:
    source, target = tmp_path / "a.bin", tmp_path / "copies" / "a.bin"
    source.write_bytes(CONTENT)
    target.parent.mkdir()
    target.write_bytes(b"what was there before")
    steps = copy(source, target)
    next(steps)
    steps.close()  # as Ctrl-C does
    with pytest.raises(DGNOError, match="but 00 was expected"):
        run(copy(source, target, sha256="00"))
    assert target.read_bytes() == b"what was there before"
    assert list(target.parent.iterdir()) == [target]
    _, checksum = run(copy(source, target, sha256=hashlib.sha256(CONTENT).hexdigest()))
    assert checksum == hashlib.sha256(CONTENT).hexdigest()
    assert target.read_bytes() == CONTENT
    with pytest.raises(DGNOError, match="There is no file"):
        run(copy(tmp_path / "b.bin", target))
