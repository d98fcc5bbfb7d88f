"""3DHistech: cytology patches of a slide scanner, out of focus and in focus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import top_folder
from dgno_core.data.datasets.folders import contents, has_split_folders, pair, split_folders
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.datasets.matching import match_by_key
from dgno_core.data.pairs import FocusPair

ABOUT = About(
    name="3dhistech",
    title="cervical cytology patches of a 3DHISTECH scanner, several focal planes",
    homepage="https://doi.org/10.1016/j.media.2022.102566",
    citation="Geng et al., Medical Image Analysis 81 (2022) 102566",
    licence="not published with the paper as far as we know; ask its authors",
    labelled="pairs",
    images=94_973,
    size=(256, 256),
    expected={"train": 66_976, "val": 9_088, "test": 18_909},
    tree="""\
ROOT/
  train/blur/NAME.png    train/GT/NAME.png      partners have the same name
  val/blur/...           val/GT/...
  test/blur/...          test/GT/...""",
    split="Published as folders and counts (DGNO, appendix); the lists are not published, so only "
    "the folders you were given can tell.",
    verified="Folders and equal names: from the released MPT code that reads them. The counts: "
    "from the DGNO paper (they sum to MPT's 94,973). Not verified: the real file names, their "
    "format, and whether one slide or patient is in several splits (names may tell; ask).",
)


@dataclass(frozen=True)
class ThreeDHistech:
    """Cytology patches with partners of the same name."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder; see `Layout.scan`."""
        needs = "train, val and test, each with blur and GT"
        root = top_folder(root, "3DHistech", has_split_folders, needs)
        pairs: list[FocusPair] = []
        faults: list[Fault] = []
        home: dict[str, str] = {}
        for split, blurred, sharp in split_folders(root):
            matches, wrong = match_by_key(blurred, sharp, _key, _key)
            faults += wrong
            for first, second in matches:
                other = home.setdefault(_key(first), split)
                if other != split:
                    text = (
                        f"{first} bears a name that is in {other} too; keep it in one split only."
                    )
                    faults.append(Fault("leak", first, text))
                    continue
                pairs.append(pair(f"{split}/{first.stem}", first, second, split))
        return contents(self.about, root, pairs, faults, sizes=sizes)


def _key(path: Path) -> str:
    return path.stem.lower()
