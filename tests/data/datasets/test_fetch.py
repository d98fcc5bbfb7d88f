"""Fetching from a server in this process that misbehaves on request."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgno_core.data.datasets import download as downloads
from dgno_core.data.datasets import fetch as fetching
from dgno_core.data.datasets import find_dataset
from dgno_core.data.datasets.download import DownloadProgressed, download, part_of
from dgno_core.data.datasets.fetch import MANIFEST, AlreadyThere, Archive, Unpacked, Warned, fetch
from dgno_core.data.datasets.unpack import unpack
from dgno_core.errors import DGNOError

CONTENT = np.random.default_rng(1).bytes(40_000)


@dataclass
class Server:
    """What a server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    tag: str = '"one"'
    cut_after: list[int] = field(default_factory=list)  # bytes of each of the next answers
    knows_ranges: bool = True
    status: int | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(only_head=True)

        def do_GET(self) -> None:
            self.answer(only_head=False)

        def answer(self, only_head: bool) -> None:
            name = self.path.lstrip("/")
            state.asked.append((self.command, name, self.headers.get("Range")))
            if state.status or name not in state.files:
                self.send_error(state.status or 404)
                return
            content, start = state.files[name], 0
            wanted = self.headers.get("Range")
            if wanted and state.knows_ranges and self.headers.get("If-Range") == state.tag:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            if state.tag:
                self.send_header("ETag", state.tag)
            self.end_headers()
            if only_head:
                return
            rest = content[start:]
            self.wfile.write(rest[: state.cut_after.pop(0)] if state.cut_after else rest)

    monkeypatch.setattr(downloads, "CHUNK", 1000)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def run(steps: Any) -> tuple[list[Any], Any]:
    """All that a generator yields, and what it returns."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


# --- one file ---------------------------------------------------------------------------------


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


# --- archives ---------------------------------------------------------------------------------


def zipped(members: dict[str, bytes], path: Path | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    if path is not None:
        path.write_bytes(buffer.getvalue())
    return buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["../a.tif", "x/../../a.tif", "/etc/a.tif", "C:\\a.tif", "..\\a.tif", "\\\\s\\a.tif"]
)
def test_members_that_point_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    zipped({"a/good.tif": b"1", name: b"2"}, tmp_path / "a.zip")
    with pytest.raises(DGNOError, match="points outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_links_in_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a/link.tif")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DGNOError, match="points outside its folder"):
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)


def test_only_what_is_wanted_is_unpacked_and_without_folders(tmp_path: Path) -> None:
    members = {"x/y/a.tif": b"1", "x/": b"", "__MACOSX/x/._a.tif": b"3", "x/readme.txt": b"4"}
    zipped(members, tmp_path / "a.zip")
    count = unpack(tmp_path / "a.zip", tmp_path / "out", lambda name: name.endswith(".tif"))
    assert count == 1
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "out").iterdir()] == [("a.tif", b"1")]


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "twice"])
def test_a_damaged_archive_leaves_no_folder(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    noise = np.random.default_rng(0).bytes(9_000)
    members = {"x/a.tif": noise, "y/A.tif" if damage == "twice" else "x/b.tif": noise[::-1]}
    content = bytearray(zipped(members))
    if damage == "bit":
        content[5_000] ^= 1
    path.write_bytes(content[:6_000] if damage == "cut" else content)
    with pytest.raises(DGNOError, match=r"a\.zip"):
        unpack(path, tmp_path / "out", lambda _: damage != "empty")
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_an_archive_that_grows_beyond_the_disk_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped({"a.tif": bytes(10_000_000)}, tmp_path / "a.zip")  # some 10 kB
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
    with pytest.raises(DGNOError, match="GB are needed"):
        unpack(tmp_path / "a.zip", tmp_path / "out", lambda _: True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


# --- BBBC006 ----------------------------------------------------------------------------------


def plane_zip(z: int, fields: int = 3) -> bytes:
    import tifffile

    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.full((520, 696), z, np.uint16), compression="zlib")
    return zipped(
        {
            f"BBBC006_v1_images_z_{z:02d}/mcf-z-stacks-03212011_a{n:02d}_s1_w1{z:08x}-77a3-4a12-9a0b"
            f"-118e9c2d4f{n:02d}.tif": buffer.getvalue()
            for n in range(1, fields + 1)
        }
    )


@pytest.fixture
def wanted(server: Server) -> list[Archive]:
    """Archives of the planes 2 and 16 with three images each."""
    planes = {f"BBBC006_v1_images_z_{z:02d}": plane_zip(z) for z in (2, 16)}
    server.files = {f"{name}.zip": content for name, content in planes.items()}
    return [Archive(f"{server.url}/{name}.zip", name, 3) for name in planes]


def test_what_was_fetched_is_a_data_set(wanted: list[Archive], tmp_path: Path) -> None:
    root = tmp_path / "data" / "bbbc006"
    seen, _ = run(fetch(root, wanted))
    assert [type(step) for step in seen if not isinstance(step, DownloadProgressed)] == [
        Unpacked, Warned, Unpacked
    ]  # fmt: skip
    found = find_dataset("bbbc006-w1", (2,)).scan(root)
    assert (found.faults, len(found.pairs)) == ((), 3)
    assert {path.name for path in root.iterdir()} == {
        *(archive.folder for archive in wanted), MANIFEST
    }  # fmt: skip


def test_the_manifest_records_what_came(
    wanted: list[Archive], server: Server, tmp_path: Path
) -> None:
    run(fetch(tmp_path, wanted))
    content = json.loads((tmp_path / MANIFEST).read_text())
    for archive in wanted:
        record = content["archives"][archive.name]
        data = server.files[archive.name]
        assert record["sha256"] == hashlib.sha256(data).hexdigest()
        assert (record["bytes"], record["files"]) == (len(data), 3)
    assert "publisher gives none" in content["checksums"]


def test_fetching_again_asks_no_server(
    wanted: list[Archive], server: Server, tmp_path: Path
) -> None:
    run(fetch(tmp_path, wanted))
    server.asked.clear()
    seen, _ = run(fetch(tmp_path, wanted))
    assert seen == [AlreadyThere(tmp_path / archive.folder) for archive in wanted]
    assert server.asked == []


def test_an_archive_that_differs_from_the_record_is_refused(
    wanted: list[Archive], server: Server, tmp_path: Path
) -> None:
    run(fetch(tmp_path, wanted))
    shutil.rmtree(tmp_path / wanted[0].folder)
    server.files[wanted[0].name] = plane_zip(3)
    with pytest.raises(DGNOError, match="checksum"):
        run(fetch(tmp_path, wanted))
    assert not (tmp_path / wanted[0].folder).exists()


def test_an_archive_from_the_browser_is_used(
    wanted: list[Archive], server: Server, tmp_path: Path
) -> None:
    for archive in wanted:
        (tmp_path / archive.name).write_bytes(server.files[archive.name])
    server.files = {}
    run(fetch(tmp_path, wanted))
    assert server.asked == []
    assert len(find_dataset("bbbc006-w1", (2,)).scan(tmp_path).pairs) == 3


def test_half_a_folder_is_not_taken_for_a_whole_one(wanted: list[Archive], tmp_path: Path) -> None:
    run(fetch(tmp_path, wanted))
    next((tmp_path / wanted[1].folder).iterdir()).unlink()
    with pytest.raises(DGNOError, match=r"holds 2 of 3 images; rename or delete it"):
        run(fetch(tmp_path, wanted))


def test_a_small_disk_is_found_out_before_anything_comes(
    wanted: list[Archive], server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [len(content) for content in server.files.values()]
    usage = shutil.disk_usage(tmp_path)
    room = sum(sizes) + max(sizes)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=room - 1))
    with pytest.raises(DGNOError, match="free some space or choose another place"):
        run(fetch(tmp_path, wanted))
    assert {method for method, _, _ in server.asked} == {"HEAD"}
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10 * room))
    run(fetch(tmp_path, wanted))


def test_ctrl_c_between_archives_keeps_the_first(
    wanted: list[Archive], server: Server, tmp_path: Path
) -> None:
    steps = fetch(tmp_path, wanted)
    for step in steps:
        if isinstance(step, DownloadProgressed) and step.name == wanted[1].name:
            break
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt)
    assert {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")} == {
        wanted[0].folder, MANIFEST
    }  # fmt: skip
    seen, _ = run(fetch(tmp_path, wanted))
    assert seen[0] == AlreadyThere(tmp_path / wanted[0].folder)
    assert {path.name for path in tmp_path.iterdir()} == {
        *(archive.folder for archive in wanted), MANIFEST
    }  # fmt: skip


def test_a_damaged_manifest_is_one_sentence(wanted: list[Archive], tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(DGNOError, match=f"{MANIFEST} is damaged; delete it"):
        run(fetch(tmp_path, wanted))


def test_the_addresses_are_those_of_the_publisher() -> None:
    (first, second) = fetching.archives([16, 16], labels=True)
    assert first.url == ("https://data.broadinstitute.org/bbbc/BBBC006/BBBC006_v1_images_z_16.zip")
    assert (first.files, second.files) == (1536, 768)
    with pytest.raises(DGNOError, match="planes 0 to 33"):
        fetching.archives([34])
