"""What every analysis of a network reports while it runs; each adds an event for its result."""

from __future__ import annotations

from dataclasses import dataclass

from dgno_core.events import Event


@dataclass(frozen=True)
class AnalysisProgressed(Event):
    """One more step of the work is done."""

    done: int
    total: int


@dataclass(frozen=True)
class AnalysisWarned(Event):
    """Something the user should know; the work goes on."""

    message: str
