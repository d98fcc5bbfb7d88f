"""Plain-loop float64 references, sharing no code with the package."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STEPS = {"top": (-1, 0), "bottom": (1, 0), "left": (0, -1), "right": (0, 1)}
FACING = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}


def face_pixels(side: str, p: int) -> list[tuple[int, int]]:
    """Pixels of an element's side."""
    return {
        "top": [(0, i) for i in range(p)],
        "bottom": [(p - 1, i) for i in range(p)],
        "left": [(i, 0) for i in range(p)],
        "right": [(i, p - 1) for i in range(p)],
    }[side]


def coefficients(k: Array, v: Array, pixels: list[tuple[int, int]]) -> Array:
    """Mean of k_a v_b over some pixels; k, v: (d, Y, X)."""
    d = len(k)
    out = np.zeros((d, d))
    for a in range(d):
        for b in range(d):
            out[a, b] = sum(k[a, y, x] * v[b, y, x] for y, x in pixels) / len(pixels)
    return out


def flux_value(name: str, own: Array, other: Array, tau: float) -> Array:
    """Eqs. 26-30 for one face."""
    average = (own + other) / 2
    penalty = -tau * (own - other)
    if name == "central":
        return average
    if name == "jump":
        return penalty
    if name == "average_jump":
        return average + penalty
    alpha = 1 / (1 + math.exp(-(own.mean() - other.mean())))
    return alpha * own + (1 - alpha) * other


def dg_loops(
    q: Array, k: Array, v: Array, p: int, formulation: str, flux: str, boundary: str, tau: float
) -> Array:
    """Eqs. 6-16 of the paper for one image and head; q, k, v: (d, Y, X)."""
    d, height, width = q.shape
    gy, gx = height // p, width // p
    out = np.zeros_like(q)

    def operator(ey: int, ex: int, side: str | None) -> Array:
        local = (
            [(y, x) for y in range(p) for x in range(p)] if side is None else face_pixels(side, p)
        )
        return coefficients(k, v, [(ey * p + y, ex * p + x) for y, x in local])

    for ey in range(gy):
        for ex in range(gx):
            total = operator(ey, ex, None)
            for side, (dy, dx) in STEPS.items():
                own = operator(ey, ex, side if formulation == "face" else None)
                ny, nx = ey + dy, ex + dx
                inside = 0 <= ny < gy and 0 <= nx < gx
                if inside or boundary == "periodic":
                    facing = FACING[side] if formulation == "face" else None
                    other = operator(ny % gy, nx % gx, facing)
                else:
                    other = own if boundary == "dirichlet" else np.zeros((d, d))
                total = total + flux_value(flux, own, other, tau)
            for y in range(ey * p, ey * p + p):
                for x in range(ex * p, ex * p + p):
                    for b in range(d):
                        out[b, y, x] = sum(q[a, y, x] * total[a, b] for a in range(d))
    return out


def scan_loops(u: Array, delta: Array, A: Array, B: Array, C: Array, D: Array) -> Array:
    """The selective scan for one sequence; u, delta: (d, L), A: (d, n), B, C: (n, L), D: (d,)."""
    d, length = u.shape
    n = A.shape[1]
    y = np.zeros_like(u)
    for i in range(d):
        h = np.zeros(n)
        for t in range(length):
            for j in range(n):
                h[j] = math.exp(delta[i, t] * A[i, j]) * h[j] + delta[i, t] * B[j, t] * u[i, t]
            y[i, t] = sum(C[j, t] * h[j] for j in range(n)) + D[i] * u[i, t]
    return y
