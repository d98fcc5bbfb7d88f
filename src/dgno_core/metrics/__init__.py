"""How close images, objects and operators are to what they should be: pure functions on arrays.

Nothing here knows of models. Training, evaluation and detection all score with these.
"""

from __future__ import annotations

from dgno_core.metrics.edges import EdgeScore, band_psnr, edge_band, error_difference
from dgno_core.metrics.fidelity import Score, psnr, scale_by_reference, score_pair, ssim
from dgno_core.metrics.matching import average_precision, count, match
from dgno_core.metrics.rank import effective_rank

__all__ = [
    "EdgeScore",
    "Score",
    "average_precision",
    "band_psnr",
    "count",
    "edge_band",
    "effective_rank",
    "error_difference",
    "match",
    "psnr",
    "scale_by_reference",
    "score_pair",
    "ssim",
]
