"""How much memory a tile needs, how much there is, and what running out of it looks like."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dgno_core.inference.config import SMALLEST_TILE
from dgno_core.models.free_memory import available_bytes as available_bytes

if TYPE_CHECKING:
    import torch

    from dgno_core.models.config import NetworkConfig

FIXED = 64 << 20  # bytes: what a tile costs whatever its size
# DGNO on its own encoder. Measured on the CPU: 1.4 to 1.9 kB a pixel of 256 to 512 px windows at
# width 16, 11 kB at 48.
BYTES_PER_WIDTH = 220
SMALL_WIDTH = 16
# Other networks: this times their live tensors. Measured on the CPU, at 256 px and the papers'
# sizes, the resident memory was 1.2 times these (MPT's encoder in DGNO) to 1.7 times (NAFNet's).
MARGIN = 2
COUNTED_SIDE = 256  # pixels
# Phrases of the errors in which PyTorch, its backends and the system report a lack of memory.
PHRASES = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")


def tile_bytes(pixels: int, bytes_per_pixel: int) -> int:
    """Estimate the peak memory of restoring one window of `pixels` pixels."""
    return FIXED + pixels * bytes_per_pixel


def bytes_per_pixel(card: object) -> int:
    """Estimate from a card's `config` what a pixel of a window costs in inference."""
    config = getattr(card, "config", None)
    if config is None or getattr(getattr(config, "lifting", None), "kind", "") == "mamba":
        return int(getattr(config, "width", SMALL_WIDTH)) * BYTES_PER_WIDTH
    return MARGIN * live_bytes_per_pixel(config)


@cache
def live_bytes_per_pixel(config: NetworkConfig) -> int:
    """Count the live tensors of a network for each pixel, its weights aside.

    Follows a forward pass in which nothing is computed; that takes about a second.
    """
    from dgno_core.models.cost import cost

    side = -(-COUNTED_SIDE // config.multiple) * config.multiple  # so that nothing is padded
    counts = cost(config, side)
    return (counts.peak_bytes - 4 * counts.parameters) // side**2


def fit_tile(
    tile: int, shape: tuple[int, int], bytes_per_pixel: int, available: float, multiple: int = 32
) -> int:
    """Return the largest tile, halving from `tile`, that needs no more than `available` bytes.

    It is never below 64: with less memory than that takes, one can but try.

    Parameters
    ----------
    tile
        The edge that is wanted, in pixels.
    shape
        Height and width of a plane; windows are no larger.
    """
    while tile > max(SMALLEST_TILE, 2 * multiple):
        pixels = min(tile, _padded(shape[0], multiple)) * min(tile, _padded(shape[1], multiple))
        if tile_bytes(pixels, bytes_per_pixel) <= available:
            break
        tile = halve(tile, shape, multiple)
    return tile


def halve(tile: int, shape: tuple[int, int], multiple: int = 32) -> int:
    """Return half of the tile, or of the plane if that is smaller: on the grid, 64 or more."""
    edge = min(tile, _padded(max(shape), multiple))
    return max(edge // 2 // multiple * multiple, SMALLEST_TILE, 2 * multiple)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(phrase in text for phrase in PHRASES)


def release(device: torch.device) -> None:
    """Give memory that PyTorch keeps for reuse back to the device."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def _padded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
