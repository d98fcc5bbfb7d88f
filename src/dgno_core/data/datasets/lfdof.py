"""LFDOF: scenes refocused from light fields, each out of focus in several ways."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in, top_folder
from dgno_core.data.datasets.folders import contents, pair
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.datasets.matching import match_by_key
from dgno_core.data.datasets.split import hash_split
from dgno_core.data.pairs import FocusPair

SCENE = re.compile(r"^(img_\d+)(?=_|$)", re.IGNORECASE)
SEED = "lfdof-0"
ABOUT = About(
    name="lfdof",
    title="scenes refocused from light fields",
    homepage="https://sweb.cityu.edu.hk/miullam/AIFNET/",
    citation="Ruan et al., IEEE Trans. Comput. Imaging 7 (2021) 675-688",
    licence="none stated on its page (third-party report); ask the authors",
    labelled="pairs",
    images=12_826,
    size=(688, 1008),
    expected={"train+val": 11_261, "test": 725},
    tree="""\
ROOT/                                   (LFDOF or LFDOF_Dataset)
  train_data/input/IMG_1275/IMG_1275_ap1_00.png ...      train_data/ground_truth/IMG_1275.png
  test_data/input/...                                    test_data/ground_truth/...""",
    split="Testing as published (test_data). Ours: 5 % of the training scenes, by a hash of their "
    "names, are for validation.",
    verified="Folders and names: from public code that reads them and the released MPT code. "
    "Size and scenes (790 and 50, disjoint): from a third-party report. The counts sum to the MPT "
    "paper's 12,826 images (11,261 + 725 blurred, 840 sharp).",
)


@dataclass(frozen=True)
class LFDOF:
    """Scenes with one sharp and several blurred images."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder; see `Layout.scan`."""
        needs = "train_data and test_data, each with input and ground_truth"
        root = top_folder(root, "LFDOF", _is_top, needs)
        pairs: list[FocusPair] = []
        faults: list[Fault] = []
        home: dict[str, str] = {}
        for side in ("train", "test"):
            folder = child(root, f"{side}_data")
            blurred = images_in(child(folder, "input"), deep=True)
            sharp = images_in(child(folder, "ground_truth"))
            matches, wrong = match_by_key(blurred, sharp, _scene, _scene)
            faults += wrong
            for first, second in matches:
                scene = _scene(second) or ""
                if home.setdefault(scene, side) != side:
                    text = f"{first} shows the scene {scene}, which is in train_data too."
                    faults.append(Fault("leak", first, text))
                    continue
                split = "test" if side == "test" else split_of_scene(scene)
                pairs.append(pair(f"{side}/{first.stem}", first, second, split))
        return contents(self.about, root, pairs, faults, sizes=sizes)


def split_of_scene(scene: str) -> str:
    """Split of a scene of `train_data`, such as ``IMG_1275``."""
    return hash_split(scene.lower(), {"val": 0.05, "train": 0.95}, SEED)


def _scene(path: Path) -> str | None:
    match = SCENE.match(path.stem)
    return match[1].lower() if match else None


def _is_top(folder: Path) -> bool:
    return any(child(child(folder, f"{side}_data"), "input").is_dir() for side in ("train", "test"))
