"""The network on a plane: tile by tile, on one device."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.memory import is_out_of_memory
from dgno_core.inference.tiles import TilePlan

if TYPE_CHECKING:
    import torch
    from torch import nn

    from dgno_core.inference.config import RestoreConfig
    from dgno_core.models import ModelCard


class TileTooLargeError(Exception):
    """The device ran out of memory on a tile."""


@dataclass
class Network:
    """A model ready to restore.

    Attributes
    ----------
    model
        The module; called with (1, C, Y, X), its last output is the result.
    card
        Its card.
    name
        How the user would name it: a model name or a path.
    device
        Where it computes.
    precision
        ``fp32`` or ``bf16``.
    """

    model: nn.Module
    card: ModelCard
    name: str
    device: torch.device
    precision: Literal["fp32", "bf16"] = "fp32"

    def move(self, device: torch.device) -> None:
        """Compute on another device from now on."""
        self.model.to(device)
        self.device = device

    def forward(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        """Restore one window ``(C, Y, X)``.

        Raises
        ------
        TileTooLargeError
            If memory runs out.
        DGNOError
            If the result is not finite.
        """
        import torch

        try:
            with (
                torch.inference_mode(),
                full_precision(self.precision == "fp32"),
                torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"),
            ):
                tensor = torch.from_numpy(np.ascontiguousarray(window))[None].to(self.device)
                restored: NDArray[np.float32] = self.model(tensor)[-1][0].float().cpu().numpy()
        except Exception as error:
            if is_out_of_memory(error):
                # Without the original error as cause: its frames hold the tensors.
                raise TileTooLargeError(str(error)) from None
            raise
        if not np.isfinite(restored).all():
            hint = "use precision fp32" if self.precision == "bf16" else "report this"
            raise DGNOError(f"The model {self.name} gave values that are not finite; {hint}.")
        return restored

    def restore_plane(
        self, plane: NDArray[np.float32], plan: TilePlan
    ) -> Generator[None, None, NDArray[np.float32]]:
        """Restore one plane ``(C, Y, X)``; yields after each tile, returns the whole.

        Raises
        ------
        TileTooLargeError
            If memory runs out.
        """
        padded = plan.pad(plane)
        if len(plan.tiles) == 1:
            whole = self.forward(padded)
            yield
            return plan.crop(whole)
        blended = np.zeros_like(padded)
        for tile in plan.tiles:
            window = (slice(None), *tile.window)
            blended[window] += self.forward(padded[window]) * tile.weights
            yield
        return plan.crop(blended)


@contextmanager
def full_precision(wanted: bool = True) -> Iterator[None]:
    """Let cuDNN compute with all 23 bits of float32; by default it takes TF32, which has 10."""
    from torch.backends import cudnn

    if not wanted:
        yield
        return
    with cudnn.flags(
        enabled=cudnn.enabled,
        benchmark=cudnn.benchmark,
        benchmark_limit=cudnn.benchmark_limit,
        deterministic=cudnn.deterministic,
        allow_tf32=False,
    ):
        yield


def load_network(config: RestoreConfig, *, colour: bool, model: nn.Module | None) -> Network:
    """Load the model that the settings name, or take the one that is given.

    A given model stays where it is for ``device="auto"``.

    Raises
    ------
    DGNOError
        If there is no such model or device.
    """
    import torch

    from dgno_core.models import default_weights, load_model
    from dgno_core.models.device import resolve_device

    name = None if config.model == "auto" else config.model
    if model is None:
        # What is chosen for the user is a packaged model, whatever lies in the model folder.
        folder = None if name is None else config.model_folder
        name = name or default_weights(colour=colour)
        model = load_model(name, config.device, folder=folder)
    elif config.device != "auto":
        model.to(resolve_device(config.device))
    card = cast("ModelCard | None", getattr(model, "card", None))
    if card is None:
        raise DGNOError("The model has no card; load it with load_model, or give it one.")
    tensor = next(iter([*model.parameters(), *model.buffers()]), None)
    device = torch.device("cpu") if tensor is None else tensor.device
    return Network(model, card, name or card.name, device, config.precision)
