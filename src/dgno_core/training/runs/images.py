"""What to train on, where it is open in a viewer; see `image_folders` for what lies in files.

Open images are written into the folder of the run, so that it can go on when the viewer is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from dgno_core.errors import DGNOError
from dgno_core.io.source import ImageSource
from dgno_core.training.runs.image_files import (
    TRAINED_PART,
    Kind,
    Noted,
    Written,
    blocks,
    count_blocks,
    file_name,
    gap,
    kind_of,
    write_blocks,
    write_list,
    write_parts,
)

#: Every n-th of several images validates.
HELD_OUT_EVERY = 5


class Choice(Protocol):
    """A choice of training images."""

    def check(self) -> None:
        """Raise a `DGNOError` if nothing can be trained on it; quick, reads no pixels."""

    def kind(self) -> Kind:
        """Look at the images; may read files."""

    def write(self, folder: Path) -> Iterator[Written | Noted]:
        """Write what is not in files yet."""

    def config(self) -> dict[str, Any]:
        """Return the ``data`` of the config, relative to the run's folder."""


@dataclass(frozen=True)
class StackImage:
    """A focal stack: its sharpest plane is the target of the others.

    Parameters
    ----------
    source : ImageSource
        The image.
    target : int or None
        The sharp plane, from 0 on; None finds it, in each stack of several.
    align : bool
        Register the planes first.
    """

    source: ImageSource
    target: int | None = None
    align: bool = True

    def check(self) -> None:
        """Check that there are planes to choose from."""
        self.source.check()
        depth = dict(zip(self.source.axes, self.source.shape, strict=True)).get("Z", 1)
        if depth < 2:
            raise DGNOError(
                f"The layer {self.source.name!r} has one plane only (axes {self.source.axes}): "
                "choose a focal stack, or correct the axes so that Z counts its planes."
            )
        if self.target is not None and not 0 <= self.target < depth:
            raise DGNOError(
                f"The layer {self.source.name!r} has the planes 0 to {depth - 1}, but no "
                f"{self.target}: choose another sharp plane."
            )

    def kind(self) -> Kind:
        """Colour and size of the part that trains."""
        return kind_of(self.source, TRAINED_PART)

    def write(self, folder: Path) -> Iterator[Written]:
        """Write each stack as an OME-TIFF."""
        yield from write_blocks(self.source, "ZYX", folder / "data" / "stacks")

    def config(self) -> dict[str, Any]:
        """Settings of the written stacks."""
        count, height = count_blocks(self.source, "ZYX"), _height(self.source)
        names = (file_name(self.source.name, number) for number in range(count))
        stacks = [f"data/stacks/{name}" for name in names]
        return stack_settings(stacks, self.target, height, align=self.align)


