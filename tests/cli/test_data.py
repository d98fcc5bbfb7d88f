from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dgno_core.data.datasets import datasets, fetch
from dgno_core.io.download import DownloadProgressed

Dgno = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with two pairs of 3DHistech, of the right size."""
    from PIL import Image

    for name in ("train/blur/1", "train/GT/1", "test/blur/2", "test/GT/2"):
        path = tmp_path / "root" / f"{name}.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (256, 256)).save(path)
    return tmp_path / "root"


def test_the_list_names_every_data_set(dgno: Dgno) -> None:
    ended = dgno("data", "list")
    assert (ended.status, ended.err) == (0, "")
    lines = {line.split()[0]: line for line in ended.out.splitlines() if line}
    for name, layout in datasets().items():
        assert f"{layout.about.images:,} images" in lines[name]


@pytest.mark.parametrize("name", sorted(datasets()))
def test_all_is_told_about_one(name: str, dgno: Dgno) -> None:
    ended = dgno("data", "list", name)
    about = datasets()[name].about
    assert ended.status == 0
    for text in (about.tree, about.licence, about.homepage, about.citation, about.verified):
        assert text in ended.out


def test_a_folder_without_faults(dgno: Dgno, root: Path) -> None:
    ended = dgno("data", "check", "3dhistech", root)
    assert (ended.status, ended.err) == (0, "")
    assert "1 train, 1 test" in ended.out
    assert "train: 1 of 66,976" in ended.out
    assert "complete" not in ended.out


def test_faults_are_listed_and_the_status_tells(dgno: Dgno, root: Path) -> None:
    from PIL import Image

    for n in range(30):
        Image.new("RGB", (256, 256)).save(root / "train" / "blur" / f"alone{n}.png")
    ended = dgno("data", "check", "3dhistech", root)
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "30 faults" in ended.err
    assert ended.out.count("missing partner: ") == 20
    assert "and 10 more (--all shows them)" in ended.out
    assert dgno("data", "check", "3dhistech", root, "--all").out.count("missing partner: ") == 30


def test_a_quick_look_reads_no_header(dgno: Dgno, root: Path) -> None:
    (root / "train" / "blur" / "1.png").write_bytes(b"")
    assert dgno("data", "check", "3dhistech", root, "--quick").status == 0
    ended = dgno("data", "check", "3dhistech", root)
    assert (ended.status, "unreadable" in ended.out) == (2, True)


def test_the_wrong_folder_is_one_line(dgno: Dgno, root: Path) -> None:
    ended = dgno("data", "check", "3dhistech", root / "train")
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert f"give {root} instead" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ("check", "bbbc005", "."),
        ("check", "bbbc006-w1", ".", "--planes", "two"),
        ("fetch", "dpdd", "--out", "x"),
        ("fetch", "bbbc006", "--out", "x", "--planes", "99"),
        ("fetch", "bbbc006"),
    ],
)
def test_bad_words_are_one_line(words: tuple[str, ...], dgno: Dgno) -> None:
    ended = dgno("data", *words)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)


def test_a_dry_run_fetches_nothing(
    dgno: Dgno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("it fetched")

    monkeypatch.setattr(fetch, "fetch", never)
    monkeypatch.setattr("urllib.request.urlopen", never)
    ended = dgno(
        "data", "fetch", "bbbc006", "--out", tmp_path / "new", "--planes", "2,16", "--dry-run"
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("https://data.broadinstitute.org/") == 2
    assert "nothing was fetched" in ended.out
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told_in_tenths(
    dgno: Dgno, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steps(folder: Path, wanted: Any) -> Iterator[Any]:
        assert [archive.folder[-2:] for archive in wanted] == ["02", "06", "10", "16"]
        yield fetch.AlreadyThere(folder / "z_02")
        for done in range(0, 1001, 2):
            yield DownloadProgressed("z_16.zip", done * 10**6, 10**9)
        yield fetch.DownloadWarned("something is odd.")
        yield fetch.Unpacked(folder / "z_16", 1536, "ab" * 32)

    monkeypatch.setattr(fetch, "fetch", steps)
    ended = dgno("data", "fetch", "bbbc006", "--out", tmp_path)
    assert ended.status == 0
    assert ended.err.count("z_16.zip: ") == 11
    assert "warning: something is odd." in ended.err
    assert "1536 images" in ended.out
    assert "ab" * 32 in ended.out


def test_neither_help_nor_data_needs_torch_or_pandas() -> None:
    script = (
        "import sys; from dgno_core.cli.app import app; from dgno_core.cli.running import run; "
        "run(app, 'dgno', ['--help']); early = {'torch', 'pandas', 'numpy'} & set(sys.modules); "
        "run(app, 'dgno', ['data', 'list']); late = {'torch', 'pandas'} & set(sys.modules); "
        "sys.exit(repr((early, late)) if early | late else 0)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True).returncode == 0
