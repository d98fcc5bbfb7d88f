"""Forward physics (blur that varies over the field, camera noise) and classical deconvolution.

Pure functions on numpy arrays; randomness comes from a seed or a generator that the caller hands
in. The fast blur of training, `blur_interpolated` with `ray_kernels`, works on tensors. The names
are loaded on first use.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
