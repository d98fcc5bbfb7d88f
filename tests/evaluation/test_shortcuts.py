from __future__ import annotations

from pathlib import Path

import pytest

from dgno_core import DGNOError, evaluate


def test_one_call_scores_a_model_and_writes_the_page(public_set: Path, tmp_path: Path) -> None:
    report = evaluate(
        public_set, tmp_path / "page", model="dgno-cell-small", device="cpu", groups=["bbbc039"]
    )
    assert [one.model for one in report.scores] == ["dgno-cell-small"]
    assert [one.name for one in report.results] == ["bbbc039_00", "bbbc039_01"]
    assert report.page.read_text().count("bbbc039_01") > 0
    assert report.numbers.is_file()


def test_a_folder_without_a_set_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match=r"There is no EVAL\.tsv"):
        evaluate(tmp_path, tmp_path / "page")
    assert not (tmp_path / "page").exists()
