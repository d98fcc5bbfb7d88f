from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dgno_core.data.datasets import find_dataset
from dgno_core.data.datasets.bbbc006 import BBBC006, WELLS, split_of_well
from dgno_core.errors import DGNOError
from dgno_core.io.names import BBBC006 as NAME

Write = Callable[..., Path]
Trees = dict[str, Sequence[str]]
UUID = "0bad1dea-77a3-4a12-9a0b-118e9c2d4f01"


def plane(z: int, well: str, site: int = 1, w: int = 1) -> str:
    return f"BBBC006_v1_images_z_{z:02d}/mcf-z-stacks-03212011_{well}_s{site}_w{w}{UUID}.tif"


def test_each_plane_goes_with_the_sharp_one_of_its_field(trees: Trees, write: Write) -> None:
    for name, stain in (("bbbc006-w1", "_w1"), ("bbbc006-w2", "_w2")):
        found = find_dataset(name).scan(write(trees["bbbc006-w1"]), sizes=False)
        assert len(found.pairs) == 2 * 2 * 3
        for pair in found.pairs:
            blurred, sharp = pair.blurred.path, pair.sharp.path
            assert blurred.parent.name[-2:] in ("02", "06", "10")
            assert sharp.parent.name.endswith("_z_16")
            field = blurred.name.partition(stain)[0]
            assert sharp.name.startswith(field + stain)
            assert pair.name == f"{field.split('_', 1)[1]}{stain}_z{blurred.parent.name[-2:]}"


def test_other_planes_may_be_asked_for(trees: Trees, write: Write) -> None:
    found = find_dataset("bbbc006-w1", (0, 10)).scan(write(trees["bbbc006-w1"]), sizes=False)
    assert {pair.name[-3:] for pair in found.pairs} == {"z00", "z10"}
    assert sum(found.expected.values()) == 768 * 2


@pytest.mark.parametrize("planes", [(), (16,), (2, 2), (34,), (-1, 2)])
def test_planes_that_cannot_be(planes: tuple[int, ...]) -> None:
    with pytest.raises(DGNOError, match="planes 0 to 33"):
        BBBC006(1, planes)


def test_wells_sites_stains_and_planes_stay_together(write: Write) -> None:
    wells = [*WELLS[:30], *WELLS[-10:]]
    root = write(plane(z, well, site, w) for z in (2, 16) for well in wells for site in (1, 2)
                 for w in (1, 2))  # fmt: skip
    splits: dict[str, set[str]] = {}
    for channel in (1, 2):
        for pair in BBBC006(channel, (2,)).scan(root, sizes=False).pairs:
            splits.setdefault(pair.name[:3], set()).add(pair.split)
    assert splits == {well: {split_of_well(well)} for well in wells}
    assert len({name for names in splits.values() for name in names}) == 3


def test_masks_go_with_their_field_whatever_the_plane(trees: Trees, write: Write) -> None:
    found = find_dataset("bbbc006-w1").scan(write(trees["bbbc006-w1"]), sizes=False)
    assert set(found.masks) == {f"a01_s1_w1_z{z:02d}" for z in (2, 6, 10)}
    assert {path.name for path in found.masks.values()} == {"mcf-z-stacks-03212011_a01_s1.png"}


def test_archives_unpacked_into_folders_of_their_own(trees: Trees, write: Write) -> None:
    nested = [f"{Path(name).parts[0]}/{name}" for name in trees["bbbc006-w1"]]
    found = find_dataset("bbbc006-w1").scan(write(nested), sizes=False)
    assert (found.faults, len(found.pairs)) == ((), 12)


def test_one_plane_given_instead_of_all_names_the_folder_above(trees: Trees, write: Write) -> None:
    root = write(trees["bbbc006-w1"])
    with pytest.raises(DGNOError, match=f"give {root} instead"):
        find_dataset("bbbc006-w1").scan(root / "BBBC006_v1_images_z_16")


def test_a_plane_that_is_not_there_at_all_is_one_fault(write: Write) -> None:
    root = write(plane(z, well) for z in (2, 6, 10) for well in WELLS[:20])
    (fault,) = find_dataset("bbbc006-w1").scan(root, sizes=False).faults
    assert fault.kind == "missing plane"
    assert f"dgno data fetch bbbc006 --out {root} --planes 16" in fault.text


def test_the_same_plane_twice_is_used_once(write: Write) -> None:
    again = plane(2, "a01").replace(UUID, UUID.replace("0bad", "1bad"))
    root = write([plane(2, "a01"), plane(16, "a01"), f"copy/{again}"])
    found = BBBC006(1, (2,)).scan(root, sizes=False)
    assert [fault.kind for fault in found.faults] == ["twice"]
    assert len(found.pairs) == 1


def test_a_plane_without_a_number_is_not_taken_for_plane_0(write: Write) -> None:
    root = write([plane(2, "a01"), plane(16, "a01"), Path(plane(0, "b01")).name])
    found = BBBC006(1, (2, 0)).scan(root, sizes=False)
    assert [fault.kind for fault in found.faults] == ["unexpected file", "missing plane"]
    assert "Nothing tells the plane" in found.faults[0].text


def test_the_real_files_have_names_that_are_understood(shared_data: Path) -> None:
    files = sorted((shared_data / "bbbc006-miq").iterdir())
    assert len(files) == 29
    assert all(NAME.match(path.stem) for path in files)


def test_the_real_files_hold_no_pairs_and_that_is_said(shared_data: Path) -> None:
    root = shared_data / "bbbc006-miq"
    found = find_dataset("bbbc006-w1").scan(root)
    assert (found.pairs, found.counts, found.is_complete) == ((), {}, False)
    kinds = [fault.kind for fault in found.faults]
    assert kinds.count("missing plane") == 4
    # Their z counts from another plane, so z = 10 among them must not become a blurred one.
    assert kinds.count("unexpected file") == 8
    assert len(kinds) == 12


def test_the_real_files_are_of_the_size_that_is_expected(shared_data: Path, tmp_path: Path) -> None:
    source = sorted((shared_data / "bbbc006-miq").glob("00_mcf*.tif"))[:3]
    for z in (0, 16):
        folder = tmp_path / f"BBBC006_v1_images_z_{z:02d}"
        folder.mkdir()
        for path in source:
            (folder / path.name.removeprefix("00_")).write_bytes(path.read_bytes())
    found = BBBC006(1, (0,)).scan(tmp_path)
    assert (found.faults, len(found.pairs)) == ((), 3)
    blurred, sharp = found.pairs[0].read()
    assert blurred.shape == sharp.shape == (520, 696)
    assert blurred.dtype == "uint16"
