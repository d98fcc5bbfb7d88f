"""The network on a plane: tile by tile, on one device."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar, cast

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


Event = TypeVar("Event")


class TileTooLargeError(Exception):
    """The device ran out of memory on a tile."""


@dataclass(frozen=True)
class Predictor:
    """A model ready to restore what fits into its memory.

    Attributes
    ----------
    model
        The module; called with (1, C, Y, X), its last output is the result.
    card
        Its card.
    name
        How the user would name it: a model name or a path.
    precision
        ``fp32`` or ``bf16``.
    """

    model: nn.Module
    card: ModelCard
    name: str
    precision: Literal["fp32", "bf16"] = "fp32"

    @property
    def device(self) -> torch.device:
        """Where the model is, and computes."""
        import torch

        tensor = next(iter([*self.model.parameters(), *self.model.buffers()]), None)
        return torch.device("cpu") if tensor is None else tensor.device

    def move(self, device: torch.device) -> None:
        """Compute on another device from now on."""
        from dgno_core.models.device import place

        place(self.model, device)

    def at(self, precision: Literal["fp32", "bf16"]) -> Predictor:
        """Return the same model, computing with another precision."""
        return replace(self, precision=precision)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Put the model in its evaluation mode, and back."""
        was_training = self.model.training
        self.model.eval()
        try:
            yield
        finally:
            self.model.train(was_training)

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
        self, plane: NDArray[np.float32], plan: TilePlan, progress: Iterator[Event]
    ) -> Generator[Event, None, NDArray[np.float32]]:
        """Restore one plane ``(C, Y, X)``; returns the whole.

        Yields the next of `progress` after each tile.

        Raises
        ------
        TileTooLargeError
            If memory runs out.
        """
        padded = plan.pad(plane)
        if len(plan.tiles) == 1:
            whole = self.forward(padded)
            yield next(progress)
            return plan.crop(whole)
        blended = np.zeros_like(padded)
        for tile in plan.tiles:
            window = (slice(None), *tile.window)
            blended[window] += self.forward(padded[window]) * tile.weights
            yield next(progress)
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


def load_predictor(config: RestoreConfig, *, colour: bool = False) -> Predictor:
    """Load the model that the settings name.

    Parameters
    ----------
    config
        The settings.
    colour
        Whether ``auto`` means the packaged model for colour; what is chosen for the user is
        packaged, whatever lies in the model folder.

    Raises
    ------
    DGNOError
        If there is no such model or device.
    """
    from dgno_core.models import default_weights, load_model

    chosen = config.model == "auto"
    name = default_weights(colour=colour) if chosen else config.model
    folder = None if chosen else config.model_folder
    return as_predictor(load_model(name, config.device, folder=folder), config, name)


def as_predictor(model: nn.Module, config: RestoreConfig, name: str | None = None) -> Predictor:
    """Take a model that is loaded already; it stays where it is.

    Raises
    ------
    DGNOError
        If it has no card.
    """
    card = cast("ModelCard | None", getattr(model, "card", None))
    if card is None:
        raise DGNOError("The model has no card; load it with load_model, or give it one.")
    return Predictor(model, card, name or card.name, config.precision)
