"""RealDOF: scenes photographed with two cameras at once, only for testing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in, top_folder
from dgno_core.data.datasets.folders import contents, pair
from dgno_core.data.datasets.layout import About, Contents
from dgno_core.data.datasets.matching import match_by_order

ABOUT = About(
    name="realdof",
    title="scenes photographed by two cameras at once, wide and narrow aperture",
    homepage="https://github.com/codeslake/IFAN",
    citation="Lee et al., CVPR 2021 (IFAN)",
    licence="none stated for the images (the code beside them is AGPL-3.0); ask the authors",
    labelled="pairs",
    images=100,
    size=(1536, 2320),
    expected={"test": 50},
    tree="""\
ROOT/
  source/*.png    target/*.png          partners in the same order""",
    split="All are for testing, as published.",
    verified="Folders, PNG and pairing by order: from the authors' and other public code that "
    "reads them. Count and size: from the same. Not verified: the file names.",
)


@dataclass(frozen=True)
class RealDOF:
    """Fifty test scenes."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder; see `Layout.scan`."""
        root = top_folder(root, "RealDOF", _is_top, "source and target")
        blurred, sharp = (images_in(child(root, side)) for side in ("source", "target"))
        matches, faults = match_by_order(blurred, sharp, self.about.expected["test"])
        pairs = [pair(first.stem, first, second, "test") for first, second in matches]
        return contents(self.about, root, pairs, faults, sizes=sizes, may_turn=True)


def _is_top(folder: Path) -> bool:
    # DPDD has folders of these names too, inside train_c and its like.
    sides = child(folder, "source").is_dir() and child(folder, "target").is_dir()
    return sides and not folder.resolve().name.lower().endswith(("_c", "_l", "_r"))
