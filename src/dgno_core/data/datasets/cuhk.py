"""CUHK: photographs from the internet that are partly out of focus, without sharp partners."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dgno_core.data.datasets.files import child, images_in, subfolders, top_folder
from dgno_core.data.datasets.folders import contents, pair
from dgno_core.data.datasets.layout import About, Contents, Fault
from dgno_core.data.datasets.matching import unexpected

NAME = re.compile(r"^(?P<kind>out_of_focus|motion)(?P<number>\d{4})$", re.IGNORECASE)
ABOUT = About(
    name="cuhk",
    title="photographs that are partly out of focus",
    homepage="http://www.cse.cuhk.edu.hk/~leojia/projects/dblurdetect/dataset.html",
    citation="Shi, Xu, Jia, CVPR 2014, 2965-2972",
    licence="none stated that we know of (its code: non-commercial use only); ask its authors",
    labelled="unlabelled",
    masks="which pixels are out of focus (gt)",
    images=704,
    size=None,
    expected={"test": 704},
    tree="""\
ROOT/
  image/out_of_focus0001.jpg ... out_of_focus0704.jpg     or all of them in ROOT itself
  gt/out_of_focus0001.png ...                             (optional: where it is out of focus)
The 296 images named motion0001 ... are blurred by motion and are not used.""",
    split="All are for testing, as in the papers; nothing can be scored, only looked at.",
    verified="Names, `image`, `gt` and the flat form: from public code of several groups that "
    "reads them. The count: from the MPT paper.",
)


@dataclass(frozen=True)
class CUHK:
    """Photographs named ``out_of_focusNNNN``, with masks of the blurred regions."""

    about: About = ABOUT

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the images in a folder; see `Layout.scan`."""
        needs = "image and gt, or the images out_of_focus0001.jpg, ..."
        root = top_folder(root, "CUHK", lambda folder: bool(_photographs(folder)), needs)
        pairs, masks = [], {}
        faults: list[Fault] = []
        labels = {path.stem.lower(): path for path in images_in(child(root, "gt"))}
        for path in _photographs(root):
            match = NAME.match(path.stem)
            if match is None:
                faults.append(unexpected(path))
            elif match["kind"].lower() == "out_of_focus":
                name = path.stem.lower()
                pairs.append(pair(name, path, None, "test"))
                if name in labels:
                    masks[name] = labels[name]
        return contents(self.about, root, pairs, faults, sizes=sizes, masks=masks)


def _photographs(root: Path) -> list[Path]:
    """Images of a folder that holds at least one with a name of CUHK, other than masks."""
    inner = child(root, "image")
    images = images_in(inner if inner in subfolders(root) else root)
    is_known = root.name.lower() != "gt" and root.name.lower() != "image"
    return images if is_known and any(NAME.match(path.stem) for path in images) else []
