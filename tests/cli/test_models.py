from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgno_core.cli.model_table import LICENCE
from dgno_core.models import architecture, model_names, read_card, weights_names

Dgno = Callable[..., Any]


def test_the_table_lists_weights_and_architectures(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--model-folder", model_folder)
    assert (ended.status, ended.err) == (0, "")
    for name in ("tiny-grey", "tiny-colour", *model_names()):
        assert name in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("tiny-colour")]
    for word in ("colour", "0-8 px", "[tiny]", "diagnosis"):
        assert word in line


def test_a_card_is_printed_whole(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--card", "tiny-grey", "--model-folder", model_folder)
    assert ended.status == 0
    card = read_card("tiny-grey", model_folder)
    assert json.loads(ended.out) == card.model_dump(mode="json")
    assert len(json.loads(ended.out)["weights_sha256"]) == 64


def test_an_unknown_card_is_one_line(dgno: Dgno, model_folder: Path) -> None:
    ended = dgno("models", "--card", "tiny-gray", "--model-folder", model_folder)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "tiny-gray" in ended.err


def test_models_needs_no_torch() -> None:
    script = (
        "import sys; from dgno_core.cli.app import app; from dgno_core.cli.running import run; "
        "run(app, 'dgno', ['models']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0


@pytest.mark.parametrize("words", [["models"], ["restore", "a.tif", "-o", "b.tif"]])
def test_a_model_folder_that_is_not_there_is_one_line(
    words: list[str], dgno: Dgno, tmp_path: Path
) -> None:
    ended = dgno(*words, "--model-folder", tmp_path / "nothere")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "nothere does not exist; " in ended.err


def test_an_architecture_is_not_taken_for_a_trained_model(dgno: Dgno) -> None:
    ended = dgno("models", "--card", "dgno-cell")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "dgno-cell is a network without trained weights" in ended.err
    assert "dgno-cell-small-colour" in ended.err


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every network cost the same: its true cost takes a second."""
    from dgno_core.models import cost as module

    same = module.Cost(
        parameters=12_345_678,
        macs_exact=234_560_000_000,
        macs_scan=1_230_000_000,
        macs_modules=134_560_000_000,
        macs_functions=145_670_000_000,
        peak_bytes=1_234_567_890,
    )
    monkeypatch.setattr(module, "cost", lambda config, side: same)


@pytest.mark.slow
def test_the_table_tells_what_the_papers_print(dgno: Dgno) -> None:
    ended = dgno("models", "--table", "--channels", 3)
    assert (ended.status, ended.err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line}
    assert rows["restormer"][:3] == ["26,126,644", "154.88", "140.99"]
    assert rows["mpt"][:3] == ["19,799,356", "88.03", "76.21"]
    assert rows["dgno-cell"][1:3] == ["51.62", "0.87"]


@pytest.mark.slow
def test_the_json_holds_the_exact_numbers(dgno: Dgno, model_folder: Path) -> None:
    from dgno_core.models.cost import cost

    ended = dgno("models", "--json", "--model-folder", model_folder)
    assert (ended.status, ended.err) == (0, "")
    content = json.loads(ended.out)
    assert (content["side"], content["channels"]) == (256, 1)
    names = [row["name"] for row in content["architectures"]]
    assert names == model_names()
    row = content["architectures"][names.index("nafnet")]
    assert dataclasses.asdict(cost(architecture("nafnet"))).items() <= row.items()
    assert list(content["weights"]) == weights_names(model_folder)
    assert content["weights"]["tiny-grey"] == read_card("tiny-grey", model_folder).model_dump(
        mode="json"
    )


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.usefixtures("at_once")
def test_the_table_fits_the_terminal(
    columns: int, dgno: Dgno, monkeypatch: pytest.MonkeyPatch, model_folder: Path
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    ended = dgno("models", "--table", "--model-folder", model_folder)
    lines = ended.out.splitlines()
    assert ended.status == 0
    assert max(map(len, lines)) <= columns
    numbers = "12,345,678 234.56 1.23 134.56 145.67 1235"
    for name in model_names():
        (row,) = [" ".join(line.split()) for line in lines if line.split()[:1] == [name]][:1]
        assert row.startswith(f"{name} {numbers} {LICENCE}")
    assert ("MambaIRv2" in lines[3]) == (columns == 120)
    for heading in ("name", "parameters", "exact", "scan", "modules", "functions", "MB", "licence"):
        assert heading in lines[2]


@pytest.mark.usefixtures("at_once")
def test_the_table_shows_the_cards_of_the_trained(dgno: Dgno, model_folder: Path) -> None:
    text = " ".join(dgno("models", "--table", "--model-folder", model_folder).out.split())
    assert "tiny-colour: A [tiny] colour network network dgno for colour images" in text
    for name in weights_names():
        card = read_card(name)
        for word in (card.title, *card.data, *card.licences, *card.not_for):
            assert word in text
        for key, score in card.scores.items():
            assert f"{key}: {score:.2f}" in text


@pytest.mark.usefixtures("at_once")
def test_every_paper_is_named_with_its_networks(dgno: Dgno) -> None:
    text = " ".join(dgno("models", "--table").out.split())
    assert "arXiv 2204.04676: nafnet, nafnet-dgno" in text
    assert "arXiv 2111.09881: restormer, restormer-dgno" in text
    assert "CVPR 2023: galerkin-global, galerkin-window" in text


def test_two_channels_are_one_line(dgno: Dgno) -> None:
    ended = dgno("models", "--table", "--channels", 2)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert "1 or 3 image channels" in ended.err


def test_the_licence_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["license"] == LICENCE


def test_one_bad_file_does_not_hide_the_others(dgno: Dgno, tmp_path: Path) -> None:
    from dgno_core.models.weights import PACKAGED

    whole = (PACKAGED / "dgno-cell-small.safetensors").read_bytes()
    (tmp_path / "good.safetensors").write_bytes(whole)
    (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    ended = dgno("models", "--model-folder", tmp_path)
    assert ended.status == 0
    assert "good" in ended.out
    (line,) = [line for line in ended.out.splitlines() if line.startswith("short")]
    assert "CANNOT" in line
    ended = dgno("models", "--table", "--model-folder", tmp_path)
    assert (ended.status, ended.err.count("\n")) == (0, 1)
    assert "short.safetensors" in ended.err


def test_options_that_would_do_nothing_are_refused(dgno: Dgno) -> None:
    for words in (("--channels", "3"), ("--card", "dgno-cell-small", "--json")):
        ended = dgno("models", *words)
        assert (ended.status, ended.err.count("\n")) == (2, 1)


def test_weights_are_fetched_from_a_file_and_then_listed(
    dgno: Dgno, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGNO_MODEL_CACHE", str(tmp_path / "cache"))
    source = model_folder / "tiny-grey.safetensors"
    ended = dgno("models", "--fetch", "tiny-grey", "--from", source)
    target = tmp_path / "cache" / "tiny-grey.safetensors"
    assert (ended.status, ended.out) == (0, f"{target}\n")
    assert "can be used now (dgno restore --model tiny-grey)" in ended.err
    assert target.read_bytes() == source.read_bytes()
    assert "tiny-grey" in dgno("models").out
    assert "is there already" in dgno("models", "--fetch", "tiny-grey", "--from", source).err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fetch", "dgno-cell"], "no weights have been released yet"),
        (["--fetch", "dgno-cell", "--from", "nowhere.safetensors"], "There is no file"),
        (["--fetch", "dgno-cell", "--table"], "lists nothing"),
        (["--from", "a.safetensors"], "go with --fetch NAME"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(
    words: list[str], says: str, dgno: Dgno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGNO_MODEL_CACHE", str(tmp_path / "cache"))
    ended = dgno("models", *words)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert says in ended.err
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
