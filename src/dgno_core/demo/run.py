"""The demonstration as a generator of events: the same path that a user's own file takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.demo.images import PHOTONS, READ_NOISE, SharpImage, builtin_images, known_blur
from dgno_core.demo.picture import PictureRow, write_picture
from dgno_core.io.atomic import writing
from dgno_core.metrics.fidelity import Score, score_pair
from dgno_core.optics.maps import Range

PICTURE, NUMBERS = "demo.png", "demo.json"

RestoreFile: TypeAlias = Callable[[Path, Path], str]  # blurred file, result -> name of the model


@dataclass(frozen=True)
class DemoRow:
    """One image: fidelity to the known sharp image before and after, and the files.

    `degradation` is the record from which `dgno_core.data.degrader` makes the blurred image again.
    """

    name: str
    title: str
    source: str
    shape: tuple[int, ...]
    blur: str
    degradation: dict[str, Any]
    model: str
    before: Score
    after: Score
    seconds: float
    files: tuple[Path, ...]

    @property
    def gain(self) -> float:
        """PSNR won, in dB."""
        return self.after.psnr - self.before.psnr


@dataclass(frozen=True)
class DemoStarted:
    """The demonstration begins."""

    total: int


@dataclass(frozen=True)
class DemoImageRestored:
    """One image is restored and its TIFFs are written."""

    row: DemoRow
    done: int
    total: int


@dataclass(frozen=True)
class DemoFinished:
    """Everything is written."""

    rows: tuple[DemoRow, ...]
    picture: Path
    numbers: Path


DemoEvent: TypeAlias = DemoStarted | DemoImageRestored | DemoFinished


def demo_events(
    out: Path | str,
    *,
    images: Sequence[SharpImage] | None = None,
    restore_file: RestoreFile | None = None,
) -> Generator[DemoEvent, None, None]:
    """Blur built-in sharp images by a known amount, restore them, and compare.

    Writes ``<name>-sharp.tif``, ``<name>-blurred.tif`` and ``<name>-restored.tif`` (with its
    provenance beside it) for each image, then ``demo.png`` and ``demo.json``.

    Parameters
    ----------
    out
        Folder, made where it is missing; files of an earlier demonstration are replaced.
    images
        Sharp images; by default `builtin_images`.
    restore_file
        Restores one file into another; by default with the packaged weights on the CPU.

    Yields
    ------
    `DemoStarted`, an `DemoImageRestored` for each image, `DemoFinished`.

    Raises
    ------
    DGNOError
        If the folder cannot be written.
    """
    chosen = builtin_images() if images is None else images
    restore = restore_with_packaged_weights if restore_file is None else restore_file
    folder = _make_folder(Path(out))
    yield DemoStarted(len(chosen))
    rows: list[DemoRow] = []
    comparisons: list[PictureRow] = []
    for seed, image in enumerate(chosen):
        row, comparison = _demonstrate(image, seed, folder, restore)
        rows.append(row)
        comparisons.append(comparison)
        yield DemoImageRestored(row, len(rows), len(chosen))
    picture = write_picture(comparisons, folder / PICTURE)
    numbers = folder / NUMBERS
    numbers.write_text(_as_json(rows, folder), encoding="utf-8")
    yield DemoFinished(tuple(rows), picture, numbers)


def restore_with_packaged_weights(blurred: Path, result: Path) -> str:
    """Restore a file as `dgno restore` does; return the name of the model."""
    from dgno_core.inference import RestoreConfig, restore_events
    from dgno_core.inference.events import Restored
    from dgno_core.io import open_sink, read_image

    source = read_image(blurred)
    sink = open_sink(result, source, source.dtype, overwrite=True)
    for event in restore_events(source, RestoreConfig(device="cpu"), sink=sink):
        if isinstance(event, Restored):
            return event.provenance.model
    raise RuntimeError("the restoration ended without a result")


def demo_table(rows: Sequence[DemoRow]) -> str:
    """Write the scores as a plain text table."""
    header = ("image", "model", "PSNR before", "after", "gain", "SSIM before", "after", "time")
    lines = [header]
    for row in rows:
        before, after = row.before, row.after
        lines.append(
            (
                row.title,
                row.model,
                f"{before.psnr:.2f} dB",
                f"{after.psnr:.2f} dB",
                f"{row.gain:+.2f} dB",
                f"{before.ssim:.3f}",
                f"{after.ssim:.3f}",
                f"{row.seconds:.1f} s",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    aligned = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    aligned.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(aligned)


def _demonstrate(
    image: SharpImage, seed: int, folder: Path, restore: RestoreFile
) -> tuple[DemoRow, PictureRow]:
    from dgno_core.data.degrader import replay_recording

    record = known_blur(seed, image.psf, image.widths)
    recorded = replay_recording(record, image.sharp)
    sharp, blurred, restored = (
        folder / f"{image.name}-{what}.tif" for what in ("sharp", "blurred", "restored")
    )
    _write_tiff(sharp, image.sharp)
    _write_tiff(blurred, recorded)
    start = perf_counter()
    model = restore(blurred, restored)
    seconds = perf_counter() - start
    result = _read_tiff(restored)
    before, after = score_pair(image.sharp, recorded), score_pair(image.sharp, result)
    row = DemoRow(
        name=image.name,
        title=image.title,
        source=image.source,
        shape=image.sharp.shape,
        blur=f"{image.psf}, {_in_px(image.widths)}, smooth map, seed {seed}",
        degradation=record.model_dump(mode="json"),
        model=model,
        before=before,
        after=after,
        seconds=seconds,
        files=(sharp, blurred, restored),
    )
    comparison = PictureRow(
        title=image.title,
        source=image.source,
        widths=_in_px(image.widths),
        sharp=image.sharp,
        blurred=recorded,
        restored=result,
        before=before,
        after=after,
    )
    return row, comparison


def _in_px(widths: Range) -> str:
    return "{:g} to {:g} px".format(*widths)


def _make_folder(folder: Path) -> Path:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write_tiff(path: Path, image: NDArray[Any]) -> None:
    from tifffile import imwrite

    colour = image.ndim == 3
    axes = {"axes": "YXS" if colour else "YX"}
    imwrite(path, image, photometric="rgb" if colour else "minisblack", metadata=axes)


def _read_tiff(path: Path) -> NDArray[Any]:
    from tifffile import imread

    return np.asarray(imread(path))


def _as_json(rows: Sequence[DemoRow], folder: Path) -> str:
    """Record the numbers and how the blurred images were made."""
    noise = f"{PHOTONS:g} photons at full scale, read noise {READ_NOISE:.2%} of it"
    images = [
        asdict(row) | {"files": [str(path.relative_to(folder)) for path in row.files]}
        for row in rows
    ]
    return json.dumps({"noise": noise, "images": images}, indent=2) + "\n"
