"""Where the cost of tiles comes from: the table of docs/tiling.md.

python docs/scripts/tile_causes.py DATA_FOLDER [IMAGE]...

An image is restored in one piece, in tiles, and in tiles to which a part of the network lends what
it computed on the whole plane. Takes about two minutes an image on a free CPU core.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.attentive_scan import AttentiveScan
from dgno_core.evaluation.public_set import EvaluationRow, read_public_set
from dgno_core.inference import Restorer
from dgno_core.inference.predictor import Predictor
from dgno_core.inference.tiles import Tile, TilePlan, plan_tiles
from dgno_core.metrics.fidelity import score_pair

MODEL = "dgno-face-small"
LENT = {"nothing": (), "norm": ("norm",), "scan": ("scan",), "both": ("norm", "scan")}


@dataclass
class Whole:
    """What the parts that see all pixels computed on a whole plane.

    Attributes
    ----------
    height
        Of the plane, in pixels.
    moments
        Mean and variance of every channel, of each instance norm.
    scanned
        Result of each scan.
    """

    height: int
    moments: dict[nn.Module, tuple[Tensor, Tensor]] = field(default_factory=dict)
    scanned: dict[nn.Module, Tensor] = field(default_factory=dict)

    def keep(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Remember what a module computes."""
        if isinstance(module, nn.InstanceNorm2d):
            variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
            self.moments[module] = mean, variance
        elif isinstance(module, AttentiveScan):
            self.scanned[module] = output

    def normalised(self, norm: nn.InstanceNorm2d, x: Tensor) -> Tensor:
        """Normalise a tile with the moments of the plane."""
        mean, variance = self.moments[norm]
        return F.batch_norm(x, mean, variance, norm.weight, norm.bias, eps=norm.eps)

    def part(self, scan: nn.Module, tile: Tile) -> Tensor:
        """Cut what the scan of the plane gave for a tile."""
        whole = self.scanned[scan]
        scale = self.height // whole.shape[-2]
        rows, columns = (slice(at.start // scale, at.stop // scale) for at in tile.window)
        return whole[..., rows, columns]


@contextmanager
def hooked(model: nn.Module, hook: Any) -> Iterator[None]:
    """Call a hook after every module of a model."""
    with ExitStack() as stack:
        for module in model.modules():
            stack.callback(module.register_forward_hook(hook).remove)
        yield


def in_tiles(
    network: Predictor,
    plane: NDArray[np.float32],
    plan: TilePlan,
    whole: Whole,
    lent: tuple[str, ...],
) -> NDArray[np.float32]:
    """Restore a padded plane tile by tile, with what `whole` lends."""
    blended = np.zeros_like(plane)
    for tile in plan.tiles:

        def lend(module: nn.Module, inputs: Any, output: Any, tile: Tile = tile) -> Any:
            if "norm" in lent and isinstance(module, nn.InstanceNorm2d):
                return whole.normalised(module, inputs[0])
            if "scan" in lent and isinstance(module, AttentiveScan):
                return whole.part(module, tile)
            return output

        window = (slice(None), *tile.window)
        with hooked(network.model, lend):
            blended[window] += network.forward(plane[window]) * tile.weights
    return blended


def costs(row: EvaluationRow) -> Iterator[tuple[str, float, float]]:
    """For each thing lent: its name, the cost in dB, the root mean square change."""
    restorer = Restorer(MODEL, axes="YX", device="cpu")
    network = restorer.network()
    network.model.eval()
    images = row.load()
    (limits,) = restorer.ranges(images.blurred)
    card = network.card
    plan = plan_tiles(images.blurred.shape, card.tile, card.halo, card.multiple)
    plane = plan.pad(limits.apply(images.blurred[None]))
    whole = Whole(plane.shape[1])
    with hooked(network.model, whole.keep):
        untiled = network.forward(plane)

    def psnr(restored: NDArray[np.float32]) -> float:
        pixels = limits.invert(plan.crop(restored)[0], images.blurred.dtype)
        return score_pair(images.sharp, pixels).psnr

    best = psnr(untiled)
    for name, lent in LENT.items():
        tiled = in_tiles(network, plane, plan, whole, lent)
        change = plan.crop(tiled - untiled)
        yield name, best - psnr(tiled), float(np.sqrt(np.square(change).mean()))


def main() -> None:
    """Print a row of the table for each image."""
    data, *names = sys.argv[1:]
    for row in read_public_set(Path(data)):
        if row.name in names or (not names and row.group == "bbbc039"):
            cells = (f"{cost:+.3f} dB, {100 * rms:.3f} %" for _, cost, rms in costs(row))
            print(f"| {row.name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
