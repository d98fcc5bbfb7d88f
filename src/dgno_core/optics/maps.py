"""Maps of the blur width: smooth, or in regions with jumps between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Range: TypeAlias = tuple[float, float]
MapKind: TypeAlias = Literal["smooth", "regions"]

SMOOTH_NODES = 4  # along each side
REGIONS = 12


@dataclass(frozen=True)
class WidthMap:
    """A map of any size, made of few drawn numbers. JSON keeps them exactly.

    Attributes
    ----------
    nodes
        Widths in pixels: of a smooth map, evenly over the field in rows and columns; of regions,
        one for each site.
    ends
        Lowest and highest width that a smooth map may have between its nodes.
    sites
        ``(y, x)`` of each node in units of the field's sides, in the order of the rows: a pixel has
        the width of the nearest site. None: the map is smooth.
    stretched
        Whether a smooth map's own extremes are moved to `ends`; otherwise it is cut off there.
    """

    nodes: tuple[tuple[float, ...], ...]
    ends: Range
    sites: tuple[tuple[float, float], ...] | None = None
    stretched: bool = False

    def at(self, shape: tuple[int, ...]) -> Tensor:
        """Return the widths of a field of shape ``(Y, X)`` in pixels, float32."""
        import torch
        from torch.nn import functional as F

        nodes, (low, high) = torch.tensor(self.nodes), self.ends
        if self.sites is None:
            size = (shape[0], shape[1])
            smooth = F.interpolate(nodes[None, None], size=size, mode="bicubic", align_corners=True)
            smooth = smooth[0, 0]
            if self.stretched:
                lowest = smooth.min()
                smooth = low + (high - low) * (smooth - lowest) / (smooth.max() - lowest)
            return smooth.clamp(low, high)
        sites = torch.tensor(self.sites)
        y = torch.linspace(0, 1, shape[0])[:, None, None]
        x = torch.linspace(0, 1, shape[1])[None, :, None]
        nearest = ((y - sites[:, 0]) ** 2 + (x - sites[:, 1]) ** 2).argmin(-1)
        return nodes.flatten()[nearest]


def draw_map(
    kind: MapKind, widths: Range, rng: np.random.Generator, *, nodes: int | None = None
) -> WidthMap:
    """Draw a map that has exactly the given lowest and highest width.

    Parameters
    ----------
    kind
        ``"smooth"``: uniform random numbers on a coarse grid, enlarged by cubic polynomials.
        ``"regions"``: random sites; the widths are equally spaced, in random order.
    widths
        Lowest and highest blur width, in pixels.
    rng
        Source of randomness; the same generator state gives the same map.
    nodes
        Of a smooth map along each side (by default 4), or number of regions (by default 12); at
        least 2.
    """
    low, high = widths
    if not 0 < low <= high:
        raise ValueError(f"blur widths must be positive and in rising order, not {widths}")
    if kind == "smooth":
        count = nodes or SMOOTH_NODES
        grid = low + (high - low) * rng.random((count, count))
        return WidthMap(tuple(map(tuple, grid.tolist())), (low, high), stretched=True)
    if kind == "regions":
        places = rng.random((nodes or REGIONS, 2))
        values = rng.permutation(np.linspace(low, high, len(places)))
        sites = tuple((y, x) for y, x in places.tolist())
        return WidthMap((tuple(values.tolist()),), (low, high), sites)
    raise ValueError(f"the map must be 'smooth' or 'regions', not {kind!r}")


def smooth_map(
    shape: tuple[int, int], widths: Range, rng: np.random.Generator, *, grid: int = SMOOTH_NODES
) -> NDArray[np.float64]:
    """Draw widths ``(Y, X)`` that change slowly, as in a tilted sample; see `draw_map`."""
    return draw_map("smooth", widths, rng, nodes=grid).at(shape).double().numpy()


def region_map(
    shape: tuple[int, int], widths: Range, rng: np.random.Generator, *, sites: int = REGIONS
) -> NDArray[np.float64]:
    """Draw widths ``(Y, X)`` with jumps, as where cells lie over one another; see `draw_map`."""
    return draw_map("regions", widths, rng, nodes=sites).at(shape).double().numpy()
