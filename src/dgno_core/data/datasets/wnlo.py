"""WNLO: defocused cytology patches of another slide scanner, without sharp partners."""

from __future__ import annotations

from dgno_core.data.datasets.layout import About
from dgno_core.data.datasets.unlabelled import Unlabelled

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
