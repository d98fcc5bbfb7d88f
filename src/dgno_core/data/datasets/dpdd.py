"""DPDD: photographs with a wide and with a narrow aperture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in, top_folder
from dgno_core.data.datasets.folders import contents, pair
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.datasets.matching import match_by_order
from dgno_core.data.pairs import FocusPair

SPLITS = ("train", "val", "test")
ABOUT = About(
    name="dpdd",
    title="photographs with a wide and with a narrow aperture",
    homepage="https://github.com/Abdullah-Abuolaim/defocus-deblurring-dual-pixel",
    citation="Abuolaim and Brown, ECCV 2020",
    licence="MIT for the repository that offers it; nothing is said of the images apart, so ask if "
    "it matters",
    labelled="pairs",
    images=1_000,
    size=(1120, 1680),
    expected={"train": 350, "val": 74, "test": 76},
    tree="""\
ROOT/                                   (dd_dp_dataset_png, dd_dp_dataset_canon or DPDD)
  train_c/source/1P0A0917.png   train_c/target/1P0A....png     the numbers differ
  val_c/source/...              val_c/target/...
  test_c/source/...             test_c/target/...
The dual-pixel views in train_l, train_r, ... are not used.""",
    split="Published as folders: 70 % train, 15 % val, 15 % test, by scene.",
    verified="Folders, counts, size and pairing by order: from the authors' repository and public "
    "code that reads them. Not verified: the real numbers of the sharp images (they are known to "
    "differ from the blurred ones'), and whether 16-bit and 8-bit copies have the same names.",
)


@dataclass(frozen=True)
class DPDD:
    """Scenes whose two photographs have different numbers and the same order."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder; see `Layout.scan`."""
        needs = "train_c, val_c and test_c, each with source and target"
        root = top_folder(root, "DPDD", _is_top, needs)
        pairs: list[FocusPair] = []
        faults: list[Fault] = []
        for split in SPLITS:
            folder = child(root, f"{split}_c")
            blurred, sharp = (images_in(child(folder, side)) for side in ("source", "target"))
            matches, wrong = match_by_order(blurred, sharp, self.about.expected[split])
            faults += wrong
            pairs += [pair(f"{split}/{a.stem}", a, b, split) for a, b in matches]
        return contents(self.about, root, pairs, faults, sizes=sizes, may_turn=True)


def _is_top(folder: Path) -> bool:
    return any(child(child(folder, f"{split}_c"), "source").is_dir() for split in SPLITS)
