"""Attribution maps as figures, alone or side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dgno_core.interpretation.lam.result import Attribution

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_lam(attribution: Attribution) -> Figure:
    """Draw one map: the input, the restored image, the map and how far it reaches."""
    return compare_lam([attribution])


def compare_lam(attributions: Sequence[Attribution]) -> Figure:
    """Draw the maps of several models for the same box, one row each.

    Raises
    ------
    DGNOError
        If they are not of the same box, neighbourhood and path: their diffusion indices could not
        be compared.
    """
    raise NotImplementedError
