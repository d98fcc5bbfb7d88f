"""CataBlur: defocused frames of cataract surgery, without sharp partners."""

from __future__ import annotations

from dgno_core.data.datasets.layout import About
from dgno_core.data.datasets.unlabelled import Unlabelled

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
