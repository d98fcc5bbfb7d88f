from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from dgno_core.errors import DGNOError
from dgno_core.io import (
    ArraySink,
    ImageSource,
    as_source,
    atomic,
    file_sinks,
    open_sink,
    read_image,
)
from dgno_core.io.atomic import publish

DTYPES = ["uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"]


def copy(source: ImageSource, path: Path, **options: Any) -> None:
    """Write an image plane by plane as a restoration does."""
    sink = open_sink(path, source, source.dtype, **options)
    layout = source.layout()
    for position in layout.positions():
        sink.write(layout.index(position), source.read(layout.index(position)))
    sink.close()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@st.composite
def images(draw: st.DrawFn) -> ImageSource:
    others = draw(st.lists(st.sampled_from("TPCZS"), unique=True, max_size=3))
    axes = "".join(draw(st.permutations([*others, "Y", "X"])))
    shape = [draw(st.integers(16, 18) if a in "YX" else st.integers(2, 5)) for a in axes]
    dtype = draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return as_source((rng.random(shape) * 120).astype(dtype), axes)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image=images())
def test_any_image_survives_a_tiff(tmp_path: Path, image: ImageSource) -> None:
    assume(image.axes.index("Y") < image.axes.index("X"))
    copy(image, tmp_path / "a.ome.tif", overwrite=True)
    back = read_image(tmp_path / "a.ome.tif")
    # A TIFF ends in Y, X, S; a last C of three colours becomes S.
    named = image.axes.replace("C", "S") if "C" in image.layout().inner else image.axes
    order = sorted(named, key=lambda letter: ("YXS".find(letter), named.index(letter)))
    assert back.axes == "".join(order)
    expected = np.asarray(image.data).transpose([named.index(letter) for letter in order])
    assert back.dtype == image.dtype
    np.testing.assert_array_equal(back.data[...], expected)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image=images())
def test_any_image_survives_a_zarr(tmp_path: Path, image: ImageSource) -> None:
    copy(image, tmp_path / "a.zarr", overwrite=True)
    back = read_image(tmp_path / "a.zarr")
    # A store has T, C, Z, Y, X; the colours of a pixel, which are channels there, come back as S.
    named = image.axes.replace("C", "S") if "C" in image.layout().inner else image.axes
    order = sorted(named, key="TPCZYXS".index)
    assert (back.axes, back.dtype) == ("".join(order), image.dtype)
    expected = np.asarray(image.data).transpose([named.index(letter) for letter in order])
    np.testing.assert_array_equal(back.data[...], expected)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(image=images())
def test_a_zarr_is_what_ngff_wants_or_the_user_is_told(tmp_path: Path, image: ImageSource) -> None:
    import zarr
    from ome_zarr_models.v05 import Image as NgffImage

    path = tmp_path / "a.ome.zarr"
    sink = open_sink(path, image, image.dtype, overwrite=True)
    copy(image, path, overwrite=True)
    if sink.warnings:
        # Six axes, or channels whose pixels have colours of their own.
        assert len(image.axes) > 5 or {"C", "S"} <= set(image.axes)
        assert "other programs may not open" in sink.warnings[0]
        return
    found = NgffImage.from_zarr(zarr.open_group(path, mode="r"))
    names = [axis.name for axis in found.ome_attributes.multiscales[0].axes]
    assert names == sorted(names, key="tpczyx".index)


