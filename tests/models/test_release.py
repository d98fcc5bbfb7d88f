"""Fetching weights: from a file, and from a server in this process that misbehaves on request."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.io import download as downloads
from dgno_core.models import (
    DGNOConfig,
    ModelCard,
    build_model,
    load_model,
    read_card,
    save_model,
    weights_names,
)
from dgno_core.models.fetch import ModelFetched, fetch_model_events
from dgno_core.models.release import Release, releases
from dgno_core.models.weights import VARIABLE, model_cache
from support.web_server import Server, run, serving

NAME = "dgno-cell"


def write_weights(path: Path, name: str = NAME, *, spoil: bool = False) -> Path:
    torch.manual_seed(0)
    config = DGNOConfig(width=8, heads=2, blocks=(1, 1, 1, 1), iterations=1)
    model = build_model(config)
    if spoil:
        next(model.parameters()).data.fill_(torch.nan)
    save_model(model, ModelCard(name=name, config=config, tile=64, halo=16), path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("release") / "anything.safetensors")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "user" / "cache"))
    return tmp_path / "user" / "cache"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, weights: Path) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    with serving() as state:
        state.files["w"] = weights.read_bytes()
        yield state


@pytest.fixture
def released(server: Server, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Offer the weights on the server, as if a release had been made."""
    content = weights.read_bytes()
    # The table itself takes https addresses only.
    entry = Release.model_construct(
        name=NAME,
        url=f"{server.url}/w",
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )
    for module in ("fetch", "weights"):
        monkeypatch.setattr(f"dgno_core.models.{module}.releases", lambda: {NAME: entry})
    return entry


def fetch(name: str = NAME, folder: Path | None = None, **options: Any) -> ModelFetched:
    seen, _ = run(fetch_model_events(name, folder, **options))
    assert isinstance(seen[-1], ModelFetched)
    return seen[-1]


def left_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_no_release_is_promised_before_there_is_one() -> None:
    assert dict(releases()) == {}
    with pytest.raises(DGNOError, match=r"no weights have been released yet.*train them yourself"):
        fetch()


def test_released_weights_are_found_by_name(released: Release, cache: Path) -> None:
    assert NAME not in weights_names()
    fetched = fetch()
    assert (fetched.path, fetched.sha256) == (cache / f"{NAME}.safetensors", released.sha256)
    assert not fetched.was_there
    assert left_in(cache) == [f"{NAME}.safetensors"]
    assert not (cache / ".fetching").exists()
    assert NAME in weights_names()
    assert read_card(NAME).name == NAME
    assert load_model(NAME, "cpu").card is not None


def test_fetching_again_asks_no_server(released: Release, server: Server) -> None:
    fetch()
    server.asked.clear()
    assert fetch().was_there
    assert server.asked == []


@pytest.mark.parametrize("kind", ["path", "text", "url"])
def test_a_file_of_this_machine_serves_as_well(kind: str, weights: Path, cache: Path) -> None:
    source = {"path": weights, "text": str(weights), "url": weights.as_uri()}[kind]
    fetched = fetch(source=source)
    assert fetched.path.read_bytes() == weights.read_bytes()
    assert left_in(cache) == [f"{NAME}.safetensors"]
    assert fetch(source=source).was_there


def test_the_model_folder_takes_the_place_of_the_cache(
    released: Release, tmp_path: Path, cache: Path
) -> None:
    folder = tmp_path / "models"
    assert fetch(folder=folder).path == folder / f"{NAME}.safetensors"
    assert not cache.exists()
    assert load_model(NAME, "cpu", folder=folder).card is not None
    with pytest.raises(DGNOError, match="without trained weights"):
        load_model(NAME, "cpu")


def test_a_cut_download_goes_on_at_the_next_call(
    released: Release, server: Server, cache: Path
) -> None:
    server.cut_after = [10_000, 5_000, 2_000]
    with pytest.raises(DGNOError, match="run the same command again"):
        fetch()
    assert NAME not in weights_names()
    assert fetch().sha256 == released.sha256
    assert server.asked[-1][2] == "bytes=17000-"
    assert left_in(cache) == [f"{NAME}.safetensors"]


def test_a_cancelled_download_leaves_only_what_can_be_continued(
    released: Release, cache: Path
) -> None:
    work = fetch_model_events(NAME)
    next(work)
    next(work)
    work.close()
    assert weights_names() == [name for name in weights_names() if name != NAME]
    assert all(name.endswith((".part", ".part.tag")) for name in left_in(cache))
    assert fetch().sha256 == released.sha256


