from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dgno_core.errors import DGNOError
from dgno_core.io import read_image
from dgno_core.io.folder import plane_files
from dgno_core.io.names import natural_key, parse_field

GUID = "22501c04-ccbe-4fc4-bb08-924ccccaad58"


def put(path: Path, value: int, shape: tuple[int, ...] = (20, 24), dtype: str = "u1") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(shape, value, dtype)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb" if shape[-1] == 3 else "minisblack")
    else:
        Image.fromarray(pixels).save(path)


def values(path: Path) -> np.ndarray:
    """Return the value of each plane."""
    return np.asarray(read_image(path).data[..., 0, 0])


@pytest.mark.parametrize(
    "names",
    [
        ["-9", "-1", "0", "1", "2", "10"],
        ["img1", "img2", "img10"],
        ["cell_z-2", "cell_z-10"],
        ["a_-2", "a_-1", "a_0", "a_3"],
        ["t1_z2", "t1_z10", "t2_z1"],
        ["2024-01-09", "2024-01-10", "2024-02-01"],
        ["a", "A1", "b"],
    ],
)
def test_natural_order(names: list[str]) -> None:
    shuffled = names[::-1]
    assert sorted(shuffled, key=natural_key) == names


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_a_focal_stack_with_negative_numbers(tmp_path: Path, suffix: str) -> None:
    for z in range(-9, 11):
        put(tmp_path / f"{z}.{suffix}", z + 100)
    source = read_image(tmp_path)
    assert source.axes == "ZYX"
    np.testing.assert_array_equal(values(tmp_path), np.arange(91, 111))


def test_colour_planes(tmp_path: Path) -> None:
    for z in range(3):
        put(tmp_path / f"{z}.png", z, (20, 24, 3))
    assert read_image(tmp_path).axes == "ZYXS"


def test_other_files_are_left_aside(tmp_path: Path) -> None:
    put(tmp_path / "1.png", 1)
    put(tmp_path / ".2.png", 2)
    (tmp_path / "1.png.json").write_text("{}")
    (tmp_path / "Thumbs.db").write_text("")
    assert read_image(tmp_path).shape == (1, 20, 24)


def test_planes_are_read_when_they_are_needed(tmp_path: Path) -> None:
    for z in range(3):
        put(tmp_path / f"{z}.tif", z, dtype="u2")
    source = read_image(tmp_path)
    put(tmp_path / "1.tif", 77, dtype="u2")
    assert source.read((1, slice(None), slice(None))).max() == 77


def test_planes_of_another_size_are_named(tmp_path: Path) -> None:
    put(tmp_path / "z1.png", 1)
    put(tmp_path / "z2.png", 1)
    put(tmp_path / "z3.png", 1, (20, 25))
    with pytest.raises(DGNOError, match=r"z1\.png is 20 x 24 and z3\.png is 20 x 25"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"), [((20, 24, 3), "u1", "uint8 in colour"), ((20, 24), "u2", "uint16")]
)
def test_planes_of_another_type_are_named(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, kind: str
) -> None:
    put(tmp_path / "z1.png", 1)
    put(tmp_path / "z2.png", 1, shape, dtype)
    with pytest.raises(DGNOError, match=rf"z2\.png is {kind}"):
        read_image(tmp_path)


def test_files_of_several_planes_are_named(tmp_path: Path) -> None:
    put(tmp_path / "z1.tif", 1)
    put(tmp_path / "z2.tif", 1, (3, 20, 24))
    with pytest.raises(DGNOError, match=r"z2\.tif holds several planes"):
        read_image(tmp_path)


def test_a_damaged_plane_is_named(tmp_path: Path) -> None:
    put(tmp_path / "z1.png", 1)
    put(tmp_path / "z2.png", 1)
    (tmp_path / "z2.png").write_bytes((tmp_path / "z2.png").read_bytes()[:40])
    with pytest.raises(DGNOError, match=r"z2\.png"):
        read_image(tmp_path)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match="is an empty folder; expected are TIFF, PNG, JPEG or BMP"):
        read_image(tmp_path)


def test_a_folder_of_other_files_is_told_by_what_it_holds(tmp_path: Path) -> None:
    for name in ("notes.txt", "b.czi", "c.czi"):
        (tmp_path / name).write_text("x")
    with pytest.raises(DGNOError, match=r"holds 3 files \(\.czi, \.txt\) and no image; expected"):
        read_image(tmp_path)


