"""The objects of an image before and after restoring, found by one and the same StarDist model.

StarDist and TensorFlow are imported when a model is loaded, never before.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
