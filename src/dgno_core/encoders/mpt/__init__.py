"""Blocks of the multi-pyramid transformer MPT (CVPR 2024, arXiv 2403.02611)."""

from __future__ import annotations

from dgno_core.encoders.mpt.block import MPTBlock

__all__ = ["MPTBlock"]
