"""What long looks into a network report while they run; each adds an event for its result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepDone:
    """One more step of the work is done."""

    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something the user should know; the work goes on."""

    message: str
