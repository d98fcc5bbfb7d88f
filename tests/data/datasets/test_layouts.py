"""What holds for every data set."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dgno_core.data.datasets import Contents, datasets, find_dataset
from dgno_core.errors import DGNOError

Write = Callable[..., Path]
Trees = dict[str, Sequence[str]]
LABELLED = ["3dhistech", "bbbc006-w1", "cadisblur", "dpdd", "lfdof", "realdof"]


def scan(name: str, root: Path, *, sizes: bool = False) -> Contents:
    return find_dataset(name).scan(root, sizes=sizes)


def kinds(contents: Contents) -> list[str]:
    return [fault.kind for fault in contents.faults]


def test_a_tree_with_the_real_names_gives_its_pairs_and_no_fault(
    dataset: str, trees: Trees, pairs: dict[str, dict[str, int]], write: Write
) -> None:
    found = scan(dataset, write(trees[dataset]))
    assert found.faults == ()
    assert found.counts == pairs[dataset]
    assert len({pair.name for pair in found.pairs}) == len(found.pairs)
    is_labelled = find_dataset(dataset).about.labelled == "pairs"
    assert all((pair.sharp is not None) == is_labelled for pair in found.pairs)


def test_every_pair_can_be_read(dataset: str, trees: Trees, write: Write) -> None:
    for pair in scan(dataset, write(trees[dataset])).pairs:
        blurred, sharp = pair.read()
        assert blurred.shape[:2] == (6, 8)
        assert sharp is None or sharp.shape == blurred.shape


def test_upper_case_endings_count_too(
    dataset: str, trees: Trees, pairs: dict[str, dict[str, int]], write: Write
) -> None:
    names = [
        name if n % 2 else str(Path(name).with_suffix(Path(name).suffix.upper()))
        for n, name in enumerate(trees[dataset])
    ]
    found = scan(dataset, write(names))
    assert (found.faults, found.counts) == ((), pairs[dataset])


def test_what_desktops_and_archives_leave_behind_is_ignored(
    dataset: str, trees: Trees, pairs: dict[str, dict[str, int]], write: Write
) -> None:
    root = write(trees[dataset])
    for name in trees[dataset]:
        path = root / name
        write([f"{Path(name).parent}/._{path.name}", f"__MACOSX/{name}"])
        (path.parent / "Thumbs.db").write_bytes(b"")
        (path.parent / "notes.txt").write_text("mine")
    found = scan(dataset, root)
    assert (found.faults, found.counts) == ((), pairs[dataset])


@pytest.mark.parametrize("name", LABELLED)
def test_a_missing_sharp_image_is_reported_and_its_pairs_are_left_out(
    name: str, trees: Trees, write: Write
) -> None:
    root = write(trees[name])
    whole = scan(name, root)
    lost = whole.pairs[0].sharp
    lost.path.unlink()
    found = scan(name, root)
    assert "missing partner" in kinds(found)
    assert 0 < len(found.pairs) < len(whole.pairs)
    assert all(pair.sharp.path != lost.path for pair in found.pairs)
    remaining = {pair.name: pair for pair in whole.pairs}
    assert all(remaining[pair.name] == pair for pair in found.pairs), "no pair got a wrong partner"


@pytest.mark.parametrize("name", ["3dhistech", "cadisblur", "dpdd", "lfdof", "realdof"])
def test_a_sharp_image_without_a_blurred_one_is_reported(
    name: str, trees: Trees, write: Write
) -> None:
    root = write(trees[name])
    whole = scan(name, root)
    for pair in whole.pairs:
        if pair.sharp.path == whole.pairs[0].sharp.path:
            pair.blurred.path.unlink()
    found = scan(name, root)
    assert "missing partner" in kinds(found)
    remaining = {pair.name: pair for pair in whole.pairs}
    assert all(remaining[pair.name] == pair for pair in found.pairs)


@pytest.mark.parametrize("name", ["bbbc006-w1", "cadisblur", "lfdof", "cuhk"])
def test_an_image_of_a_foreign_name_is_reported(name: str, trees: Trees, write: Write) -> None:
    folder = Path(trees[name][1]).parent
    root = write([*trees[name], f"{folder}/holiday.png"])
    found = scan(name, root)
    assert kinds(found) == ["unexpected file"]
    assert "holiday.png" in found.faults[0].text


def test_a_folder_above_or_below_names_the_right_one(
    dataset: str, trees: Trees, write: Write, tmp_path: Path
) -> None:
    if not find_dataset(dataset).about.split.startswith("All are extra data"):
        root = write(trees[dataset], root="downloads/data/set")
        for wrong in (tmp_path / "downloads", root / Path(trees[dataset][-1]).parts[0]):
            with pytest.raises(DGNOError) as caught:
                scan(dataset, wrong)
            assert str(caught.value).endswith(f"give {root} instead.")


@pytest.mark.parametrize("kind", ["nothing", "empty", "file", "holiday"])
def test_a_folder_that_is_none_of_it_is_one_sentence(
    kind: str, dataset: str, tmp_path: Path, write: Write
) -> None:
    root = tmp_path / "place"
    if kind == "empty":
        root.mkdir()
    elif kind == "file":
        root.write_text("")
    elif kind == "holiday":
        if find_dataset(dataset).about.name in ("wnlo", "catablur"):
            return  # there any image may belong to it
        root = write(["beach/1.jpg", "beach/2.jpg"])
    with pytest.raises(DGNOError, match=r"; give the folder .*\.$") as caught:
        scan(dataset, root)
    assert str(root) in str(caught.value)


def test_headers_tell_wrong_sizes_and_damage(dataset: str, trees: Trees, write: Write) -> None:
    about = find_dataset(dataset).about
    size = about.size or (6, 8)
    root = write(trees[dataset], size=size)
    whole = scan(dataset, root, sizes=True)
    assert whole.faults == ()
    whole.pairs[0].blurred.path.write_bytes(b"not an image")
    found = scan(dataset, root, sizes=True)
    assert kinds(found) == ["unreadable"]
    assert len(found.pairs) == len(whole.pairs) - 1
    if about.size:
        shutil.copy(write(["odd.png"], root="odd") / "odd.png", whole.pairs[-1].blurred.path)
        found = scan(dataset, root, sizes=True)
        assert {"unreadable", "wrong size"} == set(kinds(found))
        lost = 2 if about.labelled == "pairs" else 1  # it stays where no partner is of another size
        assert len(found.pairs) == len(whole.pairs) - lost


def test_images_that_were_all_scaled_are_reported_but_kept(
    dataset: str, trees: Trees, write: Write
) -> None:
    root = write(trees[dataset])
    found = scan(dataset, root, sizes=True)
    has_size = find_dataset(dataset).about.size is not None
    assert set(kinds(found)) == ({"wrong size"} if has_size else set())
    assert len(found.pairs) == len(scan(dataset, root).pairs)


def test_the_facts_are_whole() -> None:
    for name, layout in datasets().items():
        about = layout.about
        assert about.name == name == name.lower()
        for text in (about.title, about.homepage, about.citation, about.licence, about.tree):
            assert text.strip()
        for text in (about.split, about.verified):
            assert text.endswith(".")
        assert {part for key in about.expected for part in key.split("+")} <= {
            "train", "val", "test"
        }  # fmt: skip


def test_the_counts_agree_with_the_papers() -> None:
    about = {name: layout.about for name, layout in datasets().items()}
    assert about["bbbc006-w1"].images + about["bbbc006-w2"].images == 6_144
    assert sum(about["bbbc006-w1"].expected.values()) == 768 * 3
    assert sum(about["3dhistech"].expected.values()) == about["3dhistech"].images == 94_973
    assert sum(about["cadisblur"].expected.values()) == about["cadisblur"].images == 2 * 4_670
    assert sum(about["dpdd"].expected.values()) == 500
    assert sum(about["lfdof"].expected.values()) + 790 + 50 == about["lfdof"].images


def test_links_that_lead_round_in_a_circle_end(trees: Trees, write: Write) -> None:
    root = write(trees["wnlo"])
    (root / "blur" / "again").symlink_to(root, target_is_directory=True)
    assert len(scan("wnlo", root).pairs) == 3


def test_unknown_names_and_planes() -> None:
    with pytest.raises(DGNOError, match=r"no data set 'bbbc005' .*; there are bbbc006-w1, "):
        find_dataset("bbbc005")
    with pytest.raises(DGNOError, match=r"dpdd has no planes"):
        find_dataset("DPDD", [2])
