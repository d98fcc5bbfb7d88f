"""Restoration of defocused microscope images with discontinuous Galerkin neural operators.

The public names stand in `__init__.pyi`, here and in each sub-package, and are loaded on first
use: `import dgno_core` imports neither torch nor numpy.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
