"""What every data set tells about itself, and the one thing it can do: look at a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from dgno_core.data.datasets.contents import Contents

Labelled = Literal["pairs", "unlabelled"]


@dataclass(frozen=True)
class About:
    """The facts about a data set, for people.

    Attributes
    ----------
    name
        What `dgno data` and config files call it.
    title
        What it shows, in a few words.
    homepage
        Where it is described or offered.
    citation
        The paper to cite.
    licence
        What is known of its terms of use; not legal advice.
    labelled
        ``"pairs"`` if each blurred image has a sharp one, else ``"unlabelled"``.
    masks
        Labels beyond that, such as the outlines of nuclei; empty if there are none.
    images
        How many image files the whole has, as its publisher or the papers count them.
    size
        ``(Y, X)`` of an image in pixels; None if they vary.
    expected
        Pairs by split, as in `Contents.expected`; empty if nobody tells.
    tree
        The folders as they must lie on disk.
    split
        Which images are for training and which for testing, and who decided that.
    verified
        What of the above we could check, how, and what we could not.
    """

    name: str
    title: str
    homepage: str
    citation: str
    licence: str
    labelled: Labelled
    images: int
    size: tuple[int, int] | None
    expected: Mapping[str, int]
    tree: str
    split: str
    verified: str
    masks: str = ""


class Layout(Protocol):
    """A data set whose folder can be looked at."""

    @property
    def about(self) -> About:
        """The facts about it."""

    def scan(self, root: Path, *, sizes: bool = True) -> Contents:
        """Find the pairs in a folder, and what is wrong with it; no pixel is read.

        Parameters
        ----------
        root
            The top folder of the data set.
        sizes
            Read the header of every image, to find wrong sizes and damaged files.

        Raises
        ------
        DGNOError
            If this is not the top folder of the data set.
        """
