"""Choice of the device."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from dgno_core.errors import DGNOError

M = TypeVar("M", bound=nn.Module)


def resolve_device(name: str = "auto") -> torch.device:
    """Device of a name.

    Parameters
    ----------
    name : str
        "auto" (CUDA where there is one, else the CPU), "cpu", "cuda", "cuda:1", "mps", ...

    Returns
    -------
    torch.device

    Raises
    ------
    DGNOError
        If the name means nothing or this computer has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DGNOError(
            f"There is no device called {name!r}; use auto, cpu, cuda, cuda:1 or mps."
        ) from error
    present = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not present.get(device.type, False):
        raise DGNOError(
            f"This computer has no device {name!r} that PyTorch can use; choose cpu or auto."
        )
    return device


def place(model: M, device: torch.device) -> M:
    """Move a network to a device, its weights channels-last as its features are.

    Parameters
    ----------
    model : nn.Module
        The network; changed in place.
    device : torch.device
        Where to.

    Returns
    -------
    nn.Module
        The same network.
    """
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model
