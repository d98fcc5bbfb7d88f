"""How input pixels contribute to the edges in a box: gradients of these, summed along a path."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.predictor import full_precision
from dgno_core.interpretation.lam.settings import Window

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    Objective: TypeAlias = Callable[[Tensor], Tensor]

Map: TypeAlias = NDArray[np.float32]


def gradient_magnitude(image: Tensor, eps: float = 0.0) -> Tensor:
    """Return the length of the gradient between each pixel and the next ones.

    Parameters
    ----------
    image : Tensor
        ``(..., Y, X)``.
    eps : float
        Added under the square root, which has no derivative at 0.

    Returns
    -------
    Tensor
        ``(..., Y - 1, X - 1)``, in units of the image per pixel.
    """
    down = image[..., :-1, :-1] - image[..., 1:, :-1]
    right = image[..., :-1, :-1] - image[..., :-1, 1:]
    return (down**2 + right**2 + eps).sqrt()


def edge_strength(image: Tensor, box: Window, eps: float = 0.0) -> Tensor:
    """Sum the gradient magnitude over a box and all colours.

    Parameters
    ----------
    image : Tensor
        ``(..., Y, X)``.
    box : Window
        In pixels of `image`. In the last row and column of an image there is no gradient.
    eps : float
        As for `gradient_magnitude`.
    """
    # One pixel more than the box: that is where the gradients of its last pixels lead.
    part = image[..., box.y : box.y + box.height + 1, box.x : box.x + box.width + 1]
    return gradient_magnitude(part, eps).sum()


@dataclass(frozen=True)
class Step:
    """What one point of the path gives.

    Attributes
    ----------
    gradient
        ``(C, Y, X)``: of the objective by the input, 0 where it does not exist.
    objective
        The objective.
    restored
        ``(C, Y, X)``: what the network made of the input.
    nan_zeroed
        At how many places the gradient does not exist.
    """

    gradient: Map
    objective: float
    restored: Map
    nan_zeroed: int


@dataclass(frozen=True)
class Integral:
    """What the whole path gives.

    Attributes
    ----------
    attribution
        ``(C, Y, X)``: mean over the path of gradient times derivative of the path.
    objective
        ``(steps,)``: the objective along the path, last of all for the image itself.
    objective_blurred
        The same for the most blurred image.
    restored
        ``(C, Y, X)``: the restored image.
    nan_zeroed
        At how many places of all steps the gradient does not exist.
    """

    attribution: NDArray[np.float64]
    objective: NDArray[np.float64]
    objective_blurred: float
    restored: Map
    nan_zeroed: int


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluate a model without gradients of its parameters, and leave it as it was."""
    training = [module for module in model.modules() if module.training]
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    try:
        for module in training:
            module.training = False
        for parameter in wanted:
            parameter.requires_grad_(False)
        yield
    finally:
        for module in training:
            module.training = True
        for parameter in wanted:
            parameter.requires_grad_(True)


def step_gradient(
    model: nn.Module, point: Map, objective: Objective, device: torch.device | str = "cpu"
) -> Step:
    """Return how the objective of a model's last output changes with each input pixel.

    Parameters
    ----------
    model
        Called with (1, C, Y, X); its last output counts.
    point
        ``(C, Y, X)``.
    objective
        From the output (1, C, Y, X) to one number.
    device
        Where the model is.
    """
    import torch

    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        undisturbed(model),
        full_precision(),
    ):
        image = torch.from_numpy(np.ascontiguousarray(point))[None].to(device).requires_grad_()
        restored = model(image)[-1]
        value = objective(restored)
        (gradient,) = torch.autograd.grad(value, image)
    missing = gradient.isnan()
    return Step(
        gradient[0].masked_fill(missing[0], 0).cpu().numpy(),
        float(value.detach()),
        restored[0].detach().cpu().numpy(),
        int(missing.sum()),
    )


def objective_at(
    model: nn.Module, point: Map, objective: Objective, device: torch.device | str = "cpu"
) -> float:
    """Return the objective alone; parameters as for `step_gradient`."""
    import torch

    with torch.inference_mode(), undisturbed(model), full_precision():
        image = torch.from_numpy(np.ascontiguousarray(point))[None].to(device)
        return float(objective(model(image)[-1]))


