"""Reader of the public evaluation set: `EVAL.tsv` and the images it names."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.optics.psf import PsfKind

TABLE = "EVAL.tsv"
COLUMNS = ("sharp", "blurred", "width", "labels", "psf", "map", "max_px")
WIDTH_UNIT = 1000.0  # the width maps are stored in 1/1000 px


@dataclass(frozen=True)
class EvaluationImages:
    """The pixels of one row.

    Parameters
    ----------
    sharp, blurred
        ``(Y, X)`` or ``(Y, X, 3)``, as stored.
    width
        ``(Y, X)``, float64: the true blur width in pixels.
    """

    sharp: NDArray[Any]
    blurred: NDArray[Any]
    width: NDArray[np.float64]


@dataclass(frozen=True)
class EvaluationRow:
    """One image of the set: where its files are and how it was blurred.

    Parameters
    ----------
    name
        Name of the blurred file without its ending, such as ``bbbc039_00``.
    group
        The part of the name before the number, such as ``bbbc039``.
    sharp, blurred, width, labels
        Files: the sharp image, the blurred one, its width map, the labels of the objects.
    psf
        ``"gauss"`` (width = sigma) or ``"disk"`` (width = radius).
    map
        How the width changes: ``"smooth"`` or ``"blocks"``.
    max_px
        Largest width of the map, in pixels.
    """

    name: str
    group: str
    sharp: Path
    blurred: Path
    width: Path
    labels: Path
    psf: PsfKind
    map: str
    max_px: float

    @property
    def is_colour(self) -> bool:
        """Whether the sharp image is in colour; reads it.

        Raises
        ------
        DGNOError
            If the file is missing or cannot be read.
        """
        return _read(self.sharp).ndim == 3

    def load(self) -> EvaluationImages:
        """Read the row's images.

        Raises
        ------
        DGNOError
            If a file is missing, cannot be read, or does not fit the others.
        """
        sharp, blurred, width = (_read(path) for path in (self.sharp, self.blurred, self.width))
        if sharp.shape != blurred.shape or sharp.shape[:2] != width.shape:
            raise DGNOError(
                f"The files of {self.name} do not fit each other: sharp {sharp.shape}, blurred "
                f"{blurred.shape}, width map {width.shape}; restore the data folder."
            )
        return EvaluationImages(sharp, blurred, width / WIDTH_UNIT)


def read_public_set(data_dir: Path | str) -> list[EvaluationRow]:
    """Read the table of the public evaluation set; no image is opened.

    Parameters
    ----------
    data_dir
        Folder that holds ``EVAL.tsv`` and, relative to it, the files it names.

    Raises
    ------
    DGNOError
        If the table is missing, has other columns, or a line that cannot be understood.
    """
    folder = Path(data_dir)
    table = folder / TABLE
    try:
        text = table.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DGNOError(
            f"There is no {TABLE} in {folder}; name the folder of the evaluation data."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DGNOError(f"{table} cannot be read ({error}); restore the data folder.") from error
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    reader = csv.DictReader((line for _, line in numbered), delimiter="\t")
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DGNOError(f"{table} has no column named {', '.join(missing)}; restore the file.")
    rows = [
        _parse(record, folder, f"{table}, line {number}")
        for (number, _), record in zip(numbered[1:], reader, strict=True)
    ]
    if not rows:
        raise DGNOError(f"{table} names no image; restore the file.")
    return rows


def _parse(record: dict[str, str], folder: Path, where: str) -> EvaluationRow:
    if any(record.get(column) in (None, "") for column in COLUMNS):
        raise DGNOError(f"{where}: a column is empty; restore the file.")
    if record["psf"] not in get_args(PsfKind):
        raise DGNOError(f"{where}: the kernel is neither gauss nor disk but {record['psf']!r}.")
    try:
        max_px = float(record["max_px"])
    except ValueError:
        raise DGNOError(f"{where}: max_px is not a number but {record['max_px']!r}.") from None
    name = Path(record["blurred"]).stem
    return EvaluationRow(
        name=name,
        group=name.rpartition("_")[0] or name,
        sharp=folder / record["sharp"],
        blurred=folder / record["blurred"],
        width=folder / record["width"],
        labels=folder / record["labels"],
        psf=cast("PsfKind", record["psf"]),
        map=record["map"],
        max_px=max_px,
    )


def _read(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise DGNOError(
            f"The file {path} is missing; {TABLE} names it, so restore the data folder."
        )
    from skimage.io import imread

    try:
        pixels = np.asarray(imread(path))
    except Exception as error:  # each reader behind imread has its own exceptions
        raise DGNOError(f"The image {path} cannot be read ({error}); restore the file.") from error
    if pixels.ndim == 3 and pixels.shape[-1] == 4:
        pixels = pixels[..., :3]  # an alpha channel of a PNG carries no picture
    return pixels
