"""How close images, objects and operators are to what they should be: pure functions on arrays.

Nothing here knows of models. Training, evaluation and detection all score with these.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
