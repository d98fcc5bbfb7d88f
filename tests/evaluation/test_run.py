from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dgno_core.errors import DGNOError
from dgno_core.evaluation import ImageScored, ReportWritten, Restoration, run_public_evaluation


def sharpen(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
    """Add back some of what a Gaussian removes: a simple restorer."""
    values = image.astype(np.float64)
    spread = (2.0, 2.0) + (0.0,) * (image.ndim - 2)
    sharper = values + 0.5 * (values - gaussian_filter(values, spread))
    top = np.iinfo(image.dtype).max
    return Restoration(np.clip(sharper, 0, top).astype(image.dtype), "sharpen", "ab" * 32, 512)


def spoil(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
    return Restoration(image // 2, "spoil", "", 512)


def finish(data: Path, out: Path, **options: Any) -> ReportWritten:
    *_, last = run_public_evaluation(data, out, **{"restorer": sharpen, **options})
    assert isinstance(last, ReportWritten)
    return last


def test_one_call_writes_the_page_its_numbers_and_its_pictures(
    public_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "docs" / "evaluation"
    written = finish(public_set, out)
    assert written.page == out / "evaluation.md"
    page = written.page.read_text()
    for name in ("bbbc039_00", "bbbc039_01", "stained_00"):
        assert f"| {name} |" in page
    links = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert len(links) == 3 + 1  # each image, and where the model is most wrong
    assert all((out / link).stat().st_size < 300_000 for link in links)
    assert sorted(path.name for path in out.iterdir()) == [
        "evaluation.json", "evaluation.md", "figures",
    ]  # fmt: skip


def test_the_numbers_on_the_page_are_those_of_the_run(public_set: Path, tmp_path: Path) -> None:
    written = finish(public_set, tmp_path / "out")
    (record,) = json.loads(written.numbers.read_text())["models"]
    page = written.page.read_text()
    assert [image["name"] for image in record["images"]] == [r.name for r in written.results]
    for result, image in zip(written.results, record["images"], strict=True):
        assert image["scores"]["ours"]["psnr"] == pytest.approx(result.scores["ours"].psnr)
        assert f"{result.gain:+.2f}" in page
    nuclei = [r.scores["ours"].psnr for r in written.results if r.group == "bbbc039"]
    assert f"**{np.mean(nuclei):.2f} /" in page


def test_the_worst_image_is_the_one_that_gained_least(public_set: Path, tmp_path: Path) -> None:
    written = finish(public_set, tmp_path / "out")
    nuclei = [result for result in written.results if result.group == "bbbc039"]
    least = min(nuclei, key=lambda result: result.gain)
    assert f"Least gain of sharpen: **{least.name}**" in written.page.read_text()


def test_without_tiles_the_page_says_nothing_of_them(public_set: Path, tmp_path: Path) -> None:
    finish(public_set, tmp_path / "out")  # every image fits into one tile
    assert "## Tiles" not in (tmp_path / "out" / "evaluation.md").read_text()


def test_what_tiles_cost_is_on_the_page(public_set: Path, tmp_path: Path) -> None:
    def halves(image: NDArray[Any], *, tile: int | None = None) -> Restoration:
        """Restore the lower half a little brighter, unless in one piece."""
        if tile is not None:
            return Restoration(image, "halves", "", tile)
        seam = image.astype(np.float64)
        seam[32:] += 0.05 * image.max()
        top = np.iinfo(image.dtype).max
        stepped = np.clip(seam, 0, top).astype(image.dtype)
        return Restoration(stepped, "halves", "", 64, ((32,), ()))

    written = finish(public_set, tmp_path / "out", restorer=halves)
    page = written.page.read_text()
    (record,) = json.loads(written.numbers.read_text())["models"]
    assert page.count("| 64 |") == 3
    for result, image in zip(written.results, record["images"], strict=True):
        (cost,) = result.tile_costs
        assert image["tile_costs"][0]["seam"] == pytest.approx(cost.seam)
        assert f"| {result.name} | halves | 64 | {cost.psnr:+.3f} | {cost.seam:.3f} |" in page


def test_the_page_names_the_command_that_makes_it(public_set: Path, tmp_path: Path) -> None:
    written = finish(public_set, tmp_path / "out", device="cpu", tile=128, groups=("stained",))
    command = f"dgno evaluate --data {public_set} --out {tmp_path / 'out'} --device cpu --tile 128"
    assert f"{command} --group stained" in written.page.read_text()
    assert [result.name for result in written.results] == ["stained_00"]


def test_stopping_early_leaves_nothing_and_an_earlier_page_as_it_was(
    public_set: Path, tmp_path: Path
) -> None:
    written = finish(public_set, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    run = run_public_evaluation(public_set, tmp_path / "out", restorer=spoil)
    assert any(isinstance(event, ImageScored) for event in (next(run), next(run)))
    run.close()
    after = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert after == before
    assert written.page in after


def test_bad_input_writes_nothing(public_set: Path, tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match=r"no EVAL\.tsv"):
        finish(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(DGNOError, match="belongs to plants"):
        finish(public_set, tmp_path / "out", groups=("plants",))
    assert not (tmp_path / "out").exists()
