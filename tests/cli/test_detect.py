"""`dgno detect` as a user calls it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy import ndimage as ndi

from dgno_core.detection.models import Detector


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with an image of discs, a changed one, and the true labels."""
    truth = np.zeros((128, 128), np.uint16)
    rows, columns = np.indices(truth.shape)
    for label, (y, x) in enumerate([(30, 30), (30, 90), (90, 30), (90, 90)], 1):
        truth[(rows - y) ** 2 + (columns - x) ** 2 < 100] = label
    before = (150 + 800 * (truth > 0)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "before.tif", before)
    tifffile.imwrite(tmp_path / "after.tif", np.where(truth == 2, 150, before).astype(np.uint16))
    tifffile.imwrite(tmp_path / "truth.tif", truth)
    return tmp_path


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a threshold in StarDist's place."""

    def predict(_: Detector, scaled: np.ndarray, __: object) -> tuple[np.ndarray, np.ndarray]:
        labels, number = ndi.label(scaled[0] > 0.5)
        return labels.astype(np.int32), np.ones(number, np.float32)

    monkeypatch.setattr("dgno_core.detection.run.predict", predict)
    monkeypatch.setattr(
        "dgno_core.detection.run.load_detector", lambda name: Detector(str(name), None, 1)
    )
    monkeypatch.setattr("dgno_core.detection.run.why_unavailable", lambda: None)
    monkeypatch.setattr("dgno_core.detection.stardist_library.why_unavailable", lambda: None)


@pytest.mark.usefixtures("plain")
def test_two_images_and_a_truth(dgno, images: Path) -> None:
    words = [images / "before.tif", images / "after.tif", "--truth", images / "truth.tif"]
    ended = dgno("detect", *words, "-o", images / "out")
    assert ended.status == 0, ended.err
    assert "4 objects before, 3 after: 3 matched, 1 lost, 0 gained" in ended.out
    assert "AP before: 1.000 at IoU 0.5" in ended.out
    assert "AP after: 0.750 at IoU 0.5" in ended.out
    assert sorted(path.name for path in (images / "out").iterdir()) == [
        "labels-after.ome.tif", "labels-before.ome.tif", "objects.csv", "objects.png",
        "summary.json",
    ]  # fmt: skip


@pytest.mark.usefixtures("plain")
def test_one_image_alone(dgno, images: Path) -> None:
    ended = dgno("detect", images / "before.tif", "-o", images / "out")
    assert ended.status == 0, ended.err
    assert ended.out.splitlines()[0] == "4 objects"
    assert not (images / "out" / "labels-after.ome.tif").exists()


@pytest.mark.usefixtures("plain")
def test_results_are_not_replaced_unasked(dgno, images: Path) -> None:
    words = ["detect", images / "before.tif", "-o", images / "out"]
    assert dgno(*words).status == 0
    again = dgno(*words)
    assert again.status == 2
    assert "--overwrite" in again.err
    assert dgno(*words, "--overwrite").status == 0


@pytest.mark.usefixtures("plain")
def test_the_after_image_can_be_made_on_the_way(dgno, images: Path, model_folder: Path) -> None:
    ended = dgno(
        "detect", images / "before.tif", "--restore-with", "tiny-grey", "--model-folder",
        model_folder, "-o", images / "out", "--device", "cpu",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    summary = json.loads((images / "out" / "summary.json").read_text(encoding="utf-8"))
    assert summary["restored_with"] == "tiny-grey"
    assert {"matched", "lost", "gained"} <= summary["objects"].keys()


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["after.tif", "--restore-with", "auto"], "not both"),
        (["missing.tif"], "does not exist"),
        (["--truth", "small.tif"], "does not fit"),
        (["small.tif"], "do not belong together"),
        (["--iou", "0"], "iou"),
    ],
)
def test_bad_input_ends_in_one_line_and_leaves_nothing(
    dgno, images: Path, words: list[str], complaint: str
) -> None:
    tifffile.imwrite(images / "small.tif", np.ones((64, 64), np.uint16))
    given = [images / word if word.endswith(".tif") else word for word in words]
    ended = dgno("detect", images / "before.tif", *given, "-o", images / "out")
    assert ended.status == 2
    assert complaint in ended.err
    assert len(ended.err.strip().splitlines()) == 1
    assert not (images / "out").exists()


def test_without_stardist_it_says_what_to_install(
    dgno, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    ended = dgno("detect", images / "before.tif", "-o", images / "out")
    assert ended.status == 2
    assert "pip install stardist tensorflow" in ended.err
    assert not (images / "out").exists()


@pytest.mark.slow
@pytest.mark.stardist
def test_the_real_detector_prints_nothing_of_its_own(dgno, images: Path) -> None:
    ended = dgno("detect", images / "before.tif", "-o", images / "out")
    assert ended.status == 0, ended.err
    assert ended.err == ""
    assert ended.out.splitlines() == ["4 objects", str(images / "out")]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("name", ["before.tif", "out"])
def test_a_disk_that_fails_is_told_in_plain_words(
    dgno, images: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*words: object, **_: object) -> None:
        place = images / name if name == "before.tif" else words[3] / "objects.csv"
        raise PermissionError(13, "Permission denied", str(place))

    place = "run.detect_events" if name == "before.tif" else "report.write_detection"
    monkeypatch.setattr(f"dgno_core.detection.{place}", fail)
    ended = dgno("detect", images / "before.tif", "-o", images / "out")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert f"{images / name}" in ended.err
    assert "you may not" in ended.err
    assert not [word for word in ("Errno", "denied", ".dgno-") if word in ended.err]
