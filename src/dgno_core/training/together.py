"""Processes agree before one of them stops: a lonely stop would leave the others waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dgno_core.errors import DGNOError

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def any_of(fabric: Fabric, here: bool) -> bool:
    """Whether something holds in any of the processes; the same answer in all of them."""
    if fabric.world_size == 1:
        return here
    flags: Any = fabric.all_reduce(torch.tensor(float(here), device=fabric.device), reduce_op="sum")
    return bool(flags > 0)


def all_said(fabric: Fabric, here: tuple[str, ...]) -> tuple[str, ...]:
    """Sentences of all processes, in the order of these."""
    if not any_of(fabric, bool(here)):
        return ()
    if fabric.world_size == 1:
        return here
    gathered: list[tuple[str, ...] | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(gathered, here)
    return tuple(sentence for said in gathered for sentence in said or ())


def raise_together(fabric: Fabric, error: DGNOError | None) -> None:
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
    said = all_said(fabric, () if error is None else (str(error),))
    if error is not None:
        raise error
    if said:
        raise DGNOError(said[0])
