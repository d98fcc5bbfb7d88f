"""How wide the blur is that a model has seen, in the units of the width map.

The card's `blur_px` counts the widths of the training: sigma of a Gaussian, but the whole radius
of a disk. The width map counts standard deviations along an axis: sigma, but half the radius.
"""

from __future__ import annotations

from dgno_core.interpretation.trust.reblur import WIDEST
from dgno_core.models.card import ModelCard
from dgno_core.optics.psf import PsfKind

_BEYOND = 1.5  # how far the widths that are tried go on beyond the card's


def limit_of(card: ModelCard, kernel: PsfKind) -> float | None:
    """Return the largest standard deviation of a kernel seen in training, in pixels, if known."""
    if card.blur_px is None:
        return None
    return card.blur_px[1] / (2 if kernel == "disk" else 1)


def widest_for(card: ModelCard) -> float:
    """Return the largest standard deviation that is worth trying, in pixels."""
    limit = limit_of(card, "gauss")
    return WIDEST if limit is None else _BEYOND * max(limit, 1.0)