@dataclass(frozen=True)
class PairedImages:
    """Two images of one place: blurred and sharp, plane by plane.

    Parameters
    ----------
    blurred, sharp : ImageSource
        The images.
    align : bool
        Register each pair first.
    """

    blurred: ImageSource
    sharp: ImageSource
    align: bool = True

    def check(self) -> None:
        """Check that the images fit each other."""
        for source in (self.blurred, self.sharp):
            source.check()
        if self.blurred.data is self.sharp.data:
            raise DGNOError(
                f"The layer {self.blurred.name!r} is chosen as blurred and as sharp: choose two "
                "different layers."
            )
        if self.blurred.shape != self.sharp.shape:
            sizes = [" × ".join(map(str, s.shape)) for s in (self.blurred, self.sharp)]
            raise DGNOError(
                f"The layers {self.blurred.name!r} ({sizes[0]}) and {self.sharp.name!r} "
                f"({sizes[1]}) are of unequal size: choose layers that show the same place with "
                "the same pixels, or crop one of them."
            )
        if self.blurred.dtype != self.sharp.dtype and np.uint8 in (
            self.blurred.dtype,
            self.sharp.dtype,
        ):
            raise DGNOError(
                f"The layers {self.blurred.name!r} ({self.blurred.dtype}) and {self.sharp.name!r} "
                f"({self.sharp.dtype}) have pixels of different types: convert one of them."
            )

    def kind(self) -> Kind:
        """Colour and size of the part that trains."""
        return kind_of(self.blurred, TRAINED_PART if count_blocks(self.blurred, "YX") < 2 else 1.0)

    def write(self, folder: Path) -> Iterator[Written | Noted]:
        """Write every plane of both images; a single one in two parts.

        Pairs that cannot be aligned are left out.
        """
        total = count_blocks(self.blurred, "YX")
        both = zip(blocks(self.blurred, "YX"), blocks(self.sharp, "YX"), strict=True)
        places = [folder / "data" / name for name in ("blurred", "sharp")]
        count, problem = 0, ""
        for number, pair in enumerate(both):
            if self.align:
                aligned = _aligned(*pair)
                if isinstance(aligned, str):
                    problem = aligned
                    yield Noted(f"{self.blurred.name}, plane {number} is left out: {problem}")
                    continue
                pair = aligned
            for place, pixels in zip(places, pair, strict=True):
                path = place / file_name(self.blurred.name, count)
                write_parts(path, pixels, "YX", halve=total == 1)
            count += 1
            yield Written(number + 1, total)
        if count < min(total, 2):
            raise DGNOError(
                f"The layers {self.blurred.name!r} and {self.sharp.name!r} cannot be aligned: "
                f"{problem}"
            )

    def config(self) -> dict[str, Any]:
        """Settings of the written pairs."""
        return {
            "kind": "folders",
            "blurred": "data/blurred",
            "sharp": "data/sharp",
            "held_out_every": held_out_every(count_blocks(self.blurred, "YX")),
        }


@dataclass(frozen=True)
class SharpImages:
    """Sharp planes, blurred by the computer.

    Parameters
    ----------
    source : ImageSource
        The image.
    """

    source: ImageSource

    def check(self) -> None:
        """Check that it is an image."""
        self.source.check()

    def kind(self) -> Kind:
        """Colour and size; smaller images than a crop are filled up by reflection."""
        return kind_of(self.source, TRAINED_PART if count_blocks(self.source, "YX") < 2 else 1.0)

    def write(self, folder: Path) -> Iterator[Written]:
        """Write every plane and the list of them; a single one in two parts."""
        place = folder / "data" / "sharp"
        yield from write_blocks(self.source, "YX", place, halve=True)
        write_list(folder, sorted(path.name for path in place.iterdir()))

    def config(self) -> dict[str, Any]:
        """Settings of the written planes."""
        return {
            "kind": "synthetic",
            "root": "data/sharp",
            "sources": [{"list": "data/list.txt"}],
            "held_out_every": held_out_every(count_blocks(self.source, "YX")),
        }


def stack_settings(
    stacks: Sequence[str], target: int | None, height: int, *, align: bool
) -> dict[str, Any]:
    """Return the ``data`` of a config that trains on stacks.

    Parameters
    ----------
    stacks : sequence of str
        Files, or folders of planes.
    target : int or None
        The sharp plane; None finds it.
    height : int
        Rows of the images, of which the upper part trains.
    align : bool
        Register the planes.
    """
    return {
        "kind": "stacks",
        "stacks": list(stacks),
        "sharp": "best" if target is None else target,
        "rows": [0.0, TRAINED_PART],
        "gap": gap(height),
        "registered": align,
    }


def _aligned(blurred: np.ndarray, sharp: np.ndarray) -> tuple[np.ndarray, np.ndarray] | str:
    """Lay a blurred image on its sharp one, cut to what both show; or say why that fails."""
    from dgno_core.data.registration import register

    found = register(blurred, sharp)
    if not found.registration.ok:
        return str(found.registration.problem)
    return found.image[found.region.index], sharp[found.region.index]


def held_out_every(count: int) -> int:
    """Every how many-th of so many images validates, so that both sides get one."""
    return 2 if count < HELD_OUT_EVERY else HELD_OUT_EVERY


def _height(source: ImageSource) -> int:
    return source.shape[source.axes.index("Y")]
