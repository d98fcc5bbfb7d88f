"""What was found in the folder of a data set: its pairs, and everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

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
