from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgno_core.data.datasets.bbbc006 import WELLS, split_of_well, wells_of
from dgno_core.data.datasets.cadisblur import split_of_frame
from dgno_core.data.datasets.lfdof import split_of_scene
from dgno_core.data.datasets.split import hash_split

SHARES = {"test": 0.2, "val": 0.05, "train": 0.75}


@given(st.sets(st.text(max_size=8), max_size=30), st.sets(st.text(max_size=8), max_size=30))
def test_adding_groups_moves_no_other(before: set[str], more: set[str]) -> None:
    first = {group: hash_split(group, SHARES, "seed") for group in sorted(before)}
    second = {group: hash_split(group, SHARES, "seed") for group in sorted(before | more)[::-1]}
    assert first.items() <= second.items()


@given(st.text(max_size=8), st.floats(0.01, 0.5), st.floats(0, 0.49))
def test_a_larger_share_of_testing_only_takes_from_training(
    group: str, share: float, more: float
) -> None:
    small = hash_split(group, {"test": share, "train": 1 - share}, "seed")
    large = hash_split(group, {"test": share + more, "train": 1 - share - more}, "seed")
    assert (small, large) != ("test", "train")


def test_shares_are_kept() -> None:
    found = [hash_split(f"group {n}", SHARES, "seed") for n in range(4000)]
    for name, share in SHARES.items():
        assert abs(found.count(name) / 4000 - share) < 0.02


def test_another_seed_gives_another_split() -> None:
    one, two = ([hash_split(w, SHARES, seed) for w in WELLS] for seed in ("one", "two"))
    assert one != two


@pytest.mark.parametrize("shares", [{"a": 0.5}, {"a": 1.5, "b": -0.5}])
def test_shares_must_sum_to_one(shares: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        hash_split("x", shares, "seed")


def test_the_published_split_of_bbbc006_never_changes() -> None:
    wells = {name: wells_of(name) for name in ("train", "val", "test")}
    assert {name: len(found) for name, found in wells.items()} == {
        "train": 288, "val": 19, "test": 77
    }  # fmt: skip
    assert sorted(well for found in wells.values() for well in found) == sorted(WELLS)
    digest = hashlib.sha256(" ".join(wells["test"] + wells["val"]).encode()).hexdigest()
    assert digest.startswith("4a58dea523daa9a6")


def test_the_documentation_prints_that_split() -> None:
    text = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for name, heading in (("test", "Wells for testing"), ("val", "Wells for validation")):
        block = text.partition(heading)[2].split("```")[1]
        assert re.findall(r"[a-p]\d\d", block) == wells_of(name)


def test_case_does_not_matter() -> None:
    assert all(split_of_well(well) == split_of_well(well.upper()) for well in WELLS)
    assert split_of_scene("IMG_1275") == split_of_scene("img_1275")


def test_the_split_of_cadis_is_by_video() -> None:
    names = {n: split_of_frame(f"Video{n}_frame000090") for n in range(1, 26)}
    assert [n for n, name in names.items() if name == "val"] == [5, 7, 16]
    assert [n for n, name in names.items() if name == "test"] == [2, 12, 22]
    with pytest.raises(ValueError, match="holiday"):
        split_of_frame("holiday")
