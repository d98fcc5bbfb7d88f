"""What is explained: how strong the edges inside a box of the restored image are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from dgno_core.interpretation.lam.settings import Window


def gradient_magnitude(image: Tensor, eps: float = 0.0) -> Tensor:
    """Return the length of the gradient between each pixel and the next ones.

    Parameters
    ----------
    image : Tensor
        ``(..., Y, X)``.
    eps : float
        Added under the square root, which has no derivative at 0.

    Returns
    -------
    Tensor
        ``(..., Y - 1, X - 1)``, in units of the image per pixel.
    """
    down = image[..., :-1, :-1] - image[..., 1:, :-1]
    right = image[..., :-1, :-1] - image[..., :-1, 1:]
    return (down**2 + right**2 + eps).sqrt()


def edge_strength(image: Tensor, box: Window, eps: float = 0.0) -> Tensor:
    """Sum the gradient magnitude over a box and all colours.

    Parameters
    ----------
    image : Tensor
        ``(..., Y, X)``.
    box : Window
        In pixels of `image`. In the last row and column of an image there is no gradient.
    eps : float
        As for `gradient_magnitude`.
    """
    # One pixel more than the box: that is where the gradients of its last pixels lead.
    part = image[..., box.y : box.y + box.height + 1, box.x : box.x + box.width + 1]
    return gradient_magnitude(part, eps).sum()
