"""The mathematics of the DGNO paper as pure functions on tensors (its Sec. 3.2, App. C and D)."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
