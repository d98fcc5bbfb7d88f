"""Reading the sharp images that a list names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dgno_core.data.grey import brightness
from dgno_core.errors import DGNOError
from dgno_core.wording import file_problem

PERCENTILES = (0.1, 99.9)


def read_list(path: Path) -> list[str]:
    """File names of a list: one a line; empty lines and lines with ``#`` do not count.

    Parameters
    ----------
    path : Path
        Text file.

    Returns
    -------
    list of str

    Raises
    ------
    DGNOError
        If the list cannot be read or names nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DGNOError(
            f"The list of images {path} cannot be read: {file_problem(error)}."
        ) from error
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise DGNOError(f"The list of images {path} names no file.")
    return names


def scale_by_percentiles(
    image: npt.NDArray[Any], percentiles: tuple[float, float] = PERCENTILES
) -> npt.NDArray[np.float32]:
    """Intensities with the given percentiles at 0 and 1.

    Parameters
    ----------
    image : ndarray
        Any shape.
    percentiles : tuple of float
        Low and high, in percent.

    Returns
    -------
    ndarray
        float32; a constant image becomes zeros.
    """
    low, high = np.percentile(image, percentiles)
    values = np.asarray(image, dtype=np.float32) - np.float32(low)
    return values / np.float32(high - low) if high > low else np.zeros_like(values)


def load_sharp_images(
    root: Path, names: Sequence[str], channels: int, *, grey: bool = False
) -> list[npt.NDArray[np.float32]]:
    """Sharp images as ``(C, Y, X)``, scaled by their own percentiles.

    Parameters
    ----------
    root : Path
        Folder to which the names are relative.
    names : sequence of str
        Files with one plane each; RGB(A) where `channels` is 3.
    channels : int
        1 or 3.
    grey : bool
        Take the brightness of colour images where `channels` is 1.

    Returns
    -------
    list of ndarray
        float32, about 0 ... 1.

    Raises
    ------
    DGNOError
        If a file is missing, unreadable, or not of the kind asked for.
    """
    from skimage.io import imread

    if not root.is_dir():
        raise DGNOError(f"There is no folder {root} with the training images; set data.root.")
    images = []
    for name in names:
        try:
            image = np.asarray(imread(root / name))
        except (OSError, ValueError, SyntaxError) as error:
            reason = "it is damaged or of an unknown kind"
            if isinstance(error, OSError) and error.errno is not None:
                reason = file_problem(error)
            raise DGNOError(
                f"The training image {root / name} cannot be read: {reason}."
            ) from error
        is_colour = image.ndim == 3 and image.shape[-1] in (3, 4)
        if channels == 1 and grey and is_colour:
            image = brightness(image[..., :3])
        if channels == 1 and image.ndim == 2:
            image = image[None]
        elif channels == 3 and is_colour:
            image = np.moveaxis(image[..., :3], -1, 0)
        else:
            kind = "a grey" if channels == 1 else "an RGB"
            raise DGNOError(
                f"The training image {root / name} has shape {image.shape}; expected {kind} plane."
            )
        if image.dtype.kind == "f" and not np.isfinite(image).all():
            raise DGNOError(
                f"The training image {root / name} holds pixels that are NaN or infinite; replace "
                "them first."
            )
        if image.min() == image.max():
            raise DGNOError(
                f"The training image {root / name} has one intensity only, so there is nothing to "
                "learn from it; leave it out."
            )
        images.append(scale_by_percentiles(image))
    return images
