"""Runs are renamed and deleted whole, and nothing else is touched."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import psutil
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import recover, writing
from dgno_core.models import load_model, read_card
from dgno_core.models.card import read_card_file, replace_card, weights_hash
from dgno_core.training import load_config, train_events
from dgno_core.training.events import StepDone, TrainFinished
from dgno_core.training.runs.files import write_copies
from dgno_core.training.runs.folder import delete_run, is_run, rename_run, renaming_run
from dgno_core.training.runs.lock import LOCK, lock_holder, request_stop
from support.parts import in_two_parts


@pytest.fixture
def run(config_file: Path) -> Path:
    """Folder of a run that was closed after four of its six steps."""
    config = load_config(config_file)
    events = train_events(config)
    for event in events:
        if isinstance(event, StepDone) and event.step == 4:
            break
    events.close()
    text = config_file.read_text().replace("out: run", "out: .")
    (config.out / "config.yaml").write_text("# mine\n" + text.replace("root: .", "root: .."))
    return config.out


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_renamed_run_is_another_name_for_the_same(run: Path, config_file: Path) -> None:
    before = weights_hash(run / "best.safetensors")
    new = rename_run(run, "better-name")
    assert (new, run.exists()) == (run.with_name("better-name"), False)
    assert lock_holder(new) is None
    assert not (new / LOCK).exists()
    assert read_card(new / "best.safetensors").name == "better-name"
    assert weights_hash(new / "best.safetensors") == before
    assert load_model(new / "best.safetensors", "cpu").card.weights_sha256 == before
    assert (new / "config.yaml").read_text().startswith("# mine\n")
    assert json.loads((new / "config.json").read_text())["out"] == str(new)
    # It goes on under its new name, to the same end.
    config = load_config(config_file, ["name=better-name", f"out={new}"])
    last = list(train_events(config, resume=True))[-1]
    assert isinstance(last, TrainFinished)
    assert last.path == new / "better-name.safetensors"
    again = rename_run(new, "third")
    assert read_card(again / "third.safetensors").name == "third"
    assert not list(again.glob("better*"))
    assert "name: third" in (again / "config.yaml").read_text()


def test_a_deleted_run_is_gone(run: Path) -> None:
    around = tree(run.parent)
    delete_run(run)
    kept = {name: content for name, content in around.items() if not name.startswith("run/")}
    assert tree(run.parent) == kept
    assert not [path for path in run.parent.iterdir() if path.name.startswith(".")]


def test_a_run_that_goes_on_is_left_alone(run: Path) -> None:
    parent = psutil.Process(psutil.Process().ppid())
    claim = {"pid": parent.pid, "started": parent.create_time(), "host": socket.gethostname()}
    (run / LOCK).write_text(json.dumps(claim))
    before = tree(run)
    with pytest.raises(DGNOError, match=rf"is training \(process {parent.pid} .* stop it first"):
        rename_run(run, "other")
    with pytest.raises(DGNOError, match="cannot be deleted: stop it first"):
        delete_run(run)
    assert tree(run) == before


def test_only_folders_of_runs_are_ever_deleted(run: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a.tif").write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(run)
    for folder in (photos, link, run.parent, tmp_path / "nowhere", run / "config.json"):
        assert not is_run(folder)
        with pytest.raises(DGNOError, match="not the folder of a run"):
            delete_run(folder)
    assert is_run(run)
    (run / "restored.tif").write_text("mine")
    (run / "my images").mkdir()
    before = tree(run)
    with pytest.raises(DGNOError, match=r"also holds my images and 1 more, .* move it"):
        delete_run(run)
    assert tree(run) == before
    assert (photos / "a.tif").read_text() == "mine"


@pytest.mark.parametrize("name", ["", "A b", "../x", "taken"])
def test_names_that_cannot_be_given(run: Path, name: str) -> None:
    why = "exists already" if name == "taken" else "cannot be the name"
    (run.parent / "taken").mkdir()
    before = tree(run)
    with pytest.raises(DGNOError, match=why):
        rename_run(run, name)
    assert tree(run) == before


def test_a_run_that_cannot_be_moved_stays_whole(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(run)

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DGNOError, match="you may not write there"):
        delete_run(run)
    monkeypatch.undo()
    assert tree(run) == before
    with writing(run):
        delete_run(run)
    assert not run.exists()


@pytest.mark.parametrize("failing", [*range(7), None])  # three files, twice each, and the folder
def test_a_rename_that_fails_halfway_has_changed_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch, failing: int | None
) -> None:
    """Whichever of its renames fails, or what is done before the new name is final."""
    before, real, done = tree(run.parent), Path.rename, []

    def rename(path: Path, target: Path) -> Path:
        done.append(path)
        if len(done) - 1 == failing:
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    why = "the disk is full" if failing is not None else "no place for its model"

    def rename_and_fail() -> None:
        with renaming_run(run, "other") as new:
            assert read_card(new / "best.safetensors").name == "other"
            assert len(done) == 7
            raise DGNOError("no place for its model")

    with pytest.raises(DGNOError, match=why):
        rename_and_fail()
    assert tree(run.parent) == before
    monkeypatch.undo()
    assert read_card(rename_run(run, "other") / "best.safetensors").name == "other"


def test_a_disk_that_is_full_leaves_a_run_its_name(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(run.parent)

    def write(path: Path, *_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(DGNOError, match="the disk is full"):
        rename_run(run, "other")
    assert tree(run.parent) == before


@pytest.mark.parametrize(
    "mine",
    [
        "data/raw.tif",
        "data/sharp/cells-0001.tif",
        "pictures/me.png",
        "earlier-thoughts/notes.txt",
        "earlier-1/notes.txt",
        "my-model.safetensors",
        "download.part",
        "parts/list.csv",
    ],
)
def test_a_project_folder_keeps_what_is_the_users(run: Path, mine: str) -> None:
    path = run / mine
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("mine")
    before = tree(run)
    with pytest.raises(DGNOError, match=rf"also holds {mine}, which no training has written"):
        delete_run(run)
    assert tree(run) == before


def test_weights_count_as_the_runs_by_their_card(run: Path) -> None:
    card = read_card_file(run / "best.safetensors")
    replace_card(run / "best.safetensors", card.changed(name="another"))
    before = tree(run)
    with pytest.raises(DGNOError, match=r"also holds best\.safetensors"):
        delete_run(run)
    assert tree(run) == before


def test_copies_that_the_window_has_made_are_the_runs(run: Path) -> None:
    (run / "data" / "sharp").mkdir(parents=True)
    (run / "data" / "sharp" / "cells-0001.tif").write_text("a copy")
    (run / "not-finite-step-000005.safetensors").write_text("no card")
    write_copies(run, ["data/sharp/cells-0001.tif"])
    delete_run(rename_run(run, "other"))
    assert not run.with_name("other").exists()


def test_a_run_in_parts_is_renamed_and_deleted_whole(config_file: Path) -> None:
    config = load_config(in_two_parts(config_file))
    for event in train_events(config):
        if isinstance(event, StepDone) and event.step == 2:
            request_stop(config.out)  # in its first part
    new = rename_run(config.out, "moved")
    for settings in new.rglob("config.json"):
        assert str(config.out) + "/" not in settings.read_text()
    renamed = load_config(config_file.with_name("second.yaml"), ["name=moved", f"out={new}"])
    assert isinstance(list(train_events(renamed, resume=True))[-1], TrainFinished)
    again = rename_run(new, "third")
    (settings,) = again.glob("config.json")
    config = load_config(settings)
    assert config.after is not None
    assert config.after.out == again / "parts" / "tiny"
    assert not new.exists()
    assert is_run(again / "parts" / "tiny")
    delete_run(again)
    assert not again.exists()


def test_a_deletion_that_was_killed_is_ended_by_the_next(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", kill)
        with pytest.raises(KeyboardInterrupt):
            delete_run(run)
    (hidden,) = (path for path in run.parent.iterdir() if path.name.startswith("."))
    assert not run.exists()
    name = hidden.name.replace(f"-{psutil.Process().pid}-", "-999999999-")  # of a dead process
    hidden.rename(hidden.with_name(name))
    recover(run)
    assert not [path for path in run.parent.iterdir() if path.name.startswith(".")]
