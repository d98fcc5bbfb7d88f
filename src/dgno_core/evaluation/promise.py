"""What is asked of the weights, and whether it was kept."""

from __future__ import annotations

from dataclasses import dataclass

NOT_MEASURED = "not measured: no such image"


@dataclass(frozen=True)
class Promise:
    """One requirement and what was measured; `kept` is None where nothing could be measured."""

    text: str
    measured: str
    kept: bool | None
