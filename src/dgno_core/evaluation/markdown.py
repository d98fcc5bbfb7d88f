"""Tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from dgno_core.evaluation.promise import Promise


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, words: bool = False
) -> str:
    """Write a table; the first column is aligned left, the others right unless they are words."""
    rule = ["---", *("---" if words else "---:" for _ in header[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def promise_table(promises: Iterable[Promise]) -> str:
    """Write what was asked, what was measured, and whether that is enough."""
    verdict = {True: "kept", False: "**not kept**", None: "-"}
    rows = [[one.text, one.measured, verdict[one.kept]] for one in promises]
    return markdown_table(["asked", "measured", ""], rows, words=True)


def decibel(value: float) -> str:
    """Write a PSNR; an infinite one is that of identical images."""
    return "identical" if math.isinf(value) else f"{value:.2f}"
