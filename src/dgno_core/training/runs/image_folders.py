"""Training images that lie in folders already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.io import read_image
from dgno_core.training.runs.image_files import TRAINED_PART, Kind, Written, kind_of, write_list
from dgno_core.training.runs.images import held_out_every, stack_settings

#: Images that can be read as sharp planes.
PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")


@dataclass(frozen=True)
class StackFolder:
    """A folder of focal stacks, or of the planes of one.

    Parameters
    ----------
    folder : pathlib.Path
        Where they lie.
    target : int or None
        The sharp plane, from 0 on; None finds it.
    align : bool
        Register the planes first.
    """

    folder: Path
    target: int | None = None
    align: bool = True

    def check(self) -> None:
        """Check that there are images."""
        places(self.folder)

    def kind(self) -> Kind:
        """Colour and size of the first image."""
        return kind_of(read_image(first_picture(self.folder)), TRAINED_PART)

    def write(self, folder: Path) -> Iterator[Written]:
        """Write nothing: the stacks stay where they are."""
        yield from ()

    def config(self) -> dict[str, Any]:
        """Settings of the stacks."""
        first = read_image(first_picture(self.folder))
        height = first.shape[first.axes.index("Y")]
        stacks = [str(place.resolve()) for place in places(self.folder)]
        return stack_settings(stacks, self.target, height, align=self.align)


@dataclass(frozen=True)
class PairedFolders:
    """A folder of blurred images and one of sharp ones, with equal names.

    Parameters
    ----------
    blurred, sharp : pathlib.Path
        The folders; folders within them count too.
    """

    blurred: Path
    sharp: Path

    def check(self) -> None:
        """Check that there are pairs."""
        if self.blurred.resolve() == self.sharp.resolve():
            raise DGNOError(
                f"{self.blurred} is chosen as blurred and as sharp: choose two folders."
            )
        names = [{path.stem for path in pictures(f, deep=True)} for f in (self.blurred, self.sharp)]
        if not names[0] & names[1]:
            raise DGNOError(
                f"{self.blurred} and {self.sharp} have no image names in common: give the two "
                "images of each pair the same name."
            )

    def kind(self) -> Kind:
        """Colour and size of the first image."""
        return kind_of(read_image(pictures(self.blurred, deep=True)[0]))

    def write(self, folder: Path) -> Iterator[Written]:
        """Write nothing: the images stay where they are."""
        yield from ()

    def config(self) -> dict[str, Any]:
        """Settings of the folders."""
        return {
            "kind": "folders",
            "blurred": str(self.blurred.resolve()),
            "sharp": str(self.sharp.resolve()),
            "held_out_every": held_out_every(len(pictures(self.blurred, deep=True))),
        }


@dataclass(frozen=True)
class SharpFolder:
    """A folder of sharp planes, blurred by the computer.

    Parameters
    ----------
    folder : pathlib.Path
        Folders within it count too.
    most : int or None
        Take no more than so many of the images, evenly; None takes all.
    """

    folder: Path
    most: int | None = None

    def check(self) -> None:
        """Check that there are images."""
        found = pictures(self.folder, deep=True)
        if len(found) < 2:
            raise DGNOError(
                f"{self.folder} holds one image only: at least 2 are needed, one of them for "
                "validation."
            )

    def kind(self) -> Kind:
        """Colour and size of the first image."""
        return kind_of(read_image(pictures(self.folder, deep=True)[0]))

    def write(self, folder: Path) -> Iterator[Written]:
        """Write the list of the images."""
        found = pictures(self.folder, deep=True)
        if self.most is not None and len(found) > self.most:
            found = [found[i * len(found) // self.most] for i in range(self.most)]
        write_list(folder, [path.relative_to(self.folder).as_posix() for path in found])
        yield Written(1, 1)

    def config(self) -> dict[str, Any]:
        """Settings of the folder."""
        return {
            "kind": "synthetic",
            "root": str(self.folder.resolve()),
            "sources": [{"list": "data/list.txt"}],
            "held_out_every": held_out_every(len(pictures(self.folder, deep=True))),
        }


def pictures(folder: Path, *, deep: bool = False) -> list[Path]:
    """Images of a folder, by name.

    Raises
    ------
    DGNOError
        If there is no such folder, it cannot be read, or holds no image.
    """
    if folder == Path() or not folder.is_dir():
        raise DGNOError(
            "Choose the folder with the training images."
            if folder == Path()
            else f"There is no folder {folder}: choose another."
        )
    try:
        entries = folder.rglob("*") if deep else folder.iterdir()
        found = sorted(
            path
            for path in entries
            if path.suffix.lower() in PICTURES and not path.name.startswith(".")
        )
    except OSError as error:
        raise DGNOError(f"The folder {folder} cannot be read: {error.strerror}.") from error
    if not found:
        raise DGNOError(
            f"{folder} holds no TIFF, PNG, JPEG or BMP images: choose the folder with the images."
        )
    return found


def places(folder: Path) -> list[Path]:
    """Stacks of a folder: its files, or it itself if these are planes, or its folders of planes.

    Raises
    ------
    DGNOError
        If there are none.
    """
    inner = [place for place in _folders(folder) if _has_pictures(place)]
    if inner and not _has_pictures(folder):
        return inner
    files = pictures(folder)
    return files if "Z" in read_image(files[0]).axes else [folder]


def first_picture(folder: Path) -> Path:
    """First file of the first stack."""
    place = places(folder)[0]
    return pictures(place)[0] if place.is_dir() else place


def _folders(folder: Path) -> list[Path]:
    if folder == Path() or not folder.is_dir():
        return []
    return sorted(place for place in folder.iterdir() if place.is_dir())


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in PICTURES for path in folder.iterdir())
