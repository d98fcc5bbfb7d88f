"""Local attribution maps (Gu & Dong, CVPR 2021): which input pixels an output was made from."""

from __future__ import annotations

from dgno_core.interpretation.lam.neighbourhood import read_neighbourhood
from dgno_core.interpretation.lam.picture import compare_lam, draw_lam
from dgno_core.interpretation.lam.result import Attribution, LamEvent, LamFound
from dgno_core.interpretation.lam.run import lam_events
from dgno_core.interpretation.lam.settings import STEPS, Effort, LamSettings, Window

__all__ = [
    "STEPS",
    "Attribution",
    "Effort",
    "LamEvent",
    "LamFound",
    "LamSettings",
    "Window",
    "compare_lam",
    "draw_lam",
    "lam_events",
    "read_neighbourhood",
]
