"""The papers' data sets: what they are, how they lie on disk, and who trains and who tests.

Nothing here downloads anything except `dgno_core.data.datasets.fetch`, when it is called.
"""

from __future__ import annotations

from dgno_core.data.datasets.layout import About, Contents, Fault, Layout
from dgno_core.data.datasets.registry import datasets, find_dataset

__all__ = ["About", "Contents", "Fault", "Layout", "datasets", "find_dataset"]
