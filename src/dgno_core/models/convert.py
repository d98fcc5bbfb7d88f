"""Released DGNO and MPT checkpoints, turned into this project's weights files."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from dgno_core.errors import DGNOError
from dgno_core.models import released_dgno, released_mpt
from dgno_core.models.card import ModelCard
from dgno_core.models.checkpoint import save_model
from dgno_core.models.config import DGNOConfig, NetworkConfig
from dgno_core.models.registry import SUFFIX, build_model
from dgno_core.models.released_file import read_state_dict

FluxName = Literal["central", "jump", "average_jump", "upwind"]
BoundaryName = Literal["dirichlet", "neumann", "periodic"]
ActivationName = Literal["gelu", "relu"]
TILE = 512
TILE_GRID = 32
LEARNS_TAU = ("jump", "average_jump")


@dataclass(frozen=True)
class Conversion:
    """A converted checkpoint.

    Parameters
    ----------
    path
        The weights file.
    card
        Its card.
    assumed
        What the checkpoint does not tell and was not given: sentences for the user.
    """

    path: Path
    card: ModelCard
    assumed: tuple[str, ...]


def convert_checkpoint(
    path: str | Path,
    out: str | Path,
    *,
    flux: FluxName | None = None,
    boundary: BoundaryName | None = None,
    activation: ActivationName | None = None,
) -> Conversion:
    """Turn a released ``.pth`` file into a weights file that `load_model` takes.

    Nothing in the file is executed. Sizes and heads come from its shapes; the rest is given, or
    the best setting of the paper for that variant is assumed.

    Parameters
    ----------
    path : str or Path
        A released DGNO (Face or Cell) or MPT checkpoint for 1 or 3 channels.
    out : str or Path
        The ``.safetensors`` file to write; its folder must exist.
    flux : str, optional
        The flux that the DGNO was trained with.
    boundary : str, optional
        Its boundary treatment, under the released code's name.
    activation : str, optional
        The activation of its shallow branch.

    Returns
    -------
    Conversion

    Raises
    ------
    DGNOError
        If the file cannot be read safely, is neither network, contradicts the given settings, or
        `out` cannot be written. Nothing is left half-written.
    """
    path, out = Path(path), Path(out)
    if out.suffix != SUFFIX:
        raise DGNOError(f"A converted model is a {SUFFIX} file: {out} is not named so.")
    if out.exists() and path.exists() and out.samefile(path):
        raise DGNOError(f"{out} is the checkpoint itself; give another name to the model.")
    tensors = read_state_dict(path)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    given = {"flux": flux, "boundary": boundary, "shallow_activation": activation}
    config, rename = _recognise(path, shapes)
    assumed: tuple[str, ...] = ()
    if isinstance(config, DGNOConfig):
        config, assumed = _complete(path, config, given)
    elif set(given.values()) != {None}:
        raise DGNOError(f"{path} is an MPT, which has no flux, boundary or shallow activation.")
    model = build_model(config)
    _load(path, model, tensors, rename)
    card = _card(out.stem, path, config, assumed)
    save_model(model, card, out)
    return Conversion(out, card, assumed)


def _recognise(
    path: Path, shapes: dict[str, tuple[int, ...]]
) -> tuple[NetworkConfig, Callable[[str], str | None]]:
    """Architecture of a checkpoint, and the names of its tensors."""
    try:
        if (dgno := released_dgno.recognise(shapes)) is not None:
            return dgno, released_dgno.rename
        if (mpt := released_mpt.recognise(shapes)) is not None:
            return mpt, released_mpt.rename
    except ValueError as error:
        raise DGNOError(
            f"{path} looks like a released network, but its sizes do not fit together; "
            "only the released DGNO and MPT networks can be converted."
        ) from error
    raise DGNOError(
        f"{path} is neither a released DGNO (Face or Cell) nor a released MPT checkpoint; "
        "only these can be converted."
    )


def _complete(
    path: Path, config: DGNOConfig, given: dict[str, Any]
) -> tuple[DGNOConfig, tuple[str, ...]]:
    """Settings that a DGNO file cannot tell: those given, else the paper's best of the variant."""
    flux = given["flux"]
    if config.learn_tau and flux is not None and flux not in LEARNS_TAU:
        raise DGNOError(
            f"{path} has learnt penalties tau, which the flux {flux} does not have; "
            "its flux is jump or average_jump."
        )
    config = config.changed(**{key: value for key, value in given.items() if value is not None})
    assumed = tuple(
        f"The file does not tell the {name}; {getattr(config, key)} is assumed "
        f"({why}). Give {option} if you know better."
        for key, name, option, why in (
            ("flux", "flux", "--flux", f"best for DGNO-{config.formulation} in the paper"),
            ("boundary", "boundary treatment", "--boundary", "likewise; the released code's name"),
            (
                "shallow_activation",
                "activation of the shallow branch",
                "--activation",
                "that of the networks it was taken from",
            ),
        )
        if given[key] is None
    )
    if not config.learn_tau and config.flux in LEARNS_TAU:
        assumed += (
            "The file has no learnt penalty, so its flux may be central or upwind; "
            f"{config.flux} with the fixed penalty {config.tau:g} is assumed.",
        )
    return config, assumed


def _load(
    path: Path, model: nn.Module, tensors: dict[str, Tensor], rename: Callable[[str], str | None]
) -> None:
    """Fill a network, refusing anything missing, left over or of another size."""
    own = model.state_dict()
    values = {}
    for key, tensor in tensors.items():
        try:
            name = rename(key)
        except KeyError:
            name = key
        if name is None:
            continue
        if name not in own:
            raise DGNOError(
                f"{path} holds {key}, which the released networks do not have; "
                "a changed network cannot be converted."
            )
        # The released files carry some axes of length 1.
        if _long_axes(tensor) != _long_axes(own[name]):
            raise DGNOError(
                f"{path}: {key} has the shape {tuple(tensor.shape)}, which does not fit the rest "
                "of the network."
            )
        if not tensor.isfinite().all():
            raise DGNOError(
                f"{path}: {key} holds numbers that are not finite; copy the file again."
            )
        values[name] = tensor.reshape(own[name].shape)
    if missing := own.keys() - values.keys():
        raise DGNOError(
            f"{path} is incomplete: {len(missing)} tensors are missing, such as {min(missing)}."
        )
    model.load_state_dict(values)


def _long_axes(tensor: Tensor) -> list[int]:
    return [length for length in tensor.shape if length != 1]


def _card(name: str, source: Path, config: NetworkConfig, assumed: tuple[str, ...]) -> ModelCard:
    """What is known about a converted network."""
    family = f"DGNO-{config.formulation}" if isinstance(config, DGNOConfig) else "MPT"
    multiple = math.lcm(TILE_GRID, config.multiple)
    grey = config.channels == 1
    return ModelCard(
        name=name,
        title=f"{family}, converted from a released checkpoint",
        summary=(
            "Weights of the paper's authors, in this project's own implementation. "
            + " ".join(assumed)
        ).strip(),
        config=config,
        tile=max(TILE // multiple, 1) * multiple,
        multiple=multiple,
        # The released test scripts scale grey images by their own minimum and maximum, and divide
        # colour images by 255.
        percentiles=(0.0, 100.0),
        scaling="percentiles" if grey else "type",
        recipe=f"converted from {source.name}, SHA-256 {_file_hash(source)}",
        not_for=("diagnosis",),
    )


def _file_hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
