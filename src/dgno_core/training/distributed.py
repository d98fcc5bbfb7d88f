"""Processes agree before one of them stops: if one stops alone, the others hang in a collective."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

T = TypeVar("T")
LONGEST = timedelta(days=30)


def any_of(fabric: Fabric, here: bool) -> bool:
    """Whether something holds in any of the processes; the same answer in all of them."""
    if fabric.world_size == 1:
        return here
    flags: Any = fabric.all_reduce(torch.tensor(float(here), device=fabric.device), reduce_op="sum")
    return bool(flags > 0)


def gather_messages(fabric: Fabric, here: tuple[str, ...]) -> tuple[str, ...]:
    """Messages of all processes, in the order of these."""
    if not any_of(fabric, bool(here)):
        return ()
    if fabric.world_size == 1:
        return here
    gathered: list[tuple[str, ...] | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(gathered, here)
    return tuple(message for messages in gathered for message in messages or ())


@dataclass(frozen=True)
class Patience:
    """A way to wait for the others that a slow one does not break.

    The collectives of training end a run when one process keeps the others waiting for minutes,
    which a long validation does without any fault. Over this group of its own they wait for as
    long as all of them live: the connection of a process that ends is closed, and that is noticed
    at once.
    """

    world_size: int
    group: Any = None

    def gather(self, here: T) -> list[T]:
        """The objects of all processes in the order of these, in each of them."""
        if self.world_size == 1:
            return [here]
        gathered: list[Any] = [None] * self.world_size
        torch.distributed.all_gather_object(gathered, here, group=self.group)
        return gathered


def be_patient(fabric: Fabric) -> Patience:
    """Make the group of all processes of a run; each of them must call this."""
    if fabric.world_size == 1:
        return Patience(1)
    group = torch.distributed.new_group(backend="gloo", timeout=LONGEST)
    return Patience(fabric.world_size, group)


def raise_on_all_ranks(fabric: Fabric, error: DGNOError | None) -> None:
    """Raise in all processes if there is an error in one of them.

    Parameters
    ----------
    fabric : Fabric
        The processes.
    error : DGNOError or None
        That of this process.

    Raises
    ------
    DGNOError
        The first error, with its message in every process.
    """
    messages = gather_messages(fabric, () if error is None else (str(error),))
    if error is not None:
        raise error
    if messages:
        raise DGNOError(messages[0])
