"""Focal stacks: how sharp each plane is, which is in focus, all in focus, and pairs to train on.

Nothing here knows of models.
"""

from __future__ import annotations

from dgno_core.focus.composite import all_in_focus
from dgno_core.focus.curve import (
    BestPlane,
    PlaneMap,
    best_plane,
    best_plane_map,
    focus_curve,
    peak,
    plot_focus_curve,
)
from dgno_core.focus.pair_check import check_pairs
from dgno_core.focus.pairs import StackPairs, stack_pairs
from dgno_core.focus.sharpness import MEASURES, focus_measure

__all__ = [
    "MEASURES",
    "BestPlane",
    "PlaneMap",
    "StackPairs",
    "all_in_focus",
    "best_plane",
    "best_plane_map",
    "check_pairs",
    "focus_curve",
    "focus_measure",
    "peak",
    "plot_focus_curve",
    "stack_pairs",
]
