from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.data.datasets import find_dataset
from dgno_core.data.datasets.matching import match_by_key, match_by_order


def paths(folder: str, *numbers: int) -> list[Path]:
    return [Path(folder, f"1P0A{n:04d}.png") for n in numbers]


def test_equal_names_are_matched_whatever_their_order() -> None:
    matches, faults = match_by_order(paths("a", 1, 2), paths("b", 2, 1), 9)
    assert [(first.stem, second.stem) for first, second in matches] == [
        ("1P0A0001", "1P0A0001"), ("1P0A0002", "1P0A0002")
    ]  # fmt: skip
    assert faults == []


def test_camera_numbers_are_matched_in_order() -> None:
    matches, faults = match_by_order(paths("a", 10, 20, 35), paths("b", 11, 19, 36), 9)
    assert [second.stem[-2:] for _, second in matches] == ["11", "19", "36"]
    assert faults == []


def test_nothing_is_guessed_when_one_is_missing() -> None:
    matches, (fault,) = match_by_order(paths("a", 10, 20, 35), paths("b", 11, 36), 3)
    assert matches == []
    assert fault.kind == "missing partner"
    assert "3 images" in fault.text
    assert "2;" in fault.text


def test_one_missing_on_each_side_is_found_out() -> None:
    # Equal counts, but the blurred 10 and the sharp 36 are lost: order alone would shift all.
    matches, faults = match_by_order(paths("a", 20, 35, 50), paths("b", 11, 21, 51), 4)
    assert [(first.stem[-2:], second.stem[-2:]) for first, second in matches] == [("50", "51")]
    assert [fault.kind for fault in faults] == ["missing partner"] * 2


@given(st.sets(st.integers(1, 9999).map(lambda n: 10 * n), min_size=3, max_size=12))
def test_no_pair_is_wrong_however_many_are_lost(numbers: set[int]) -> None:
    scenes = sorted(numbers)
    blurred, sharp = paths("a", *scenes[1:]), paths("b", *(n + 1 for n in scenes[:-1]))
    matches, _ = match_by_order(blurred, sharp, 99)
    assert all(int(b.stem[4:]) == int(a.stem[4:]) + 1 for a, b in matches)


def test_the_publishers_order_is_trusted_when_all_are_there() -> None:
    # 20 was taken right after 19, but 19 is the second picture of the scene before.
    sides = paths("a", 10, 20), paths("b", 19, 23)
    assert len(match_by_order(*sides, 2)[0]) == 2
    assert len(match_by_order(*sides, 3)[0]) == 0


def test_names_without_numbers_are_matched_in_order() -> None:
    matches, faults = match_by_order([Path("a/x.png")], [Path("b/y.png")], 2)
    assert (len(matches), faults) == (1, [])


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_side_leaves_everybody_without_partner(empty: int) -> None:
    sides = [paths("a", 1), paths("b", 2)]
    sides[empty] = []
    matches, faults = match_by_order(*sides, 1)
    assert matches == []
    assert [fault.kind for fault in faults] == ["missing partner"]


def test_two_sharp_images_of_one_key_are_reported() -> None:
    matches, faults = match_by_key(
        [Path("a/1.png")], [Path("b/1.png"), Path("b/1.tif")], lambda p: p.stem, lambda p: p.stem
    )
    assert (len(matches), [fault.kind for fault in faults]) == (1, ["twice"])


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("3dhistech", [f"{s}/{side}/1.png" for s in ("train", "test") for side in ("blur", "GT")]),
        (
            "lfdof",
            [
                name
                for s in ("train", "test")
                for name in (
                    f"{s}_data/input/IMG_0001/IMG_0001_ap1_00.png",
                    f"{s}_data/ground_truth/IMG_0001.png",
                )
            ],
        ),
    ],
)
def test_what_lies_in_two_splits_is_a_leak(name: str, files: list[str], tmp_path: Path) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    found = find_dataset(name).scan(tmp_path, sizes=False)
    assert [fault.kind for fault in found.faults] == ["leak"]
    assert len(found.pairs) == 1


def test_a_video_is_tested_on_whatever_its_folder(tmp_path: Path) -> None:
    for side in ("GT/Video2_frame000090.png", "blur/Video2_frame000090_ins.png"):
        (tmp_path / "train" / side).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / side).touch()
    assert find_dataset("cadisblur").scan(tmp_path, sizes=False).counts == {"test": 1}
