"""Released DGNO and MPT checkpoints, turned into this project's weights files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError
from torch import Tensor

from dgno_core.encoders.mpt_config import Reductions
from dgno_core.errors import DGNOError
from dgno_core.io.normalise import FULL
from dgno_core.models import released_dgno, released_mpt
from dgno_core.models.build import build_model
from dgno_core.models.card import ModelCard
from dgno_core.models.checkpoint import save_model
from dgno_core.models.config import DGNOConfig, MPTConfig, NetworkConfig
from dgno_core.models.header import SUFFIX
from dgno_core.models.network import Network
from dgno_core.models.released_file import read_state_dict
from dgno_core.numerics.flux_spec import BoundaryName, Formulation
from dgno_core.numerics.fluxes import FLUXES, USES_TAU, FluxName

ActivationName = Literal["gelu", "relu"]
RELEASED_BLOCKS = (2, 4, 6, 2)
BEST_FACE = {"formulation": "face", "flux": "average_jump", "boundary": "dirichlet"}


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
    variant: Formulation | None = None,
    flux: FluxName | None = None,
    boundary: BoundaryName | None = None,
    activation: ActivationName | None = None,
    tau: float | None = None,
    reductions: Reductions | None = None,
) -> Conversion:
    """Turn a released ``.pth`` file into a weights file that `load_model` takes.

    Nothing in the file is executed. Sizes and heads come from its shapes; the rest is given, or
    the best setting of the paper for that variant is assumed.

    Parameters
    ----------
    path : str or Path
        A released DGNO (Face or Cell) or MPT checkpoint for 1 or 3 channels.
    out : str or Path
        The ``.safetensors`` file to write, in place of any of that name; its folder must exist.
    variant : {"cell", "face"}, optional
        Of a DGNO; without it, a file with index buffers of faces is a Face network.
    flux : str, optional
        The flux that the DGNO was trained with.
    boundary : str, optional
        Its boundary treatment, under the released code's name.
    activation : str, optional
        The activation of its shallow branch.
    tau : float, optional
        Its penalty, where that was not learnt and so is not in the file.
    reductions : tuple of four tuples of int, optional
        1/s of every block of an MPT whose pyramid is not the paper's.

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
    _check_name(path, out)
    tensors = read_state_dict(path)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    given = {
        "formulation": variant,
        "flux": flux,
        "boundary": boundary,
        "shallow_activation": activation,
        "tau": tau,
    }
    config, rename = _recognise(path, shapes, reductions)
    if isinstance(config, DGNOConfig):
        config, assumed = _complete(path, config, given)
    elif any(value is not None for value in given.values()):
        raise DGNOError(
            f"{path} is an MPT, which has no variant, flux, boundary, tau or shallow branch."
        )
    else:
        assumed = _told_of_mpt(config)
    model = _filled(path, config, tensors, rename)
    card = _card(out.stem, path, config, assumed)
    save_model(model, card, out)
    return Conversion(out, card, assumed)


def _check_name(path: Path, out: Path) -> None:
    if out.suffix != SUFFIX:
        raise DGNOError(f"A converted model is a {SUFFIX} file; call it {out.name}{SUFFIX}.")
    if out.stem == "auto":
        raise DGNOError('A model called "auto" could never be chosen; give it another name.')
    if out.exists() and path.exists() and out.samefile(path):
        raise DGNOError(f"{out} is the checkpoint itself; give another name to the model.")


def _recognise(
    path: Path, shapes: dict[str, tuple[int, ...]], reductions: Reductions | None
) -> tuple[NetworkConfig, Callable[[str], str | None]]:
    """Architecture of a checkpoint, and the names of its tensors."""
    try:
        if (dgno := released_dgno.recognise(shapes)) is not None:
            return dgno, released_dgno.rename
        if (mpt := released_mpt.recognise(shapes, reductions)) is not None:
            return mpt, released_mpt.rename
    except ValueError as error:
        raise DGNOError(
            f"{path} looks like a released network, but it is incomplete or its sizes do not fit "
            "together; only the released DGNO and MPT networks can be converted."
        ) from error
    except DGNOError as error:
        raise DGNOError(f"{path}: {error}") from error
    raise DGNOError(
        f"{path} is neither a released DGNO (Face or Cell) nor a released MPT checkpoint; "
        "only these can be converted."
    )


