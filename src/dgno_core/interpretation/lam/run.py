"""Local attribution maps as a generator of events."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import lcm
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dgno_core.errors import DGNOError
from dgno_core.inference.memory import available_bytes, bytes_per_pixel, is_out_of_memory
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.interpretation.lam.attribution import (
    Integral,
    Map,
    completeness_error,
    edge_strength,
    integrate,
    normalised_map,
)
from dgno_core.interpretation.lam.neighbourhood import find_neighbourhood
from dgno_core.interpretation.lam.result import (
    Attribution,
    LamEvent,
    LamFound,
    diffusion_index,
    gini,
)
from dgno_core.interpretation.lam.settings import DEFAULTS, LamSettings, Window
from dgno_core.interpretation.view import View

if TYPE_CHECKING:
    from torch import Tensor

    from dgno_core.inference.predictor import Predictor


# The way back needs all layers. Measured on the CPU, that takes 5.5 times what inference does for
# DGNO on its own encoder, and for other networks between 6 (NAFNet's encoder) and 23 times (MPT).
KEPT, KEPT_BY_OTHERS = 6, 24
KERNEL_WIDTHS = 6  # a Gaussian needs so many widths (and a pixel) to be whole


def lam_events(
    view: View, window: Window, settings: LamSettings = DEFAULTS, *, grid: int = 1
) -> Generator[LamEvent, None, None]:
    """Find out which input pixels the edges inside a box were made from.

    Closing the generator cancels. The model is as it was before whenever the generator pauses.

    Parameters
    ----------
    view
        What `read_neighbourhood` gave, or a larger view, of which the neighbourhood is taken.
    window
        The box, in pixels of the image.
    settings
        Effort and path.
    grid
        As for `read_neighbourhood`.

    Yields
    ------
    LamEvent
        `AnalysisProgressed` after each step, `AnalysisWarned`, and last of all `LamFound`.

    Raises
    ------
    DGNOError
        If the box reaches outside of the view or is larger than the neighbourhood, or there is
        not enough memory.
    """
    start = perf_counter()
    network, (top, left) = view.network, view.origin
    # A part that is on the grid of the view is on that of the image too.
    inside = window.moved(-top, -left)
    grid = lcm(grid, network.card.multiple)
    height, width = view.pixels.shape[1:]
    around = find_neighbourhood(inside, (height, width), settings.side, grid, view.name)
    image = view.pixels[:, *around.read]
    box = inside.moved(-around.read[0].start, -around.read[1].start)
    check_memory(network, image.shape[1] * image.shape[2])
    early = tuple(setting_warnings(around.shown(image), settings))
    yield from map(AnalysisWarned, early)
    integral = yield from _follow(network, image, box, settings)
    attribution = around.shown(integral.attribution)
    late = tuple(map_warnings(attribution, integral.nan_zeroed, settings))
    yield from map(AnalysisWarned, late)
    signed = normalised_map(attribution)
    absolute = np.abs(signed)
    # A map of zeros is of one value throughout, which would count as widely spread.
    shared = absolute if absolute.any() else np.full_like(absolute, np.nan)
    yield LamFound(
        Attribution(
            attribution=attribution.astype(np.float32),
            signed=signed,
            absolute=absolute,
            image=around.shown(image),
            restored=around.shown(integral.restored),
            translate=(float(top + around.first[0]), float(left + around.first[1])),
            scale=(1.0, 1.0),
            window=window,
            gini=gini(shared),
            diffusion_index=diffusion_index(shared),
            objective=integral.objective,
            objective_blurred=integral.objective_blurred,
            completeness_error=completeness_error(
                integral.attribution, integral.objective[-1] - integral.objective_blurred
            ),
            nan_zeroed=integral.nan_zeroed,
            settings=settings,
            steps=settings.path_steps,
            model=network.name,
            weights_sha256=network.card.weights_sha256,
            device=str(network.device),
            name=view.name,
            seconds=perf_counter() - start,
            warnings=early + late,
        )
    )


def _follow(
    network: Predictor, image: Map, box: Window, settings: LamSettings
) -> Generator[AnalysisProgressed, None, Integral]:
    """Follow the path, telling of each step."""

    def objective(restored: Tensor) -> Tensor:
        return edge_strength(restored, box, settings.eps)

    steps = settings.path_steps
    path = integrate(
        network.model,
        image,
        objective,
        sigma=settings.sigma,
        steps=steps,
        size=settings.kernel,
        device=network.device,
    )
    while True:
        try:
            done = next(path)
        except StopIteration as finished:
            integral: Integral = finished.value
            return integral
        except Exception as error:
            if is_out_of_memory(error):
                raise DGNOError(
                    f"There is not enough memory on {network.device} to follow the model "
                    f"{network.name} back to its input; choose a smaller neighbourhood than "
                    f"{settings.side} pixels, or a smaller model."
                ) from None
            raise
        yield AnalysisProgressed(done, steps)


def check_memory(network: Predictor, pixels: int) -> None:
    """Refuse what the machine cannot hold: on a CPU, the system would end the program instead.

    Raises
    ------
    DGNOError
        If less memory is free than following the model back to its input is estimated to take.
    """
    lifting = getattr(network.card.config, "lifting", None)
    kept = KEPT if getattr(lifting, "kind", "") == "mamba" else KEPT_BY_OTHERS
    needed = kept * bytes_per_pixel(network.card) * pixels / 2**30
    free = available_bytes(network.device) / 2**30
    if needed > free:
        raise DGNOError(
            f"To follow the model {network.name} back to its input takes about {needed:.1f} GB for "
            f"this neighbourhood, and {free:.1f} GB are free on {network.device}; choose a smaller "
            "neighbourhood or a smaller model."
        )


def setting_warnings(image: NDArray[np.float32], settings: LamSettings) -> Iterator[str]:
    """Say what the user should know whatever the map shows."""
    height, width = image.shape[1:]
    if (height, width) != (settings.side, settings.side):
        yield (
            f"The map is {height} x {width} pixels, not {settings.side} x {settings.side}: compare "
            "its diffusion index only with those of maps of the same size."
        )
    if settings.kernel < KERNEL_WIDTHS * settings.sigma + 1:
        yield (
            f"A kernel of {settings.kernel} pixels cuts off a blur of {settings.sigma:g}; take one "
            f"of at least {int(KERNEL_WIDTHS * settings.sigma + 1) // 2 * 2 + 1}."
        )


def map_warnings(
    attribution: NDArray[np.floating], nan_zeroed: int, settings: LamSettings
) -> Iterator[str]:
    """Say what the user should know about a map that is computed."""
    if nan_zeroed:
        share = nan_zeroed / (settings.path_steps * attribution.size)
        yield (
            f"{nan_zeroed} derivatives ({share:.0%}) did not exist and count as zero, because the "
            "restored image is exactly flat somewhere in the box."
        )
    if not attribution.any():
        yield (
            "Nothing in the neighbourhood contributed to the edges in the box; choose a box that "
            "holds some structure."
        )