def test_a_folder_of_images_of_two_sizes_is_told_what_to_do(tmp_path: Path) -> None:
    put(tmp_path / "a.png", 1)
    put(tmp_path / "b.png", 1, (24, 24))
    with pytest.raises(DGNOError, match=r"b\.png is 24 x 24 .*of 2 images\).*one by one"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"BBBC006_v1_images_z_16/mcf-z-stacks-03212011_a01_s1_w1{GUID}.tif", ("a01", 1, 1, 16)),
        (f"any/00_mcf-z-stacks-03212011_d02_s2_w1{GUID}.tif", ("d02", 2, 1, 0)),
        ("any/BBBC006_z_aligned__a02__s1__w1_10.png", ("a02", 1, 1, 10)),
        ("any/cells_01.tif", None),
    ],
)
def test_bbbc006_names(name: str, expected: tuple[str, int, int, int] | None) -> None:
    field = parse_field(Path(name))
    found = None if field is None else (field.well, field.site, field.channel, field.z)
    assert found == expected


def bbbc006(folder: Path, well: str, channel: int, z: int) -> Path:
    guid = f"{z:08x}-{channel:04x}-4fc4-bb08-924ccccaad58"
    name = f"mcf-z-stacks-03212011_{well}_s1_w{channel}{guid}.tif"
    return folder / f"BBBC006_v1_images_z_{z:02d}" / name


def test_the_z_folders_of_bbbc006_make_stacks(tmp_path: Path) -> None:
    for p, well in enumerate(("a01", "b03")):
        for channel in (1, 2):
            for z in (0, 2, 10):
                put(bbbc006(tmp_path, well, channel, z), 100 * p + 50 * channel + z)
    source = read_image(tmp_path)
    assert source.axes == "PCZYX"
    expected = [[[100 * p + 50 * c + z for z in (0, 2, 10)] for c in (1, 2)] for p in (0, 1)]
    np.testing.assert_array_equal(values(tmp_path), expected)


def test_one_field_of_bbbc006_is_one_stack(tmp_path: Path) -> None:
    for z in (0, 2, 10):
        put(bbbc006(tmp_path, "a01", 1, z), z)
        put(tmp_path / "flat" / f"BBBC006_z_aligned__a02__s1__w1_{z}.png", z)
    assert read_image(tmp_path / "flat").axes == "ZYX"
    np.testing.assert_array_equal(values(tmp_path / "flat"), [0, 2, 10])


def test_a_missing_plane_of_bbbc006_is_named(tmp_path: Path) -> None:
    for z in (0, 1, 2):
        put(bbbc006(tmp_path, "a01", 1, z), z)
        if z != 1:
            put(bbbc006(tmp_path, "a02", 1, z), z)
    with pytest.raises(DGNOError, match="z = 1 of well a02, site 1, channel w1 is missing"):
        read_image(tmp_path)


def test_folders_within_are_not_mixed_up(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        for z in range(2):
            put(tmp_path / name / f"{z}.png", z)
    assert plane_files(tmp_path) == []


def test_the_real_smear_has_planes_of_many_sizes(shared_data: Path) -> None:
    folder = shared_data / "sharpness-smear-stack"
    assert [file.stem for file in plane_files(folder)] == [str(z) for z in range(-9, 10)]
    with pytest.raises(DGNOError, match=r"-9\.bmp is 286 x 330 and -8\.bmp is 289 x 333"):
        read_image(folder)


def test_the_real_collection_of_fields(shared_data: Path) -> None:
    source = read_image(shared_data / "bbbc006-miq")
    assert (source.axes, source.shape) == ("PYX", (29, 520, 696))


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
@pytest.mark.parametrize("shape", [(20, 24), (20, 24, 3)])
def test_opening_a_folder_decodes_nothing(
    tmp_path: Path, suffix: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for z in range(3):
        put(tmp_path / f"{z}.{suffix}", z, shape)
    reads: list[Path] = []
    monkeypatch.setattr(
        "PIL.ImageFile.ImageFile.load", lambda file: reads.append(Path(file.filename))
    )
    source = read_image(tmp_path)
    assert (source.shape, source.dtype) == ((3, *shape), np.uint8)
    assert reads == []


def test_a_plane_that_changed_meanwhile_is_named(tmp_path: Path) -> None:
    for z in range(2):
        put(tmp_path / f"{z}.png", z)
    source = read_image(tmp_path)
    put(tmp_path / "1.png", 1, (30, 24))
    with pytest.raises(DGNOError, match=r"1\.png has changed"):
        source.read((1, slice(None), slice(None)))


def test_lost_opacity_is_told_of_a_folder_too(tmp_path: Path) -> None:
    Image.new("LA", (24, 20)).save(tmp_path / "1.png")
    assert "opacity is left out" in read_image(tmp_path).warnings[0]