def _complete(
    path: Path, config: DGNOConfig, given: dict[str, Any]
) -> tuple[DGNOConfig, tuple[str, ...]]:
    """Settings that a DGNO file cannot tell: those given, else the paper's best of the variant."""
    if given["formulation"] not in (None, config.formulation):
        if config.formulation == "face":
            raise DGNOError(f"{path} holds index buffers of faces, so its variant is face.")
        config = config.changed(**BEST_FACE)
    flux = given["flux"]
    if config.learn_tau and flux is not None and flux not in USES_TAU:
        raise DGNOError(
            f"{path} has a learnt penalty tau, which goes with the flux jump or average_jump, "
            f"not with {flux}."
        )
    if config.learn_tau and given["tau"] is not None:
        raise DGNOError(f"{path} has a learnt penalty tau; leave out --tau.")
    try:
        config = config.changed(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        (fault, *_) = error.errors()
        raise DGNOError(f"{fault['loc'][0]}: {fault['msg']}, not {fault['input']!r}.") from error
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
    if not config.learn_tau and config.flux in USES_TAU and given["tau"] is None:
        without = " or ".join(name for name in FLUXES if name not in USES_TAU)
        assumed += (
            f"The file has no learnt penalty, so its flux may be {without}; "
            f"{config.flux} with the fixed penalty {config.tau:g} (--tau) is assumed.",
        )
    if config.blocks != RELEASED_BLOCKS:
        assumed += (
            f"The encoder has {config.blocks} blocks, the released ones {RELEASED_BLOCKS}: make "
            "sure that the file is complete.",
        )
    return config, assumed


def _told_of_mpt(config: NetworkConfig) -> tuple[str, ...]:
    """What a user of a converted MPT should know."""
    assert isinstance(config, MPTConfig)
    if max(map(max, config.lifting.reductions)) == 1:
        return ()
    return (
        "The released MPT pairs windows in a way that depends on the width of the image, so its "
        "result depends on the tile size too.",
    )


def _filled(
    path: Path,
    config: NetworkConfig,
    tensors: dict[str, Tensor],
    rename: Callable[[str], str | None],
) -> Network:
    """A network with these weights, refusing anything missing, left over or of another size."""
    # Sizes are compared before any memory is taken for them.
    with torch.device("meta"):
        own = build_model(config).state_dict()
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
                f"{path} holds {key!r}, which the released networks do not have; "
                "a changed network cannot be converted."
            )
        # The released files carry some axes of length 1.
        if _long_axes(tensor) != _long_axes(own[name]):
            raise DGNOError(
                f"{path}: {key} has the shape {tuple(tensor.shape)}, which does not fit the rest "
                "of the network."
            )
        values[name] = tensor.float().reshape(own[name].shape)
        if not tensor.is_floating_point() or not values[name].isfinite().all():
            raise DGNOError(
                f"{path}: {key} holds numbers that are not finite, or whole numbers only; copy "
                "the file again."
            )
    if missing := own.keys() - values.keys():
        raise DGNOError(
            f"{path} is incomplete: tensors for {len(missing)} parts of the network are missing, "
            f"such as {min(missing)}."
        )
    model = build_model(config)
    model.load_state_dict(values)
    return model


def _long_axes(tensor: Tensor) -> list[int]:
    return [length for length in tensor.shape if length != 1]


def _card(name: str, source: Path, config: NetworkConfig, assumed: tuple[str, ...]) -> ModelCard:
    """What is known about a converted network."""
    family = f"DGNO-{config.formulation}" if isinstance(config, DGNOConfig) else "MPT"
    grey = config.channels == 1
    return ModelCard(
        name=name,
        title=f"{family}, converted from a released checkpoint",
        summary=(
            "Weights of the paper's authors, in this project's own implementation. "
            + " ".join(assumed)
        ).strip(),
        config=config,
        # The released test scripts scale grey images by their own minimum and maximum, and divide
        # colour images by 255.
        percentiles=FULL,
        scaling="percentiles" if grey else "type",
        recipe=f"converted from {source.name}, SHA-256 {_file_hash(source)}",
        not_for=("diagnosis",),
    )


def _file_hash(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
