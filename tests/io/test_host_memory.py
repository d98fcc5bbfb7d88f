"""What does not fit the memory is refused before it is read."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
import zarr

from dgno_core.errors import DGNOError
from dgno_core.io import ImageSource, as_source, host_memory, read_image
from dgno_core.io.host_memory import free_bytes

LIMITED = """
import resource, sys, psutil
room = int(sys.argv[1])
import dgno_core.cli.app as cli
import dgno_core.inference, torch, zarr, tifffile, dask.array, PIL.Image
resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + room,) * 2)
sys.argv = ["dgno", *sys.argv[2:]]
cli.main()
"""


def claimed(path: Path, side: int, chunk: int = 1024) -> Path:
    """Write a zarr that claims side x side pixels and holds none of them."""
    zarr.create_array(path, shape=(side, side), chunks=(chunk, chunk), dtype="u2")
    return path


def bomb(path: Path, side: int) -> Path:
    """Write a PNG of a few bytes whose header claims side x side pixels."""

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(10_000))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", pixels) + part(b"IEND", b"")
    )
    return path


def inflated_tiff(path: Path, side: int) -> Path:
    """Write a small compressed TIFF, and claim side x side pixels in its header."""
    tifffile.imwrite(path, np.zeros((64, 64), "u2"), compression="zlib", tile=(32, 32))
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name in ("ImageWidth", "ImageLength", "TileWidth", "TileLength"):
            tiff.pages[0].tags[name].overwrite(side)
    return path


def dgno(*arguments: str, room: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(room), *arguments],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space")
@pytest.mark.parametrize("kind", ["zarr", "huge zarr", "png", "tiff", "one chunk"])
def test_dgno_restore_refuses_in_one_line_under_a_limit(tmp_path: Path, kind: str) -> None:
    path = {
        "zarr": lambda: claimed(tmp_path / "a.zarr", 20_000),
        "huge zarr": lambda: claimed(tmp_path / "a.zarr", 1_000_000),
        "png": lambda: bomb(tmp_path / "a.png", 60_000),
        "tiff": lambda: inflated_tiff(tmp_path / "a.tif", 1_000_000),
        "one chunk": lambda: claimed(tmp_path / "a.zarr", 60_000, 60_000),
    }[kind]()
    output = tmp_path / "out.ome.tif"
    done = dgno("restore", str(path), "-o", str(output), "--device", "cpu", room=2 << 30)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert path.name in last
    assert "GB of memory, but" in last
    assert "GB are free" in last
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def test_reading_a_part_counts_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_image(claimed(tmp_path / "a.zarr", 1_000_000))
    block = source.read((slice(0, 100), slice(500, 700)))
    assert block.shape == (100, 200)
    with pytest.raises(DGNOError, match=r"a\.zarr \(1000000 x 1000000 pixels\).*2,000 GB"):
        source.read((slice(None), slice(None)))
    # A chunk is decoded as a whole.
    monkeypatch.setattr(host_memory, "free_bytes", lambda: 100 << 20)
    coarse = read_image(claimed(tmp_path / "b.zarr", 40_000, 10_000))
    with pytest.raises(DGNOError, match=r"takes about 0\.2 GB of memory, but 0\.1 GB are free"):
        coarse.read((slice(0, 10), slice(0, 10)))


def test_what_is_in_memory_takes_nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "free_bytes", lambda: 0)
    image = np.zeros((6000, 6000), np.uint16)
    assert as_source(image).read((slice(None), slice(None))).shape == image.shape


def test_the_tightest_of_all_limits_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_memory, "memory_room", lambda: None)
    monkeypatch.setattr(host_memory, "process_room", lambda: None)
    assert free_bytes() <= psutil.virtual_memory().total
    monkeypatch.setattr(host_memory, "memory_room", lambda: 5000)
    monkeypatch.setattr(host_memory, "process_room", lambda: 4000)
    assert free_bytes() == 4000


def test_memory_that_runs_out_on_the_way_is_a_sentence(tmp_path: Path) -> None:
    from dgno_core.inference import restore

    class Greedy:
        shape, dtype = (64, 64), np.dtype("u2")

        def __array__(self, *args: object, **options: object) -> np.ndarray:
            raise MemoryError

        def __getitem__(self, index: object) -> np.ndarray:
            raise MemoryError

    source = ImageSource(Greedy(), "YX", name="cells.tif")
    with pytest.raises(DGNOError, match=r"cells\.tif.*not enough memory"):
        restore(source, device="cpu")
