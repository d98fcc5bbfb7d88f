"""The list of bad inputs: each prepares a folder and gives the command to run in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Words = Sequence[str]
Prepare = Callable[[Path], Words]


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes
    ----------
    kind
        image, weights, output, settings or command.
    title
        What is wrong.
    prepare
        Makes the input in a folder, and returns the command.
    """

    kind: str
    title: str
    prepare: Prepare


CASES: list[Case] = []


def case(kind: str, title: str) -> Callable[[Prepare], Prepare]:
    """Add a function to the list."""

    def add(prepare: Prepare) -> Prepare:
        CASES.append(Case(kind, title, prepare))
        return prepare

    return add


def restore(image: str, *more: str, out: str = "out.tif", model: str | None = None) -> Words:
    """Return `dgno restore` of an image with the tiny model."""
    from batteries.kit import MODEL

    return [
        "dgno",
        "restore",
        image,
        "-o",
        out,
        "--model",
        model or MODEL,
        "--device",
        "cpu",
        *more,
    ]
