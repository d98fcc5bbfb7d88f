"""Focal stacks: how sharp each plane is, which is in focus, all in focus, and pairs to train on.

Nothing here knows of models.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
