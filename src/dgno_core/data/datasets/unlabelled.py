"""Data sets of defocused images that nobody has labelled: all images of a folder.

WNLO are cytology patches of another slide scanner, CataBlur frames of cataract surgery.
"""

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


WNLO = Unlabelled(
    About(
        name="wnlo",
        title="WNLO (cervical cytology patches out of focus)",
        homepage="https://doi.org/10.1016/j.media.2022.102566",
        citation="Geng et al., Medical Image Analysis 81 (2022) 102566",
        licence="not published with the paper as far as we know; ask its authors",
        labelled="unlabelled",
        images=108_065,
        size=(256, 256),
        expected={"train": 108_065},
        tree="""\
ROOT/
  blur/**/*.png          or the images in ROOT itself, at any depth""",
        split="All are extra data (train): there is nothing to score them against, and no name is "
        "known that would tell slides apart.",
        verified="The folder `blur` with PNG files: from the released MPT code that reads them. "
        "Count and size: from the MPT paper. Not verified: the real file names.",
    ),
    folders=("blur",),
)


CATABLUR = Unlabelled(
    About(
        name="catablur",
        title="CataBlur (frames of five cataract operations out of focus)",
        homepage="https://github.com/PieceZhang/MPT-CataBlur",
        citation="Zhang et al., CVPR 2024, 11125-11136",
        licence="none stated for the images (the code beside them is Apache-2.0); ask the authors",
        labelled="unlabelled",
        images=1_208,
        size=(720, 1280),
        expected={"train": 1_208},
        tree="""\
ROOT/
  Frames/**/*.jpg        or blur/, or the images in ROOT itself, at any depth""",
        split="All are extra data (train): there is nothing to score them against, and no name is "
        "known that would tell the five operations apart.",
        verified="The folders `Frames` and `blur` with JPEG files: from the released MPT code that "
        "reads them. Count and size: from the MPT paper. Not verified: the folders in the "
        "published archive and the file names.",
    ),
    folders=("Frames", "blur"),
)
