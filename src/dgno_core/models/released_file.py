"""Tensors of a foreign ``.pth`` file, read without running anything in it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from dgno_core.errors import DGNOError

CONTAINERS = ("params_ema", "params", "state_dict", "model")
PREFIXES = ("module.", "Network.")


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file saved by ``torch.save``.

    Parameters
    ----------
    path : Path
        Bare state dict, or one under a usual name such as ``params``.

    Returns
    -------
    dict of str to Tensor
        On the CPU; the prefixes that wrappers add to the names are taken off.

    Raises
    ------
    DGNOError
        If the file is missing, damaged, holds anything besides tensors, or no tensors at all.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DGNOError(f"There is no file {path}.") from error
    except OSError as error:
        raise DGNOError(f"The file {path} cannot be read: {error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        raise DGNOError(
            f"{path} is damaged, no checkpoint, or holds more than tensors; it was not opened, "
            "because such a file can run any program. Ask its authors for a file of tensors."
        ) from error
    except Exception as error:
        # torch raises whatever its readers meet in a damaged archive.
        raise DGNOError(
            f"{path} is not a complete PyTorch checkpoint; copy or download it again."
        ) from error
    tensors = _tensors(content)
    if not tensors:
        raise DGNOError(f"{path} holds no named tensors; it is not the checkpoint of a network.")
    return {_bare(key): tensor for key, tensor in tensors.items()}


def _tensors(content: object) -> dict[str, Tensor]:
    """The state dict of a file's content; empty if there is none."""
    if not isinstance(content, Mapping):
        return {}
    for name in CONTAINERS:
        if isinstance(content.get(name), Mapping):
            return _tensors(content[name])
    if not all(isinstance(k, str) and isinstance(t, Tensor) for k, t in content.items()):
        return {}
    return dict(content)


def _bare(key: str) -> str:
    while key.startswith(PREFIXES):
        key = key.partition(".")[2]
    return key
