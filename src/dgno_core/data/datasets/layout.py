"""What every data set tells about itself, and what was found in its folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from dgno_core.data.pairs import FocusPair

FaultKind = Literal[
    "missing plane",
    "missing partner",
    "unexpected file",
    "twice",
    "unreadable",
    "wrong size",
    "leak",
]
Labelled = Literal["pairs", "unlabelled"]


@dataclass(frozen=True)
class Fault:
    """Something that a data set should not have, or lacks.

    Attributes
    ----------
    kind
        Its sort, for counting.
    path
        The file or folder concerned.
    text
        One sentence for the user.
    """

    kind: FaultKind
    path: Path
    text: str


@dataclass(frozen=True)
class Contents:
    """The pairs of a data set on disk.

    Attributes
    ----------
    name
        Name of the data set.
    root
        Its folder.
    pairs
        All that can be used, in natural order; unlabelled images have no `sharp`.
    faults
        All that was found wrong; what it concerns is left out of `pairs`, unless its text says
        otherwise.
    expected
        How many pairs the whole data set has, by split; a key such as ``"train+val"`` counts
        several splits together.
    masks
        Files with labels (of objects or of regions) by the name of the pair they belong to.
    """

    name: str
    root: Path
    pairs: tuple[FocusPair, ...]
    faults: tuple[Fault, ...] = ()
    expected: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    masks: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))

    def split(self, name: str) -> tuple[FocusPair, ...]:
        """Pairs of one split: ``"train"``, ``"val"``, ``"test"``, or several joined by ``+``."""
        wanted = name.split("+")
        return tuple(pair for pair in self.pairs if pair.split in wanted)

    @property
    def counts(self) -> dict[str, int]:
        """Number of pairs in each split."""
        found = Counter(pair.split for pair in self.pairs)
        return {name: found[name] for name in ("train", "val", "test") if found[name]}

    @property
    def is_complete(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        whole = all(len(self.split(name)) == count for name, count in self.expected.items())
        return whole and not self.faults


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
        Pairs by split, as in `Contents.expected`; empty if not published.
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
