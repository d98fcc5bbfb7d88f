"""CaDISBlur: frames of cataract surgery, blurred where instruments or where tissue are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in, top_folder
from dgno_core.data.datasets.folders import SPLITS, contents, has_split_folders, pair, split_folders
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.datasets.matching import match_by_key
from dgno_core.data.pairs import FocusPair

FRAME = re.compile(r"^(?P<frame>video(?P<video>\d{1,2})_frame\d+)(?:_(?P<variant>.+))?$", re.I)
VIDEOS = range(1, 26)
VALIDATION = (5, 7, 16)
TESTING = (2, 12, 22)
ABOUT = About(
    name="cadisblur",
    title="frames of cataract surgery, instruments or tissue out of focus",
    homepage="https://cataracts.grand-challenge.org/CaDIS/",
    citation="Zhang et al., CVPR 2024, 11125-11136; frames: Grammatikopoulou et al., Medical Image "
    "Analysis 71 (2021) 102053",
    licence="the blurred images were not released; the frames are those of CaDIS, which must be "
    "asked for",
    labelled="pairs",
    masks="the classes of CaDIS (labels), where copied beside GT",
    images=9_340,
    size=(540, 960),
    expected={"train": 7_100, "val": 1_068, "test": 1_172},
    tree="""\
ROOT/
  train/GT/Video1_frame000090.png
  train/blur/Video1_frame000090_ins.png      instruments out of focus
  train/blur/Video1_frame000090_ana.png      anatomy out of focus
  train/labels/Video1_frame000090.png        (optional: the classes of CaDIS)
  val/...   test/...""",
    split="By video, as CaDIS publishes it, whatever the folder: videos 5, 7, 16 val, videos 2, "
    "12, 22 test, the other 19 train. So no patient is on two sides.",
    verified="CaDIS's names, size, split and counts: from public code and descriptions. The "
    "folders, and that a frame has two blurred images: from the released MPT code. Not verified: "
    "the endings `_ins` and `_ana`, which are ours after the paper's words; any ending is read.",
)


@dataclass(frozen=True)
class CaDISBlur:
    """Frames with two blurred versions each."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder; see `Layout.scan`."""
        needs = "train, val and test, each with blur and GT"
        root = top_folder(root, "CaDISBlur", has_split_folders, needs)
        pairs: list[FocusPair] = []
        faults: list[Fault] = []
        masks = {}
        labels = {
            path.stem.lower(): path
            for split in SPLITS
            for path in images_in(child(child(root, split), "labels"))
        }
        for folder, blurred, sharp in split_folders(root):
            matches, wrong = match_by_key(blurred, sharp, _frame, _frame)
            faults += wrong
            for first, second in matches:
                name = f"{folder}/{first.stem}"
                pairs.append(pair(name, first, second, split_of_frame(second.stem)))
                if mask := labels.get(second.stem.lower()):
                    masks[name] = mask
        return contents(self.about, root, pairs, faults, sizes=sizes, masks=masks)


def split_of_frame(stem: str) -> str:
    """Split of a frame such as ``Video12_frame000090``, by its video.

    Raises
    ------
    ValueError
        If this is no name of a frame.
    """
    match = FRAME.match(stem)
    if match is None:
        raise ValueError(f"{stem} is not the name of a frame of CaDIS")
    video = int(match["video"])
    return "test" if video in TESTING else "val" if video in VALIDATION else "train"


def _frame(path: Path) -> str | None:
    match = FRAME.match(path.stem)
    return match["frame"].lower() if match and int(match["video"]) in VIDEOS else None
