"""How much memory a device has free, within the limits of a container or cluster job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dgno_core.io.host_memory import free_bytes

if TYPE_CHECKING:
    import torch


def available_bytes(device: torch.device) -> int:
    """Return the memory that is free on a device; for the CPU, within the job's own limit."""
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What PyTorch keeps for reuse is free for us too.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(free + kept)
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return free_bytes()