@pytest.mark.parametrize("axes", ["YXS", "YXC", "ZYXS", "SYX"])
def test_colours_are_channels_of_a_zarr_and_come_back_as_colours(tmp_path: Path, axes: str) -> None:
    import zarr

    sizes = {"Z": 4, "Y": 20, "X": 24, "S": 3, "C": 3}
    image = np.random.default_rng(0).integers(0, 250, [sizes[a] for a in axes]).astype("u1")
    copy(as_source(image, axes), tmp_path / "a.ome.zarr")
    ome: Any = zarr.open_group(tmp_path / "a.ome.zarr", mode="r").attrs["ome"]
    names = [axis["name"] for axis in ome["multiscales"][0]["axes"]]
    assert names == (["c", "z", "y", "x"] if "Z" in axes else ["c", "y", "x"])
    channels = ome["omero"]["channels"]
    assert [channel["color"] for channel in channels] == ["FF0000", "00FF00", "0000FF"]
    assert [channel["window"]["end"] for channel in channels] == [255] * 3
    back = read_image(tmp_path / "a.ome.zarr")
    assert back.axes == ("ZYXS" if "Z" in axes else "YXS")
    np.testing.assert_array_equal(back.data[...], np.moveaxis(image, axes.find("S"), -1))


def test_colours_of_an_older_zarr_are_still_read(tmp_path: Path) -> None:
    """Earlier versions wrote `y, x, s`."""
    import zarr

    image = np.random.default_rng(0).integers(0, 250, (20, 24, 3)).astype("u1")
    group = zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=3)
    array: Any = group.create_array("0", shape=image.shape, dtype="u1")
    array[:] = image
    axes = [{"name": a, "type": "channel" if a == "s" else "space"} for a in "yxs"]
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1, 1]}]}
    multiscale = {"name": "a", "axes": axes, "datasets": [level]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    back = read_image(tmp_path / "a.zarr")
    assert back.axes == "YXS"
    np.testing.assert_array_equal(back.data[...], image)


def test_an_imagej_hyperstack_becomes_a_zarr_of_ngff_order(tmp_path: Path) -> None:
    import zarr

    image = np.arange(2 * 3 * 4 * 20 * 24, dtype=np.uint16).reshape(2, 3, 4, 20, 24)
    tifffile.imwrite(tmp_path / "a.tif", image, imagej=True, metadata={"axes": "TZCYX"})
    source = read_image(tmp_path / "a.tif")
    assert source.axes == "TZCYX"
    copy(source, tmp_path / "a.ome.zarr")
    group: Any = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][:], image.transpose(0, 2, 1, 3, 4))
    assert group["0"].chunks == (1, 1, 1, 20, 24)


@pytest.mark.parametrize("suffix", ["tif", "ome.tiff", "zarr"])
def test_physical_size_survives(tmp_path: Path, suffix: str) -> None:
    source = ImageSource(
        np.zeros((2, 3, 20, 24), "u2"), "TZYX",
        {"T": 2.0, "Z": 0.5, "Y": 0.2, "X": 200.0},
        {"T": "second", "Z": "micrometer", "Y": "micrometer", "X": "nanometer"},
    )  # fmt: skip
    copy(source, tmp_path / f"a.{suffix}")
    back = read_image(tmp_path / f"a.{suffix}")
    assert (dict(back.pixel_size), dict(back.units)) == (source.pixel_size, source.units)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((20, 24), "u1"),
        ((20, 24), "u2"),
        ((20, 24, 3), "u1"),
        ((20, 24, 4), "u1"),
        ((1, 20, 24), "u1"),
    ],
)
def test_one_plane_survives_a_png(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    image = np.random.default_rng(0).integers(0, 250, shape).astype(dtype)
    copy(as_source(image), tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), image.squeeze())


@pytest.mark.parametrize(
    ("shape", "dtype", "words"),
    [((2, 20, 24), "u1", "one plane"), ((20, 24), "f4", "float32"), ((2, 20, 24, 3), "u1", "2")],
)
def test_what_a_png_cannot_hold(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, words: str
) -> None:
    source = as_source(np.zeros(shape, dtype))
    with pytest.raises(DGNOError, match=f"a.png.*{words}"):
        open_sink(tmp_path / "a.png", source, dtype)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_no_image_is_turned_on_its_side(tmp_path: Path, name: str) -> None:
    source = as_source(np.zeros((20, 24), "u1"), "XY")
    with pytest.raises(DGNOError, match=rf"{name}.*axes are XY.*Y before X"):
        open_sink(tmp_path / name, source, "u1")


