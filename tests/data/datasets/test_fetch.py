"""Fetching from a server in this process that misbehaves on request."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dgno_core.data.datasets import fetch as fetching
from dgno_core.data.datasets import find_dataset
from dgno_core.data.datasets.fetch import (
    MANIFEST,
    AlreadyThere,
    Archive,
    DownloadWarned,
    Unpacked,
    fetch,
)
from dgno_core.data.datasets.unpack import unpack
from dgno_core.errors import DGNOError
from dgno_core.io import download as downloads
from dgno_core.io.download import DownloadProgressed
from support.web_server import Server, run, serving

CONTENT = np.random.default_rng(1).bytes(40_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    with serving() as state:
        yield state


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
        Unpacked, DownloadWarned, Unpacked
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
