"""A detection as files: labels, table, picture, and a summary of how it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dgno_core.detection.config import PACKAGED
from dgno_core.detection.models import FOLDER
from dgno_core.detection.objects import list_objects, write_objects
from dgno_core.detection.picture import draw_comparison
from dgno_core.detection.results import Detection, DetectionFound
from dgno_core.io.metadata import ImageMetadata
from dgno_core.io.provenance import SourceRecord, now, versions
from dgno_core.io.sinks import open_sink
from dgno_core.io.source import ImageSource
from dgno_core.metrics.matching import THRESHOLDS, Counts, average_precision
from dgno_core.version import __version__

BEFORE, AFTER = "labels-before.ome.tif", "labels-after.ome.tif"
TABLE, PICTURE, SUMMARY = "objects.csv", "objects.png", "summary.json"
NAMES = (BEFORE, AFTER, TABLE, PICTURE, SUMMARY)


def write_detection(
    found: DetectionFound,
    before: ImageSource,
    after: ImageSource | None,
    folder: Path,
    **more: Any,
) -> None:
    """Write labels (OME-TIFF), the table of objects, a picture, and a summary into a folder.

    Parameters
    ----------
    found
        The result for `before` and `after`.
    folder
        It must be there.
    **more
        Further entries of the summary, such as the command.

    Raises
    ------
    DGNOError
        If a file cannot be written.
    """
    write_labels(found.before, before, folder / BEFORE)
    if found.after is not None and after is not None:
        write_labels(found.after, after, folder / AFTER)
    write_objects(list_objects(found), folder / TABLE)
    plane = busiest_plane(found)
    shown = _pixels(before, found.before, plane)
    other = None if after is None else _pixels(after, found.before, plane)
    figure = draw_comparison(found, shown, other, plane)
    figure.savefig(folder / PICTURE, metadata={"Software": None})
    text = json.dumps(summarise(found, before, after) | more, indent=2, allow_nan=False)
    (folder / SUMMARY).write_text(text + "\n", encoding="utf-8")


def write_labels(detection: Detection, source: ImageSource, path: Path) -> None:
    """Write labels as an OME-TIFF with the image's pixel size: uint16, or uint32 if need be.

    Raises
    ------
    DGNOError
        If the file cannot be written.
    """
    most = int(detection.labels.max(initial=0))
    dtype = np.uint16 if most <= np.iinfo(np.uint16).max else np.uint32
    image = ImageSource(
        detection.labels,
        detection.axes,
        source.pixel_size,
        source.units,
        source.name,
        metadata=ImageMetadata(origin=source.metadata.origin),
    )
    layout = image.layout()
    sink = open_sink(path, image, dtype)
    try:
        for position in layout.positions():
            index = layout.index(position)
            sink.write(index, detection.labels[index])
        sink.close()
    except BaseException:
        sink.abort()
        raise


def busiest_plane(found: DetectionFound) -> int:
    """Return the plane with most objects, which is the one to be drawn."""
    sides = [found.before, *([] if found.after is None else [found.after])]
    counts = sum(np.array([plane.max(initial=0) for plane in side.planes]) for side in sides)
    return int(np.argmax(counts))


def summarise(
    found: DetectionFound, before: ImageSource, after: ImageSource | None
) -> dict[str, Any]:
    """Return counts, agreement with the truth, and how it was made, as plain JSON values."""
    counts: dict[str, Any] = {"before": found.before.count}
    if found.after is not None:
        counts |= {"after": found.after.count, "matched": found.matched}
        counts |= {"lost": found.lost, "gained": found.gained}
    made = {
        "tool": "napari-dgno",
        "version": __version__,
        "created": now(),
        "objects": counts,
        "detector": found.detector,
        "settings": found.config.model_dump(mode="json"),
        "scaled_from_to": {
            side: [[limits.low, limits.high] for limits in detection.limits]
            for side, detection in (("before", found.before), ("after", found.after))
            if detection is not None
        },
        "images": {
            side: SourceRecord.of(source).model_dump(mode="json")
            for side, source in (("before", before), ("after", after))
            if source is not None
        },
        "versions": versions("stardist", "tensorflow", "tensorflow-cpu", "numpy"),
        "warnings": list(found.warnings),
    }
    if found.detector == PACKAGED:
        card = json.loads((FOLDER / PACKAGED / "card.json").read_text(encoding="utf-8"))
        made["detector_weights_sha256"] = card["weights_sha256"]
    if found.truth_before:
        made["agreement_with_truth"] = {
            side: _agreement(counts)
            for side, counts in (("before", found.truth_before), ("after", found.truth_after))
            if counts
        }
    return made


def _agreement(counts: tuple[Counts, ...]) -> dict[str, Any]:
    """Tabulate the agreement at each threshold: counts, and AP in both ways of averaging."""
    pooled = average_precision(counts)
    by_plane = average_precision(counts, by_image=True)
    tables = {
        name: sum(getattr(one, name) for one in counts).tolist() for name in ("tp", "fp", "fn")
    }
    return {
        "iou": list(THRESHOLDS),
        **tables,
        "average_precision": np.round(pooled, 4).tolist(),
        "average_precision_by_plane": np.round(by_plane, 4).tolist(),
        "rule": "tp / (tp + fp + fn); a plane without objects in truth and result counts 0",
    }


def _pixels(source: ImageSource, detection: Detection, plane: int) -> NDArray[Any]:
    """Read the pixels of a plane as ``(Y, X)`` or ``(Y, X, 3)``."""
    layout = source.layout(colour_model="C" not in detection.axes)
    position = np.unravel_index(plane, layout.outer_shape)
    samples = layout.split(source.read(layout.index([int(at) for at in position])))
    colours = samples[: layout.colours]
    return colours[0] if len(colours) == 1 else np.moveaxis(colours, 0, -1)