@pytest.mark.parametrize("name", ["a.tif", "a.zarr", "a.png"])
def test_nothing_is_there_before_close_and_nothing_else_after(tmp_path: Path, name: str) -> None:
    image = np.ones((20, 24), "u1")
    sink = open_sink(tmp_path / name, as_source(image), image.dtype)
    assert left(tmp_path) == []
    sink.write((slice(None), slice(None)), image)
    assert name not in left(tmp_path)
    sink.close()
    assert left(tmp_path) == [name]


@pytest.mark.parametrize("name", ["a.tif", "a.zarr", "a.png"])
def test_abort_leaves_nothing_and_spares_the_older_result(tmp_path: Path, name: str) -> None:
    old, new = np.zeros((20, 24), "u1"), np.ones((20, 24), "u1")
    sink = open_sink(tmp_path / name, as_source(new), new.dtype)
    sink.write((slice(None), slice(None)), new)
    sink.abort()
    assert left(tmp_path) == []

    copy(as_source(old), tmp_path / name)
    sink = open_sink(tmp_path / name, as_source(new), new.dtype, overwrite=True)
    sink.write((slice(None), slice(None)), new)
    sink.abort()
    sink.abort()
    assert left(tmp_path) == [name]
    assert not read_image(tmp_path / name).data[...].any()


@pytest.mark.parametrize("name", ["a.tif", "a.zarr", "a.png"])
def test_overwriting_must_be_asked_for(tmp_path: Path, name: str) -> None:
    copy(as_source(np.zeros((20, 24), "u1")), tmp_path / name)
    new = as_source(np.ones((20, 24), "u1"))
    with pytest.raises(DGNOError, match=rf"{name} exists already"):
        copy(new, tmp_path / name)
    copy(new, tmp_path / name, overwrite=True)
    assert read_image(tmp_path / name).data[...].all()
    assert left(tmp_path) == [name]


def test_planes_may_come_twice_and_in_any_order(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 99, (4, 20, 24)).astype("u2")
    for name in ("a.tif", "a.zarr"):
        sink = open_sink(tmp_path / name, as_source(image), image.dtype)
        for z in (3, 1, 3, 0, 2, 1):
            sink.write((z, slice(None), slice(None)), image[z] * (z != 9))
        sink.close()
        np.testing.assert_array_equal(read_image(tmp_path / name).data[...], image)


