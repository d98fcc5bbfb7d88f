"""The look at trust: one generator of events for the shell, the script and the window."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from dgno_core.inference.config import DEFAULTS, RestoreConfig
from dgno_core.inference.network import Network
from dgno_core.interpretation.events import StepDone, Warned
from dgno_core.interpretation.trust.result import TrustFound
from dgno_core.interpretation.view import View

TrustEvent: TypeAlias = StepDone | Warned | TrustFound


def trust_events(
    view: View,
    second: Network | None = None,
    *,
    pixel_size_um: float | None = None,
    config: RestoreConfig = DEFAULTS,
) -> Generator[TrustEvent, None, None]:
    """Find out where the restored image can be trusted, reporting on the way.

    The view is restored eight times, flipped and turned, and once more by a `second` network.
    Closing the generator cancels; nothing is left behind.

    Parameters
    ----------
    view
        What to look at, and the network that restores it.
    second
        Another network for the same number of channels, to compare with.
    pixel_size_um
        Size of a pixel of the image in µm, where it is known.
    config
        Its `tile` and `memory_share` say how the view is restored.

    Yields
    ------
    StepDone, Warned
        For each tile of each restoration and for each doubt.
    TrustFound
        Last of all.

    Raises
    ------
    DGNOError
        If the second network does not fit, or there is not enough memory.
    """
    raise NotImplementedError
    yield
