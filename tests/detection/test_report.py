"""What a detection leaves on disk."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dgno_core.detection.models import Detector
from dgno_core.detection.objects import COLUMNS, list_objects, write_objects
from dgno_core.detection.picture import draw_comparison
from dgno_core.detection.report import NAMES, write_detection, write_labels
from dgno_core.detection.results import Detection
from dgno_core.detection.run import DetectionFound, detect_events
from dgno_core.detection.status import STATUS_COLOURS
from dgno_core.errors import DGNOError
from dgno_core.io import as_source, read_image
from support.nuclei import nuclei


@pytest.fixture
def compared(plain: Detector) -> tuple[DetectionFound, np.ndarray, np.ndarray]:
    """One object of the second plane is lost, another gained."""
    first, labels = nuclei()
    second = first.copy()
    second[labels == 3] = 150
    second[:8, 150:158] = 900
    before, after = np.stack([first, first]), np.stack([first, second])
    *_, found = detect_events(before, after, truth=np.stack([labels, labels]), detector=plain)
    return found, before, after


def test_each_object_has_one_row(compared) -> None:
    found, _, _ = compared
    rows = list_objects(found)
    assert [row.status for row in rows].count("matched") == 31
    lost, gained = (next(row for row in rows if row.status == s) for s in ("lost", "gained"))
    assert (lost.plane, gained.plane) == (1, 1)
    assert lost.label_after == 0
    assert np.isnan(lost.area_after)
    assert (gained.y, gained.x, gained.area_after) == pytest.approx((3.5, 153.5, 64))
    one = rows[0]
    inside = found.before.planes[0] == one.label_before
    assert one.area_before == inside.sum()
    assert (one.y, one.x) == pytest.approx(tuple(np.argwhere(inside).mean(axis=0)))
    assert one.iou == 1
    assert one.probability_before == found.before.probabilities[0][one.label_before - 1]


def test_objects_of_a_single_image_are_listed_too(plain: Detector) -> None:
    *_, found = detect_events(nuclei()[0], detector=plain)
    rows = list_objects(found)
    assert {row.status for row in rows} == {"found"}
    assert [row.label_before for row in rows] == list(range(1, 17))


def test_the_table_is_written_whole(compared, tmp_path: Path) -> None:
    rows = list_objects(compared[0])
    write_objects(rows, tmp_path / "objects.csv")
    read = list(csv.DictReader((tmp_path / "objects.csv").open(encoding="utf-8")))
    assert len(read) == len(rows) == 33
    assert float(read[0]["area_before"]) == rows[0].area_before
    assert [row["iou"] for row in read if row["status"] == "lost"] == [""]
    assert [row["object"] for row in read] == [str(number) for number in range(1, 34)]
    gained = next(row for row in read if row["status"] == "gained")
    assert (float(gained["row"]), float(gained["column"])) == (3.5, 153.5)


def test_files_have_the_columns_that_the_page_documents(compared, tmp_path: Path) -> None:
    write_objects(list_objects(compared[0]), tmp_path / "objects.csv")
    names = (tmp_path / "objects.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    page = (Path(__file__).parents[2] / "docs" / "detection.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in names)
    titles = [column.title.lower().replace(" ", "_") for column in COLUMNS]
    assert names[: len(COLUMNS)] == titles  # what people read is what files say


def test_a_table_that_fails_leaves_nothing_and_keeps_the_old_one(
    compared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "objects.csv"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr("dgno_core.detection.objects._cell", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_objects(list_objects(compared[0]), path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DGNOError, match="no folder"):
        write_objects([], tmp_path / "missing" / "objects.csv")


def test_all_files_are_there_and_agree(compared, tmp_path: Path) -> None:
    found, before, after = compared
    sources = [
        as_source(image, "ZYX", name) for image, name in ((before, "b.tif"), (after, "a.tif"))
    ]
    write_detection(found, *sources, tmp_path, restored_with="auto")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    labels = read_image(tmp_path / "labels-after.ome.tif")
    assert labels.axes == "ZYX"
    assert labels.dtype == np.uint16
    assert (labels.read((slice(None),) * 3) == found.after.labels).all()
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["objects"] == {
        "before": 32, "after": 32, "matched": 31, "lost": 1, "gained": 1,
    }  # fmt: skip
    agreement = summary["agreement_with_truth"]
    assert agreement["before"]["average_precision"][0] == 1
    assert agreement["after"]["tp"][0] == 31
    assert summary["restored_with"] == "auto"
    assert summary["settings"]["scaling"] == "shared"


def test_more_labels_than_16_bits_can_name_get_32(tmp_path: Path) -> None:
    labels = np.arange(300 * 300, dtype=np.int32).reshape(300, 300)
    detection = Detection(labels, "YX", (np.ones(labels.max(), np.float32),), (), "many")
    write_labels(detection, as_source(labels, "YX"), tmp_path / "many.ome.tif")
    written = tifffile.imread(tmp_path / "many.ome.tif")
    assert written.dtype == np.uint32
    assert (written == labels).all()


def test_pixel_sizes_go_with_the_labels(compared, tmp_path: Path) -> None:
    from dataclasses import replace

    found, before, _ = compared
    source = replace(
        as_source(before, "TYX"),
        pixel_size={"Y": 0.5, "X": 0.5},
        units={"Y": "micrometer", "X": "micrometer"},
    )
    write_labels(found.before, source, tmp_path / "labels.ome.tif")
    assert read_image(tmp_path / "labels.ome.tif").pixel_size["X"] == 0.5


def test_the_picture_says_in_words_and_numbers_what_its_colours_mean(compared) -> None:
    found, before, after = compared
    figure = draw_comparison(found, before[1], after[1], plane=1)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [
        "matched: 15 in both images", "lost: 1 before only", "gained: 1 after only",
    ]  # fmt: skip
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "before: 16 objects", "after: 16 objects",
    ]  # fmt: skip
    drawn = {
        tuple(np.round(colour, 3))
        for axes in figure.axes
        for lines in axes.collections
        for colour in lines.get_colors()
    }
    assert len(drawn) == len(STATUS_COLOURS)


def test_the_picture_of_an_empty_image_can_be_drawn(plain: Detector) -> None:
    blank = np.zeros((64, 64))
    *_, found = detect_events(blank, blank, detector=plain)
    assert len(draw_comparison(found, blank, blank).axes) == 2