def integrate(
    model: nn.Module,
    image: Map,
    objective: Objective,
    *,
    sigma: float = 1.2,
    steps: int = 50,
    size: int = 9,
    device: torch.device | str = "cpu",
) -> Generator[int, None, Integral]:
    """Follow the path of `blur_path`, yielding the number of steps that are done.

    Parameters
    ----------
    model, objective, device
        As for `step_gradient`.
    image
        ``(C, Y, X)``.
    sigma, steps, size
        As for `blur_path`.

    Returns
    -------
    Integral
    """
    start = blur(image, sigma, size).astype(np.float32)
    objective_blurred = objective_at(model, start, objective, device)
    attribution = np.zeros(image.shape)
    values: list[float] = []
    nan_zeroed = 0
    for point, derivative in blur_path(image, sigma, steps, size):
        step = step_gradient(model, point, objective, device)
        attribution += step.gradient * derivative.astype(np.float64) / steps
        values.append(step.objective)
        nan_zeroed += step.nan_zeroed
        yield len(values)
    return Integral(attribution, np.asarray(values), objective_blurred, step.restored, nan_zeroed)


def normalised_map(attribution: NDArray[np.floating]) -> Map:
    """Sum ``(C, Y, X)`` over colours and divide by the largest magnitude: -1 ... 1.

    The magnitude of the result is the absolute map. A map of zeros stays one.
    """
    summed = attribution.sum(axis=0, dtype=np.float64)
    largest = np.abs(summed).max()
    return np.asarray(summed / largest if largest > 0 else summed, np.float32)


def completeness_error(attribution: NDArray[np.floating], gain: float) -> float:
    """Return how much the sum of all attributions exceeds the objective's gain, as a share of it.

    NaN if there is no gain.
    """
    if gain == 0:
        return float("nan")
    return float((attribution.sum(dtype=np.float64) - gain) / abs(gain))


Floats = NDArray[np.float64]
SHARPEST = 1e-5  # px: added to every width, so that the last Gaussian is a single point, not 0 / 0


def blur_widths(sigma: float, steps: int) -> Floats:
    """Return the ``(steps + 1,)`` widths in pixels, from `sigma` to 0."""
    return np.linspace(sigma, 0, steps + 1)


def blur_profile(width: float, size: int) -> Floats:
    """Return a Gaussian sampled at `size` pixels, of sum 1.

    Raises
    ------
    DGNOError
        If `size` is even: the blur would shift the image by half a pixel.
    """
    if size % 2 == 0 or size < 1:
        raise DGNOError(
            f"The blur kernel must have an odd side, so that it has a middle, not {size}."
        )
    place = np.arange(size) - (size - 1) / 2
    profile = np.exp(-(place**2) / (2 * (width + SHARPEST) ** 2))
    return np.asarray(profile / profile.sum())


def blur_kernel(width: float, size: int) -> Floats:
    """Return the ``(size, size)`` Gaussian of sum 1."""
    profile = blur_profile(width, size)
    return np.outer(profile, profile)


def blur(image: NDArray[np.floating], width: float, size: int) -> Floats:
    """Blur ``(C, Y, X)`` with `blur_kernel`; beyond the border the image is mirrored about it."""
    from scipy.ndimage import correlate1d

    profile = blur_profile(width, size)
    rows = correlate1d(image.astype(np.float64), profile, axis=-2, mode="mirror")
    return np.asarray(correlate1d(rows, profile, axis=-1, mode="mirror"))


def blur_path(
    image: NDArray[np.floating], sigma: float = 1.2, steps: int = 50, size: int = 9
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Walk from the blurred image, which is left out, to the image itself.

    Parameters
    ----------
    image
        ``(C, Y, X)``.
    sigma
        Width in pixels of the first Gaussian.
    steps
        How many.
    size
        Side of the Gaussians in pixels, odd.

    Yields
    ------
    tuple
        Where the path is, and its derivative by the way from 0 to 1; both of the image's shape.
    """
    before = blur(image, sigma, size)
    for width in blur_widths(sigma, steps)[1:]:
        here = blur(image, width, size)
        yield here.astype(np.float32), ((here - before) * steps).astype(np.float32)
        before = here
