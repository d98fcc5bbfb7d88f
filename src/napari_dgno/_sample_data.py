"""Samples to try the plugin on, made from images that installed packages already carry.

Each real sample is two layers: the sharp image, and above it the same image blurred with a known
map and with camera noise. The map is in the blurred layer's metadata. Nothing is downloaded.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

LayerTuple = tuple[Any, dict[str, Any], str]


def stained_tissue() -> list[LayerTuple]:
    """Stained tissue in colour (scikit-image's immunohistochemistry), sharp and blurred."""
    from skimage.data import immunohistochemistry

    return _pair(immunohistochemistry(), "stained tissue", seed=1)


def cells() -> list[LayerTuple]:
    """Fluorescent nuclei where StarDist is installed, a single living cell elsewhere."""
    nuclei = _stardist_nuclei()
    if nuclei is not None:
        return _pair(nuclei, "nuclei", seed=2)
    from skimage.data import cell

    return _pair(cell(), "cell", seed=2)


def focal_stack() -> list[LayerTuple]:
    """Drawn nuclei and filaments, from sharp to a blur of 8 pixels.

    The focus is near one end, so that the plane in the middle, which napari shows first, is soft.
    """
    from dgno_core.optics.scenes import focal_stack as draw

    stack = draw((8, 192, 256), in_focus=2)
    metadata = {"in_focus": stack.in_focus, "blur_px": stack.widths, "sharp": stack.sharp}
    keywords = {"name": "focal stack", "axis_labels": ("z", "y", "x"), "metadata": metadata}
    return [(stack.data, keywords, "image")]


def _stardist_nuclei() -> np.ndarray | None:
    """StarDist's picture of nuclei, read without importing StarDist (that starts TensorFlow)."""
    spec = find_spec("stardist")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "images" / "img2d.tif"
    if not path.is_file():
        return None
    from tifffile import imread

    return np.asarray(imread(path))


def _pair(sharp: np.ndarray, name: str, seed: int) -> list[LayerTuple]:
    """Return an image and its blurred twin, the blurred one last so that it lies on top."""
    from dgno_core.demo.degrade import degrade

    degraded = degrade(sharp, seed)
    common: dict[str, Any] = {"rgb": sharp.ndim == 3, "axis_labels": ("y", "x")}
    blur = {"blur_map": degraded.width.astype(np.float32), "blur": "Gaussian, sigma in pixels"}
    return [
        (sharp, {**common, "name": f"{name}, sharp", "metadata": {}}, "image"),
        (degraded.blurred, {**common, "name": f"{name}, blurred", "metadata": blur}, "image"),
    ]
