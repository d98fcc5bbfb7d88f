"""StarDist in a process of its own: what becomes of one that dies, refuses or is cancelled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgno_core.detection import DetectConfig
from dgno_core.detection.process import Waiting, detecting
from dgno_core.errors import DGNOError
from dgno_core.interpretation.events import AnalysisProgressed
from dgno_core.io.source import ImageSource
from support.nuclei import nuclei

FAKE_PROCESS = """
import pathlib, sys, time
from dgno_core.events import Refused
from dgno_core.interpretation.events import AnalysisProgressed
wish = pathlib.Path(__file__).with_suffix(".txt").read_text()
print("a library says hello", flush=True)
if wish == "crash":
    print("LLVM ERROR: twice", file=sys.stderr)
    sys.exit(3)
if wish == "refuse":
    print(Refused("There is no such model.").to_json(), flush=True)
    sys.exit(0)
print(AnalysisProgressed(1, 2).to_json(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def fake_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Replace the process of StarDist; the returned function says how it behaves."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE_PROCESS)
    monkeypatch.setattr("dgno_core.detection.process.COMMAND", (sys.executable, str(script)))
    return lambda wish: script.with_suffix(".txt").write_text(wish) and None


@pytest.mark.parametrize(
    ("wish", "words"), [("crash", "LLVM ERROR: twice"), ("refuse", "There is no such model")]
)
def test_a_process_that_dies_or_refuses_is_reported(
    wish: str, words: str, fake_process: Callable[[str], None]
) -> None:
    fake_process(wish)
    work = detecting(ImageSource(nuclei()[0], "YX"), None, DetectConfig(), None)
    with pytest.raises(DGNOError, match=words):
        list(work)


def test_cancelling_ends_the_process_at_once(
    fake_process: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    real = subprocess.Popen
    monkeypatch.setattr(
        "dgno_core.detection.process.subprocess.Popen",
        lambda *a, **k: started.append(real(*a, **k)) or started[-1],
    )
    fake_process("wait")
    work = detecting(ImageSource(nuclei()[0], "YX"), None, DetectConfig(), None)
    assert next(event for event in work if not isinstance(event, Waiting)) == AnalysisProgressed(
        1, 2
    )
    assert isinstance(next(work), Waiting)
    work.close()
    assert started[0].poll() is not None