@pytest.mark.parametrize("harm", ["other bytes", "more bytes", "fewer bytes"])
def test_another_file_on_the_server_is_refused(
    harm: str, released: Release, server: Server, cache: Path
) -> None:
    content = server.files["w"]
    server.files["w"] = {
        "other bytes": content[:-1] + bytes([content[-1] ^ 1]),
        "more bytes": content + b"x",
        "fewer bytes": content[:-1],
    }[harm]
    with pytest.raises(DGNOError, match="expected"):
        fetch()
    assert left_in(cache) == []
    assert NAME not in weights_names()


def test_an_address_without_a_known_checksum_is_refused(server: Server, weights: Path) -> None:
    with pytest.raises(DGNOError, match="--sha256"):
        fetch(source=f"{server.url}/w")
    assert server.asked == []
    right = hashlib.sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(DGNOError, match="64 digits"):
        fetch(source=f"{server.url}/w", sha256=right[:-1])
    assert fetch(source=f"{server.url}/w", sha256=right.upper()).sha256 == right


def test_a_released_checksum_cannot_be_talked_away(released: Release, tmp_path: Path) -> None:
    other = write_weights(tmp_path / "other.safetensors", spoil=True)
    with pytest.raises(DGNOError, match="was expected"):
        fetch(source=other)
    with pytest.raises(DGNOError, match="were released with the checksum"):
        fetch(source=other, sha256="0" * 64)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("not finite", "cannot be used and was deleted"),
        ("cut", "not a complete safetensors file"),
        ("other name", "has the name dgno-face, not dgno-cell"),
        ("text", "not a complete safetensors file"),
    ],
)
def test_what_does_not_load_never_appears(
    kind: str, words: str, weights: Path, tmp_path: Path, cache: Path
) -> None:
    path = tmp_path / "bad.safetensors"
    match kind:
        case "not finite":
            write_weights(path, spoil=True)
        case "cut":
            path.write_bytes(weights.read_bytes()[:-100])
        case "other name":
            write_weights(path, "dgno-face")
        case "text":
            path.write_text("<html>Sign in</html>")
    with pytest.raises(DGNOError, match=words):
        fetch(source=path)
    assert left_in(cache) == []
    assert NAME not in weights_names()


def test_no_network_and_no_such_file_are_one_sentence(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(DGNOError, match="cannot be reached"):
        fetch(source="http://127.0.0.1:1/w", sha256="0" * 64)
    with pytest.raises(DGNOError, match="There is no file"):
        fetch(source=tmp_path / "nothing.safetensors")
    with pytest.raises(DGNOError, match="give an https address or a file"):
        fetch(source="ftp://127.0.0.1/w", sha256="0" * 64)
    assert not cache.exists() or left_in(cache) == []


def test_a_full_disk_is_found_out_before_anything_comes(
    released: Release, server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=released.size - 1))
    with pytest.raises(DGNOError, match="GB are needed"):
        fetch()
    assert server.asked == []
    assert left_in(cache) == []


def test_a_file_of_the_user_is_never_replaced(released: Release, cache: Path) -> None:
    cache.mkdir(parents=True)
    own = cache / f"{NAME}.safetensors"
    own.write_bytes(b"my own work")
    with pytest.raises(DGNOError, match="is another file; delete or rename it"):
        fetch()
    assert own.read_bytes() == b"my own work"


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "a\\b"])
def test_a_name_cannot_lead_elsewhere(name: str, weights: Path) -> None:
    with pytest.raises(DGNOError, match="cannot be the name of weights"):
        fetch(name, source=weights)


def test_packaged_weights_are_not_fetched(weights: Path) -> None:
    with pytest.raises(DGNOError, match="part of this program"):
        fetch("dgno-cell-small", source=weights)


def test_the_table_takes_only_complete_entries_from_safe_addresses() -> None:
    good = {"name": NAME, "url": "https://a.org/w", "sha256": "0" * 64, "size": 1}
    Release.model_validate(good)
    bad = {"url": "http://a.org/w", "sha256": "0" * 63, "size": 0, "name": "../x"}
    for field, value in bad.items():
        with pytest.raises(ValueError, match=field):
            Release.model_validate(good | {field: value})


def test_the_cache_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert model_cache() == tmp_path / ".cache" / "napari-dgno" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert model_cache() == tmp_path / "xdg" / "napari-dgno" / "models"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert model_cache() == tmp_path / "Library" / "Caches" / "napari-dgno" / "models"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert model_cache() == tmp_path / "local" / "napari-dgno" / "models"


def test_an_entry_of_the_table_is_made_from_a_file(weights: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "release_entry.py"
    words = [sys.executable, str(script), str(weights), "https://a.org/w"]
    import yaml

    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    (entry,) = yaml.safe_load(made)
    assert Release.model_validate(entry).sha256 == downloads.file_sha256(weights)
    assert entry["name"] == NAME
