"""What the user should know about how an image and a model fit, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dgno_core.io.axes import exchanged_axes
from dgno_core.io.units import micrometers

if TYPE_CHECKING:
    from dgno_core.inference.predictor import Predictor
    from dgno_core.inference.prepared import PreparedImage


def fit_warnings(job: PreparedImage) -> Iterator[str]:
    """Say what was chosen for the user, and what makes it doubtful that the model suits."""
    source, network = job.source, job.network
    if source.axes_guessed:
        yield f"axes guessed as {source.axes}; set the axes if that is wrong."
    elif warning := exchanged_axes(source.axes):
        yield warning
    if job.layout.colours == 3 and not job.is_joint:
        kind = f"{network.name}, a grey model"
        yield (
            f"{source.name} is RGB, but is restored channel by channel with {kind}."
            if source.dtype == np.uint8
            else f"{source.name} is RGB, but not 8-bit ({source.dtype}): it is restored channel by "
            f"channel with {kind}."
        )
    size = micrometers(source.pixel_size.get("X", 0), source.units.get("X"))
    if warning := unfit_pixel_size(source.name, network, size):
        yield warning


def unfit_pixel_size(name: str, network: Predictor, size: float | None) -> str | None:
    """Say so if the model was trained on pixels of another size; None if not, or not known.

    Parameters
    ----------
    name
        Of the image.
    network
        Whose card says which sizes it has seen.
    size
        Size of the image's pixels in µm.
    """
    trained = getattr(network.card, "pixel_size_um", None)
    if not trained or not size or trained[0] <= size <= trained[1]:
        return None
    return (
        f"{name} has pixels of {size:.3g} µm, but the model {network.name} was trained "
        f"on {trained[0]:.3g} to {trained[1]:.3g} µm; judge the result with care."
    )


def nothing_restored(job: PreparedImage) -> str:
    """Say that the result is the image as it was."""
    return f"nothing to restore: {job.source.name} is constant and came back unchanged."


def gaps_kept(job: PreparedImage, count: int) -> str:
    """Say how many values are no numbers and stay as they are."""
    return (
        f"{count} values of {job.source.name} are NaN or infinite and stayed so; "
        "do not trust what is next to them."
    )
