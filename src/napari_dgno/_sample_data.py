"""Samples to try the plugin on, drawn or from an image that scikit-image carries.

The first two are two layers each: the sharp image, and above it the same image blurred with a known
map and with camera noise. The map is in the blurred layer's metadata. Nothing is downloaded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LayerTuple = tuple[Any, dict[str, Any], str]


def stained_tissue() -> list[LayerTuple]:
    """Stained tissue in colour (scikit-image's immunohistochemistry), sharp and blurred."""
    from skimage.data import immunohistochemistry

    return _pair(immunohistochemistry(), "stained tissue", seed=1)


def nuclei() -> list[LayerTuple]:
    """Drawn fluorescent nuclei, those of the demonstration, sharp and blurred."""
    from dgno_core.demo import images

    return _pair(images.nuclei().sharp, "nuclei", seed=2)


def focal_stack() -> list[LayerTuple]:
    """Drawn nuclei and filaments, from sharp to a blur of 8 pixels.

    The focus is near one end, so that the plane in the middle, which napari shows first, is soft.
    """
    from dgno_core.optics.scenes import focal_stack as draw

    stack = draw((8, 192, 256), in_focus=2)
    metadata = {"in_focus": stack.in_focus, "blur_px": stack.widths, "sharp": stack.sharp}
    keywords = {"name": "focal stack", "axis_labels": ("z", "y", "x"), "metadata": metadata}
    return [(stack.data, keywords, "image")]


def _pair(sharp: np.ndarray, name: str, seed: int) -> list[LayerTuple]:
    """Return an image and its blurred twin, the blurred one last so that it lies on top."""
    from dgno_core.data.degrader import replay_recording
    from dgno_core.demo.images import known_blur

    record = known_blur(seed)
    assert record.widths is not None
    common: dict[str, Any] = {"rgb": sharp.ndim == 3, "axis_labels": ("y", "x")}
    widths = record.widths.at(sharp.shape[:2]).numpy()
    blur = {"blur_map": widths, "blur": "Gaussian, sigma in pixels"}
    blurred = replay_recording(record, sharp)
    return [
        (sharp, {**common, "name": f"{name}, sharp", "metadata": {}}, "image"),
        (blurred, {**common, "name": f"{name}, blurred", "metadata": blur}, "image"),
    ]
