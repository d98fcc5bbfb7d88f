"""Names: of architectures, and of the weights that are packaged or in the user's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgno_core.encoders.config import NAFBlocks, RestormerBlocks
from dgno_core.encoders.mpt_config import MPTBlocks
from dgno_core.errors import DGNOError
from dgno_core.models.cache import model_cache
from dgno_core.models.config import (
    DGNOConfig,
    MPTConfig,
    NAFNetConfig,
    NetworkConfig,
    RestormerConfig,
)
from dgno_core.models.header import SUFFIX, not_weights
from dgno_core.wording import did_you_mean

if TYPE_CHECKING:
    from dgno_core.models.network import Network

PACKAGED = Path(__file__).parents[1] / "weights"
CHECKPOINTS = (".pth", ".pt", ".ckpt")

# Best settings of the paper's Table 3; the small ones keep them at a third of the width.
_CELL = DGNOConfig(formulation="cell", flux="jump", boundary="neumann")
_FACE = DGNOConfig(formulation="face", flux="average_jump", boundary="dirichlet")
_SMALL: dict[str, Any] = {"width": 16, "heads": 4, "blocks": (1, 4, 6, 2)}

# The paper's Table 6: the same operators on the encoders of other networks, at their own sizes.
_NAFNET, _RESTORMER, _MPT = NAFNetConfig(), RestormerConfig(), MPTConfig()

ARCHITECTURES: dict[str, NetworkConfig] = {
    "dgno-cell": _CELL,
    "dgno-face": _FACE,
    "galerkin-global": DGNOConfig(formulation="global"),
    "galerkin-window": DGNOConfig(formulation="window"),
    "dgno-cell-small": _CELL.changed(**_SMALL),
    "dgno-face-small": _FACE.changed(**_SMALL),
    "nafnet": _NAFNET,
    "restormer": _RESTORMER,
    "mpt": _MPT,
    "nafnet-dgno": _FACE.changed(lifting=NAFBlocks(), width=_NAFNET.width, blocks=_NAFNET.encoder),
    "restormer-dgno": _FACE.changed(
        lifting=RestormerBlocks(), width=_RESTORMER.width, blocks=_RESTORMER.blocks
    ),
    # MPT's 40 channels divide into 8 heads, not into 16.
    "mpt-dgno": _FACE.changed(lifting=MPTBlocks(), width=_MPT.width, blocks=_MPT.blocks, heads=8),
}


def model_names() -> list[str]:
    """Names of the architectures that `build_model` knows."""
    return list(ARCHITECTURES)


def architecture(name: str, channels: int = 1) -> NetworkConfig:
    """Configuration of a named architecture.

    Parameters
    ----------
    name : str
        One of `model_names`.
    channels : int
        Image channels, 1 or 3.

    Returns
    -------
    NetworkConfig

    Raises
    ------
    DGNOError
        If the name is unknown or the number of channels is neither 1 nor 3.
    """
    if name not in ARCHITECTURES:
        raise DGNOError(
            f"There is no network {name!r}{did_you_mean(name, ARCHITECTURES)}; choose one of "
            f"{', '.join(ARCHITECTURES)}."
        )
    if channels not in (1, 3):
        raise DGNOError(f"A network has 1 or 3 image channels, not {channels}.")
    return ARCHITECTURES[name].changed(channels=channels)


def build_model(name_or_config: str | NetworkConfig, channels: int = 1) -> Network:
    """A network with random weights.

    Parameters
    ----------
    name_or_config : str or NetworkConfig
        One of `model_names`, or a configuration (which states its own channels).
    channels : int
        Image channels for a name, 1 or 3.

    Returns
    -------
    Network

    Raises
    ------
    DGNOError
        If the name is unknown or the number of channels is neither 1 nor 3.
    """
    import torch

    config = (
        architecture(name_or_config, channels)
        if isinstance(name_or_config, str)
        else name_or_config
    )
    # Channels-last from the start: a saved and reloaded network computes in the same order.
    network = _network_class(config)(config)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _network_class(config: NetworkConfig) -> type[Network]:
    match config:
        case DGNOConfig():
            from dgno_core.models.dgno import DGNO

            return DGNO
        case NAFNetConfig():
            from dgno_core.models.nafnet import NAFNet

            return NAFNet
        case RestormerConfig():
            from dgno_core.models.restormer import Restormer

            return Restormer
        case MPTConfig():
            from dgno_core.models.mpt import MPT

            return MPT


def weights_names(folder: Path | None = None, *, fetched: bool = True) -> list[str]:
    """Names of the packaged weights, those in the user's model folder, and the fetched ones.

    Parameters
    ----------
    folder : Path, optional
        The user's model folder.
    fetched : bool
        Whether fetched weights count.

    Returns
    -------
    list of str
    """
    folders = (PACKAGED, folder, model_cache() if fetched else None)
    found = [
        path.stem for place in filter(None, folders) for path in sorted(place.glob(f"*{SUFFIX}"))
    ]
    return list(dict.fromkeys(found))


def find_weights(name_or_path: str | Path, folder: Path | None = None) -> Path:
    """File of a name or path; first the user's folder, then packaged weights, then fetched ones.

    Parameters
    ----------
    name_or_path : str or Path
        Name as `weights_names` lists it, or a path to a safetensors file.
    folder : Path, optional
        The user's model folder.

    Returns
    -------
    Path

    Raises
    ------
    DGNOError
        If there is no such file.
    """
    path = Path(name_or_path)
    if path.suffix in CHECKPOINTS:
        raise DGNOError(
            f"{path} is a PyTorch checkpoint; convert it first: "
            f"dgno convert {path} -o {path.with_suffix(SUFFIX).name}"
        )
    # A bare name never means a file of that name in the current folder.
    if path.suffix == SUFFIX or len(path.parts) > 1:
        if not path.is_file():
            raise DGNOError(f"There is no model file {path}.")
        return path
    for place in filter(None, (folder, PACKAGED, model_cache())):
        candidate = place / f"{name_or_path}{SUFFIX}"
        if candidate.is_file():
            return candidate
    known = ", ".join(weights_names(folder)) or "none"
    if name_or_path in ARCHITECTURES:
        raise DGNOError(
            f"{name_or_path} is a network without trained weights here; there are weights for: "
            f"{known}. Give one of these names or the path of a .safetensors file"
            f"{_offer(str(name_or_path))}."
        )
    if path.is_file():
        raise DGNOError(not_weights(path))
    hint = did_you_mean(name_or_path, weights_names(folder))
    raise DGNOError(
        f"There are no weights called {str(name_or_path)!r}{hint}; known are: {known}. "
        "Give one of these names or the path of a .safetensors file."
    )


def _offer(name: str) -> str:
    """Tell how to fetch weights, if they are offered."""
    from dgno_core.models.release import releases

    return f", or fetch them: dgno models --fetch {name}" if name in releases() else ""


def default_weights(colour: bool) -> str:
    """Name of the packaged weights that "auto" stands for.

    Parameters
    ----------
    colour : bool
        Whether the image is RGB.

    Returns
    -------
    str
    """
    return "dgno-cell-small-colour" if colour else "dgno-cell-small"