@pytest.mark.parametrize("name", ["a.tif", "a.zarr", "a.png"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_disk_that_refuses_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise OSError(code, os.strerror(code))

    image = np.ones((20, 24), "u1")
    sink = open_sink(tmp_path / name, as_source(image), image.dtype)
    monkeypatch.setattr(file_sinks, "_write_all", refuse)
    monkeypatch.setattr(file_sinks.ZarrSink, "_write", refuse)
    monkeypatch.setattr(Image.Image, "save", refuse)
    words = {errno.ENOSPC: "disk is full", errno.EACCES: "may not write", errno.EIO: "could not"}

    def write() -> None:
        sink.write((slice(None), slice(None)), image)
        sink.close()

    with pytest.raises(DGNOError, match=f"a.*{words[code]}"):
        write()
    sink.abort()
    assert left(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="space") as caught,
        open("/dev/full", "wb", buffering=0) as full,
    ):
        file_sinks._write_all(full, memoryview(bytes(1000)))
    assert caught.value.errno == errno.ENOSPC


KILLED = """
import sys, numpy as np
from pathlib import Path
from dgno_core.io import as_source, open_sink
image = np.ones((3, 20, 24), "u1")
sink = open_sink(Path(sys.argv[1]), as_source(image), image.dtype)
sink.write((0, slice(None), slice(None)), image[0])
print("writing", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_a_killed_process_leaves_no_result(tmp_path: Path, name: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / name)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.kill()
    process.communicate()
    assert not (tmp_path / name).exists()
    assert all(entry.startswith(".") for entry in left(tmp_path))
    # A later run is not disturbed.
    copy(as_source(np.ones((3, 20, 24), "u1")), tmp_path / name)
    assert read_image(tmp_path / name).shape == (3, 20, 24)
    assert left(tmp_path) == [name]


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    image = np.ones((3, 20, 24), "u1")
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, image, photometric="minisblack")
    source = read_image(path)
    (tmp_path / "link.tif").symlink_to(path)
    (tmp_path / "hard.tif").hardlink_to(path)
    for name in ("in.tif", "link.tif", "hard.tif", "../" + tmp_path.name + "/in.tif"):
        with pytest.raises(DGNOError, match="overwrite the input"):
            open_sink(tmp_path / name, source, source.dtype, overwrite=True)
    np.testing.assert_array_equal(tifffile.imread(path), image)


def test_nothing_is_written_into_the_input_nor_over_the_folder_that_holds_it(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "all.zarr" / "planes"
    folder.mkdir(parents=True)
    for z in range(2):
        tifffile.imwrite(folder / f"{z}.tif", np.ones((20, 24), "u1"))
    source = read_image(folder)
    for path in (folder / "out.tif", tmp_path / "all.zarr"):
        with pytest.raises(DGNOError, match="overwrite the input"):
            open_sink(path, source, source.dtype, overwrite=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.jpg", "end its name in"), ("a", "end its name in"), ("no/where.tif", "does not exist")],
)
def test_outputs_that_cannot_be(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(DGNOError, match=words):
        open_sink(tmp_path / name, as_source(np.ones((20, 24), "u1")), "u1")


def test_large_files_are_bigtiff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_sinks, "BIG", 1000)
    image = np.random.default_rng(0).integers(0, 99, (4, 20, 24)).astype("u2")
    copy(as_source(image), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.is_bigtiff
        np.testing.assert_array_equal(tiff.asarray(), image)


def test_a_zarr_has_one_plane_a_chunk_and_ome_metadata(tmp_path: Path) -> None:
    import zarr

    copy(as_source(np.ones((3, 20, 24), "u2")), tmp_path / "a.zarr")
    group: Any = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert group["0"].chunks == (1, 20, 24)
    ome = group.attrs["ome"]
    assert ome["version"] == "0.5"
    assert [axis["name"] for axis in ome["multiscales"][0]["axes"]] == ["z", "y", "x"]
    assert ome["multiscales"][0]["datasets"][0]["path"] == "0"


def test_the_array_sink() -> None:
    sink = ArraySink((2, 3), "u2")
    sink.write((1, slice(None)), np.array([1, 2, 3]))
    sink.close()
    np.testing.assert_array_equal(sink.array, [[0, 0, 0], [1, 2, 3]])
    assert sink.array.dtype == np.uint16


def test_a_zarr_image_replaces_a_file(tmp_path: Path) -> None:
    image = as_source(np.ones((20, 24), "u1"))
    (tmp_path / "a.zarr").write_text("old")
    copy(image, tmp_path / "a.zarr", overwrite=True)
    assert left(tmp_path) == ["a.zarr"]
    assert (tmp_path / "a.zarr").is_dir()


def test_stopping_while_a_folder_is_replaced_spares_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "a.zarr", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "name").write_text(folder.name)
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self == new:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(atomic, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(new, old)
    assert (old / "name").read_text() == "a.zarr"


def test_a_folder_that_may_not_be_written_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Permissions do not bind root, as whom tests may run.
    monkeypatch.setattr(os, "access", lambda path, mode: not (mode == os.W_OK and path == tmp_path))
    source = as_source(np.ones((20, 24), "u1"))
    with pytest.raises(
        DGNOError, match=r"a\.tif cannot be written: you may not write in the folder"
    ):
        open_sink(tmp_path / "a.tif", source, "u1")
