"""Partition of the domain into p x p elements and the traces on their faces (paper Eq. 5).

Symbols: ``p`` element size in pixels, ``(gy, gx)`` the grid of elements, ``d`` channels a head.
A field is ``(B, heads, d, Y, X)``; cut into elements it is ``(B, gy, gx, heads, d, p, p)``.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Side = Literal["top", "bottom", "left", "right"]

SIDES: tuple[Side, ...] = ("top", "bottom", "left", "right")
OPPOSITE: dict[Side, Side] = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def to_elements(field: Tensor, p: int) -> Tensor:
    """Cut a field into its elements.

    Parameters
    ----------
    field : Tensor
        ``(B, heads, d, Y, X)`` with Y and X multiples of `p`.
    p : int
        Element size in pixels.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, p, p)``, contiguous.

    Raises
    ------
    ValueError
        If Y or X is not a multiple of `p`.
    """
    b, h, d, y, x = field.shape
    if y % p or x % p:
        raise ValueError(f"a {y} x {x} field cannot be cut into elements of {p} x {p}")
    cut = field.reshape(b, h, d, y // p, p, x // p, p)
    return cut.permute(0, 3, 5, 1, 2, 4, 6).contiguous()


def from_elements(elements: Tensor) -> Tensor:
    """Put elements back together: the inverse of `to_elements`.

    Parameters
    ----------
    elements : Tensor
        ``(B, gy, gx, heads, d, p, p)``.

    Returns
    -------
    Tensor
        ``(B, heads, d, gy p, gx p)``.
    """
    b, gy, gx, h, d, p, _ = elements.shape
    return elements.permute(0, 3, 4, 1, 5, 2, 6).reshape(b, h, d, gy * p, gx * p)


def face_trace(elements: Tensor, side: Side) -> Tensor:
    """Values on the pixels of one side of every element, seen from inside (paper Eq. 13).

    Parameters
    ----------
    elements : Tensor
        ``(B, gy, gx, heads, d, p, p)``.
    side : {"top", "bottom", "left", "right"}
        Which face.

    Returns
    -------
    Tensor
        ``(B, gy, gx, heads, d, p)``.
    """
    match side:
        case "top":
            return elements[..., 0, :]
        case "bottom":
            return elements[..., -1, :]
        case "left":
            return elements[..., :, 0]
        case "right":
            return elements[..., :, -1]


def neighbour_traces(operators: Tensor, side: Side, exterior: Tensor) -> Tensor:
    """For every element, what lies on the other side of its face `side`.

    Parameters
    ----------
    operators : Tensor
        ``(B, gy, gx, ...)``: one operator an element, on the face that the neighbour shows.
    side : {"top", "bottom", "left", "right"}
        The face through which each element looks.
    exterior : Tensor
        What the elements at that physical border see: ``(B, 1, gx, ...)`` for top and bottom,
        ``(B, gy, 1, ...)`` for left and right.

    Returns
    -------
    Tensor
        Same shape as `operators`.
    """
    match side:
        case "top":
            return torch.cat([exterior, operators[:, :-1]], dim=1)
        case "bottom":
            return torch.cat([operators[:, 1:], exterior], dim=1)
        case "left":
            return torch.cat([exterior, operators[:, :, :-1]], dim=2)
        case "right":
            return torch.cat([operators[:, :, 1:], exterior], dim=2)


def border(operators: Tensor, side: Side) -> Tensor:
    """Row or column of elements that touches the physical border on `side`.

    Parameters
    ----------
    operators : Tensor
        ``(B, gy, gx, ...)``.
    side : {"top", "bottom", "left", "right"}
        Which border of the domain.

    Returns
    -------
    Tensor
        ``(B, 1, gx, ...)`` for top and bottom, ``(B, gy, 1, ...)`` for left and right.
    """
    match side:
        case "top":
            return operators[:, :1]
        case "bottom":
            return operators[:, -1:]
        case "left":
            return operators[:, :, :1]
        case "right":
            return operators[:, :, -1:]
