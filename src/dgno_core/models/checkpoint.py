"""Weights on disk: safetensors with the model card inside. Nothing here unpickles code."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from dgno_core.errors import DGNOError
from dgno_core.io.atomic import replacing
from dgno_core.models.build import build_model
from dgno_core.models.card import ModelCard, read_card_file
from dgno_core.models.config import NetworkConfig
from dgno_core.models.device import place, resolve_device
from dgno_core.models.header import sealed
from dgno_core.models.network import Network
from dgno_core.models.weights import find_weights


def save_model(
    model: Network, card: ModelCard, path: Path, *, dtype: torch.dtype | None = None
) -> None:
    """Write weights and card to a file, atomically.

    Parameters
    ----------
    model : Network
        The network.
    card : ModelCard
        Its card; `card.config` must be the network's.
    path : Path
        A ``.safetensors`` file; its folder must exist.
    dtype : torch.dtype, optional
        Type to store, for example float16. None keeps the parameters' own.

    Raises
    ------
    ValueError
        If the card describes another network.
    DGNOError
        If the file cannot be written.
    """
    if card.config != model.config:
        raise ValueError("the card's configuration is not the network's")
    tensors = {
        name: tensor.detach().to("cpu", dtype or tensor.dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    content = save(tensors)
    content = sealed(content, card.changed(weights_sha256=_hash(content)).model_dump_json())
    with replacing(path) as part:
        part.write_bytes(content)


def load_model(
    name_or_path: str | Path, device: str = "auto", *, folder: Path | None = None
) -> Network:
    """Network with trained weights, ready for inference.

    Parameters
    ----------
    name_or_path : str or Path
        Name as `weights_names` lists it, or a path to a safetensors file.
    device : str
        See `resolve_device`.
    folder : Path, optional
        The user's model folder.

    Returns
    -------
    Network
        In float32 and evaluation mode; its `card` is set.

    Raises
    ------
    DGNOError
        If there are no such weights, the file is damaged or it does not fit its own card.

    Examples
    --------
    >>> from dgno_core import load_model
    >>> load_model("dgno-cell-small", "cpu").card.channels
    1
    """
    path = find_weights(name_or_path, folder)
    card = read_card_file(path)
    try:
        values = {name: tensor.float() for name, tensor in load_file(path).items()}
        _check_fit(card.config, values)
        model = build_model(card.config)
        model.load_state_dict(values)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise DGNOError(
            f"The model file {path} is damaged or incomplete; copy or download it again."
        ) from error
    model.card = card
    return place(model, resolve_device(device)).eval()


def _hash(content: bytes) -> str:
    """SHA-256 of the numbers in a serialised file; see `card.weights_hash`."""
    (length,) = struct.unpack("<Q", content[:8])
    return hashlib.sha256(content[8 + length :]).hexdigest()


def _check_fit(config: NetworkConfig, values: dict[str, Tensor]) -> None:
    """Compare weights with a network before any memory is taken for it.

    Raises
    ------
    ValueError
        If names or shapes differ, or a weight is not finite.
    """
    with torch.device("meta"):
        own = build_model(config).state_dict()
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in values.items()}:
        raise ValueError("the weights are not those of the network in the card")
    if not all(tensor.isfinite().all() for tensor in values.values()):
        raise ValueError("a weight is not finite")
