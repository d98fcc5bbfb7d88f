from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def batteries(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the package of the batteries, which lies beside its script."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import batteries.inputs
    import batteries.page

    yield batteries
    for name in [name for name in sys.modules if name.partition(".")[0] == "batteries"]:
        del sys.modules[name]


def record(**changes: Any) -> dict[str, Any]:
    facts = {
        "kind": "image", "title": "text", "work": "training", "left": "nothing", "status": 2,
        "sentence": "dgno: a|b", "cpu_seconds": 1.0, "peak_mb": 200, "broken": [],
    }  # fmt: skip
    return facts | changes


@pytest.fixture
def found() -> dict[str, Any]:
    return {
        "version": "1", "python": "3", "torch": "2", "system": "Linux", "seed": 0,
        "rules": {"cpu_seconds": 20.0, "peak_mb": 1500.0},
        "inputs": [record(), record(title="NaN", broken=["status 0"])],
        "restoring": [record()] * 3, "training": [record()], "disks": [record()],
    }  # fmt: skip


def test_the_page_is_written_between_its_markers(batteries: Any, found: dict[str, Any]) -> None:
    page = f"before\n{batteries.page.BEGIN}\nearlier numbers\n{batteries.page.END}\nafter\n"
    once = batteries.page.insert(page, found)
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "earlier numbers" not in once
    assert "| bad inputs | 2 | 1 |" in once
    assert "| training | 3 | 3 x nothing | 3 |" in once
    assert r"dgno: a\|b" in once
    assert batteries.page.insert(once, found) == once
    assert batteries.page.failures(found) == ["NaN: status 0"]


def test_every_rule_can_be_broken(batteries: Any, tmp_path: Path) -> None:
    from batteries.cases import Case
    from batteries.running import Ended

    case = Case("image", "text", lambda folder: [])

    def broken(before: dict[str, str], after: dict[str, str], **changes: Any) -> tuple[str, ...]:
        good = {"status": 2, "out": "", "err": "dgno: no\n", "cpu_seconds": 1.0, "peak_mb": 100.0}
        answer = batteries.inputs.judge(case, Ended(**good | changes), before, after, tmp_path)
        return tuple(answer.broken)

    assert broken({"a": "1"}, {"a": "1"}) == ()
    assert broken({"a": "1"}, {"a": "2"}) == ("left or changed: a",)
    assert broken({"a": "1"}, {}) == ("left or changed: a",)
    assert broken({}, {"work/.b.partial": ""}) == ("left or changed: work/.b.partial",)
    assert broken({}, {"EXECUTED": ""})[1] == "foreign code was run"
    assert broken({}, {}, status=1) == ("status 1",)
    assert broken({}, {}, err="Traceback\nX\n") == ("a traceback", "2 lines")
    assert broken({}, {}, err="") == ("0 lines",)
    assert broken({}, {}, out="out.tif") == ("something on stdout",)
    assert broken({}, {}, cpu_seconds=21.0, peak_mb=2e4) == ("21 CPU seconds", "20000 MB")


def test_there_are_enough_different_inputs(batteries: Any) -> None:
    from batteries.cases import CASES

    titles = [case.title for case in CASES]
    assert len(titles) == len(set(titles))
    assert len(titles) > 100


def test_the_page_tells_what_its_numbers_say(batteries: Any) -> None:
    page = (DOCS / "reliability.md").read_text(encoding="utf-8")
    numbers = json.loads((DOCS / "reliability.json").read_text(encoding="utf-8"))
    assert batteries.page.insert(page, numbers) == page
    assert (len(numbers["restoring"]), len(numbers["training"])) == (20, 16)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the batteries need Linux")
def test_a_sample_of_the_batteries_is_as_promised(tmp_path: Path) -> None:
    script = SCRIPTS / "reliability.py"
    command = [sys.executable, str(script), "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    assert done.stderr.count("as promised") == 8 + 2 + 1 + 2
