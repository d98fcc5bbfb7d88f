"""Runs are renamed and deleted whole, and nothing else is touched."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import psutil
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import writing
from dgno_core.models import load_model, read_card
from dgno_core.models.card import weights_hash
from dgno_core.training import load_config, train_events
from dgno_core.training.claim import CLAIM, owner
from dgno_core.training.events import StepDone, TrainFinished
from dgno_core.training.runs import delete_run, is_run, rename_run


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
    assert owner(new) is None
    assert not (new / CLAIM).exists()
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
    (run / CLAIM).write_text(json.dumps(claim))
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
