"""Data sets of defocused images that nobody has labelled: all images of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import check_folder, child, images_in
from dgno_core.data.datasets.folders import contents, pair, relative_name
from dgno_core.data.datasets.layout import About, Contents
from dgno_core.errors import DGNOError


@dataclass(frozen=True)
class Unlabelled:
    """Images without partners, for the terms of a loss that need none.

    Attributes
    ----------
    about
        The facts.
    folders
        Sub-folders in which the images may lie; if none of them is there, the folder itself.
    """

    about: About
    folders: tuple[str, ...] = ()

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the images in a folder; see `Layout.scan`."""
        check_folder(root, self.about.title)
        images = self._images(root)
        if not images:
            raise DGNOError(f"{root} holds no images; give the folder of {self.about.title}.")
        pairs = [pair(relative_name(path, root), path, None, "train") for path in images]
        return contents(self.about, root, pairs, (), sizes=sizes)

    def _images(self, root: Path) -> list[Path]:
        known = [folder for name in self.folders if (folder := child(root, name)).is_dir()]
        return [path for folder in known or [root] for path in images_in(folder, deep=True)]
