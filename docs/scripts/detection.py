"""The experiment of docs/detection.md: how much of what blur takes from a detector comes back.

python docs/scripts/detection.py DATA     table, figures and numbers into docs/

DATA holds `EVAL.tsv`. The packaged StarDist finds the nuclei of its BBBC039 fields in the blurred
image, in what each restoration model makes of it, and in the sharp image; the true outlines judge.
To be run again when the weights of a restoration model or of the detector change.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from detection_figures import draw_curves, draw_field
from numpy.typing import NDArray
from skimage.io import imread
from tifffile import imwrite

from dgno_core.detection.config import DEFAULTS, PACKAGED
from dgno_core.detection.models import Detector, load_detector
from dgno_core.detection.run import predict
from dgno_core.detection.scaling import PERCENTILES
from dgno_core.evaluation.public_set import read_public_set
from dgno_core.evaluation.restorer import ImageRestorer, packaged_restorer
from dgno_core.io.normalise import IntensityRange
from dgno_core.metrics.matching import THRESHOLDS, Counts, average_precision, count
from dgno_core.models import find_weights, read_card

DOCS = Path(__file__).resolve().parents[1]
PAGE, NUMBERS = DOCS / "detection.md", DOCS / "detection.json"
CURVES, FIELD = DOCS / "images" / "detection-ap.png", DOCS / "images" / "detection-field.jpg"
BEGIN, END = "<!-- table: docs/scripts/detection.py -->", "<!-- end of table -->"

MODELS = ("dgno-cell-small", "dgno-face-small")
SHOWN = (0.5, 0.7, 0.9)
ASKED = (0.5, 0.7)  # where at least half of what blur took is to come back
DRAWS = 10_000
LITTLE = 0.02  # AP: where blur takes less than this, the share of it says nothing

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Field:
    """One field: its versions by name, the objects found in each, and the true ones."""

    name: str
    truth: Labels
    images: dict[str, NDArray[Any]]
    found: dict[str, Labels]
    found_own: dict[str, Labels]

    def counts(self, version: str, *, own: bool = False) -> Counts:
        """Compare what was found with the truth."""
        return count(self.truth, (self.found_own if own else self.found)[version])


def look(data: Path, models: tuple[str, ...], limit: int | None, kept: Path | None) -> list[Field]:
    """Restore all fields and find their nuclei."""
    detector = load_detector(PACKAGED)
    restorers = {name: packaged_restorer(name) for name in models}
    rows = [row for row in read_public_set(data) if row.group == "bbbc039"][:limit]
    fields = []
    for row in rows:
        images = row.load()
        versions = {"blurred": images.blurred}
        for name, restorer in restorers.items():
            versions[name] = restored(images.blurred, row.name, name, restorer, kept)
        versions["sharp"] = images.sharp
        limits = percentiles(images.blurred)
        found = {name: nuclei(detector, image, limits) for name, image in versions.items()}
        own = {name: nuclei(detector, image) for name, image in versions.items()}
        field = Field(row.name, imread(row.labels).astype(np.int32), versions, found, own)
        fields.append(field)
        scores = (f"{name} {average_precision([field.counts(name)])[4]:.3f}" for name in versions)
        print(f"{row.name}: AP at IoU 0.7: {', '.join(scores)}", flush=True)
    return fields


def restored(
    image: NDArray[Any], field: str, model: str, restorer: ImageRestorer, kept: Path | None
) -> NDArray[Any]:
    """Restore an image, or take what was kept of the same weights."""
    if kept is None:
        return restorer(image).data
    path = kept / f"{Path(model).stem}-{weights_hash(model)[:12]}" / f"{field}.tif"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        imwrite(path, restorer(image).data)
    return imread(path)


def weights_hash(model: str) -> str:
    """SHA-256 of the weights of a restoration model."""
    return read_card(find_weights(model)).weights_sha256 or ""


def percentiles(image: NDArray[Any]) -> IntensityRange:
    """Return what the detector sees as 0 and 1."""
    low, high = np.percentile(image, PERCENTILES)
    return IntensityRange(float(low), float(high))


def nuclei(detector: Detector, image: NDArray[Any], limits: IntensityRange | None = None) -> Labels:
    """Find the nuclei, with the image scaled by `limits`, or by its own percentiles."""
    limits = limits or percentiles(image)
    return predict(detector, limits.apply(image)[None], DEFAULTS)[0]


# --- the numbers ---------------------------------------------------------------------------------


def resampled(fields: list[Field]) -> NDArray[np.intp]:
    """Draw fields with replacement, ``(draws, fields)``; the same draws for all versions."""
    rng = np.random.default_rng(0)
    return rng.integers(0, len(fields), (DRAWS, len(fields)))


def pooled(fields: list[Field], version: str, draws: NDArray[np.intp]) -> NDArray[np.float64]:
    """AP of each draw at each threshold, ``(draws, thresholds)``: counts added up over fields."""
    counts = [field.counts(version) for field in fields]
    tp, fp, fn = (
        np.array([getattr(one, part) for one in counts])[draws].sum(axis=1)
        for part in ("tp", "fp", "fn")
    )
    return tp / np.maximum(tp + fp + fn, 1)


def interval(values: NDArray[np.float64]) -> list[float]:
    """95 % of the draws lie between these."""
    return [round(float(value), 4) for value in np.percentile(values, (2.5, 97.5))]


def evaluate(fields: list[Field]) -> dict[str, Any]:
    """AP of all versions, and the share of what blur took that each model brings back."""
    draws = resampled(fields)
    versions = list(fields[0].found)
    boot = {version: pooled(fields, version, draws) for version in versions}
    table: dict[str, Any] = {"iou": list(THRESHOLDS), "fields": len(fields), "versions": {}}
    exact = {}
    for version in versions:
        counts = [field.counts(version) for field in fields]
        exact[version] = average_precision(counts)
        table["versions"][version] = {
            **{
                part: np.sum([getattr(one, part) for one in counts], axis=0).tolist()
                for part in ("tp", "fp", "fn")
            },
            "ap": np.round(exact[version], 4).tolist(),
            "ap_interval": [interval(column) for column in boot[version].T],
            "ap_by_image": np.round(average_precision(counts, by_image=True), 4).tolist(),
            "ap_each_by_its_own_range": np.round(
                average_precision([field.counts(version, own=True) for field in fields]), 4
            ).tolist(),
            "objects": sum(
                int(np.count_nonzero(np.unique(field.found[version]))) for field in fields
            ),
        }
    taken, taken_boot = exact["sharp"] - exact["blurred"], boot["sharp"] - boot["blurred"]
    table["taken_by_blur"] = np.round(taken, 4).tolist()
    table["taken_by_blur_interval"] = [interval(column) for column in taken_boot.T]
    table["true_objects"] = sum(int(np.count_nonzero(np.unique(f.truth))) for f in fields)
    table["share_brought_back"] = {}
    for version in versions[1:-1]:
        shares = (boot[version] - boot["blurred"]) / np.where(taken_boot == 0, np.nan, taken_boot)
        table["share_brought_back"][version] = {
            "share": [
                round(float((exact[version][k] - exact["blurred"][k]) / taken[k]), 4)
                if taken[k] > 0
                else None
                for k in range(len(THRESHOLDS))
            ],
            "interval": [interval(column[~np.isnan(column)]) for column in shares.T],
        }
    return table


# --- the page ------------------------------------------------------------------------------------


def page(table: dict[str, Any], card: dict[str, Any]) -> str:
    """Write the numbers as Markdown."""
    columns = [table["iou"].index(iou) for iou in SHOWN]
    lines = [
        "| | " + " | ".join(f"AP at IoU {iou}" for iou in SHOWN) + " | mean of the three |",
        "|---|" + "---:|" * (len(SHOWN) + 1),
    ]
    for version, row in table["versions"].items():
        cells = [f"{row['ap'][k]:.3f}" for k in columns]
        mean = np.mean([row["ap"][k] for k in columns])
        lines.append(f"| {version} | {' | '.join(cells)} | {mean:.3f} |")
    lines += [
        "",
        "| of what blur took, brought back by | "
        + " | ".join(f"at IoU {iou}" for iou in SHOWN)
        + " |",
        "|---|" + "---:|" * len(SHOWN),
        "| *(AP that blur took)* | "
        + " | ".join(f"*{table['taken_by_blur'][k]:.3f}*" for k in columns)
        + " |",
    ]
    for version, row in table["share_brought_back"].items():
        cells = []
        for k in columns:
            low, high = row["interval"][k]
            share = row["share"][k]
            cells.append("–" if share is None else f"**{share:.0%}** ({low:.0%} to {high:.0%})")
        lines.append(f"| {version} | {' | '.join(cells)} |")
    lines += ["", *verdict(table), "", *sensitivity(table, columns)]
    lines += [
        "",
        f"{table['fields']} fields with {table['true_objects']} true nuclei; found: "
        + ", ".join(f"{row['objects']} {name}" for name, row in table["versions"].items())
        + f". Detector: `{card['name']}` {card['weights_sha256'][:12]}; "
        + ", ".join(f"`{name}` {digest[:12]}" for name, digest in table["weights_sha256"].items())
        + ". All thresholds, both ways of averaging and all counts: [detection.json]"
        "(detection.json).",
    ]
    return "\n".join(lines)


def verdict(table: dict[str, Any]) -> list[str]:
    """Say whether what was asked for is reached, where the question can be answered."""
    said: list[str] = []
    groups: dict[str, list[str]] = {}
    for iou in ASKED:
        k = table["iou"].index(iou)
        taken, (low, high) = table["taken_by_blur"][k], table["taken_by_blur_interval"][k]
        if taken < LITTLE:
            said.append(
                f"At IoU {iou} blur takes little: {taken:.3f} AP ({low:.3f} to {high:.3f}). A "
                "share of so little says next to nothing."
            )
        for name, row in table["share_brought_back"].items():
            share, (least, _) = row["share"][k], row["interval"][k]
            if share is None:
                continue
            if share < 0.5:
                word = "does not bring back half of it"
            elif least >= 0.5:
                word = "brings back more than half of it, in 95 % of the draws too"
            else:
                word = "brings back more than half of it, but with so few fields that is not sure"
            groups.setdefault(word, []).append(f"{name} at IoU {iou}")
    said += [f"{', '.join(members)}: {word}." for word, members in groups.items()]
    return [" ".join(said)]


def sensitivity(table: dict[str, Any], columns: list[int]) -> list[str]:
    """Compare with the other choices that could have been made."""
    rows = table["versions"]

    def in_words(key: str) -> str:
        return "; ".join(
            f"{name} " + " / ".join(f"{row[key][k]:.3f}" for k in columns)
            for name, row in rows.items()
        )

    ious = " / ".join(map(str, SHOWN))
    return [
        f"Had each image been scaled by its own percentiles, AP at {ious} were: "
        f"{in_words('ap_each_by_its_own_range')}. Averaged by image instead of pooled: "
        f"{in_words('ap_by_image')}."
    ]


def main() -> None:
    """Run the experiment and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--limit", type=int, help="only so many fields, for a try")
    parser.add_argument("--restored", type=Path, help="a folder to keep restored images in")
    arguments = parser.parse_args()
    models = tuple(arguments.models)
    fields = look(arguments.data, models, arguments.limit, arguments.restored)
    table = evaluate(fields)
    table["weights_sha256"] = {name: weights_hash(name) for name in models}
    folder = load_detector(PACKAGED).folder
    assert folder is not None
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    NUMBERS.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    draw_curves(table, CURVES)
    draw_field(fields, models[0], FIELD)
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{page(table, card)}\n\n{END}{after}", encoding="utf-8")
    print(page(table, card))


if __name__ == "__main__":
    main()
