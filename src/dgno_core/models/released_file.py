"""Tensors of a foreign ``.pth`` file, read without running anything in it."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from dgno_core.errors import DGNOError
from dgno_core.wording import file_problem

CONTAINERS = ("params_ema", "params", "state_dict", "model")
PREFIXES = ("module.", "Network.")
NUMBERS = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Named tensors of a file saved by ``torch.save``.

    Parameters
    ----------
    path : Path
        Bare state dict, or one under a usual name such as ``params``.

    Returns
    -------
    dict of str to Tensor
        Dense, on the CPU; the prefixes that wrappers add to the names are taken off.

    Raises
    ------
    DGNOError
        If the file is missing, damaged, holds anything besides tensors, or no tensors at all.
    """
    try:
        _check_whole(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's remarks about old formats
            content = torch.load(path, map_location="cpu", weights_only=True)
    except DGNOError:
        raise
    except FileNotFoundError as error:
        raise DGNOError(f"There is no file {path}.") from error
    except OSError as error:
        raise DGNOError(f"The file {path} cannot be read: {file_problem(error)}.") from error
    except pickle.UnpicklingError as error:
        raise DGNOError(
            f"{path} holds more than tensors, or is damaged; it was not opened, because such a "
            "file can run any program. Ask its authors for a file of tensors."
        ) from error
    except Exception as error:
        # torch raises whatever its readers meet in a damaged archive.
        raise DGNOError(
            f"{path} is not a complete PyTorch checkpoint; copy or download it again."
        ) from error
    tensors = _tensors(content)
    if not tensors:
        raise DGNOError(f"{path} holds no named tensors; it is not the checkpoint of a network.")
    named: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if not _is_plain(tensor):
            raise DGNOError(
                f"{path}: {key!r} is no plain tensor of numbers; such a file cannot be converted."
            )
        if _bare(key) in named:
            raise DGNOError(f"{path} holds {_bare(key)!r} twice; nobody can tell which counts.")
        named[_bare(key)] = tensor
    return named


def _check_whole(path: Path) -> None:
    """Refuse what is no checkpoint, or one in which a byte has changed."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            # torch stores what it saves as it is; anything smaller might grow without end.
            if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
                raise DGNOError(f"{path} is compressed, which no checkpoint is; it was not opened.")
            damaged = archive.testzip()
        if damaged is not None:
            raise DGNOError(f"{path} is damaged (in {damaged!r}); copy or download it again.")
        return
    with path.open("rb") as handle:
        start = handle.read(1)
    # Older checkpoints are bare pickles, which begin so.
    if start != b"\x80":
        raise DGNOError(f"{path} is no PyTorch checkpoint, or damaged; copy or download it again.")


def _is_plain(tensor: Tensor) -> bool:
    """Whether a tensor is made of plain numbers in memory of its own."""
    try:
        return (
            tensor.layout == torch.strided
            and tensor.device.type == "cpu"
            and not tensor.is_quantized
            and tensor.dtype in NUMBERS
            # A view can pretend to be of any size.
            and tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
        )
    except (RuntimeError, NotImplementedError):
        return False  # nested and other exotic tensors cannot even be asked


def _tensors(content: object) -> dict[str, Tensor]:
    """The state dict of a file's content, or one level below; empty if there is none."""
    if not isinstance(content, Mapping):
        return {}
    inner = (content.get(name) for name in CONTAINERS)
    content = next((part for part in inner if isinstance(part, Mapping)), content)
    if not all(isinstance(k, str) and isinstance(t, Tensor) for k, t in content.items()):
        return {}
    return dict(content)


def _bare(key: str) -> str:
    while key.startswith(PREFIXES):
        key = key.partition(".")[2]
    return key
