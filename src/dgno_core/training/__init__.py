"""Training: configuration, engine, checkpoints and events.

The names are loaded on first use: asking whose run a folder is must not load torch.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
