"""Local attribution maps as a generator of events."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from dgno_core.inference.config import DEFAULTS as RESTORE_DEFAULTS
from dgno_core.inference.config import RestoreConfig
from dgno_core.inference.restore import Source
from dgno_core.interpretation.lam.result import LamEvent
from dgno_core.interpretation.lam.settings import DEFAULTS, LamSettings, Window
from dgno_core.interpretation.view import View
from dgno_core.io.normalise import IntensityRange

if TYPE_CHECKING:
    from torch import nn


def read_neighbourhood(
    source: Source,
    window: Window,
    settings: LamSettings = DEFAULTS,
    config: RestoreConfig = RESTORE_DEFAULTS,
    plane_index: Sequence[int] = (),
    *,
    channel: int = 0,
    ranges: tuple[IntensityRange, ...] | None = None,
    model: nn.Module | None = None,
) -> View:
    """Read the neighbourhood of a box, for `lam_events`.

    Parameters
    ----------
    source, config, plane_index, channel, ranges, model
        As for `dgno_core.interpretation.view.read_view`.
    window
        The box, in pixels of the image.
    settings
        Of which `side` counts.

    Raises
    ------
    DGNOError
        If the box reaches outside of the image or is larger than the neighbourhood, or as for
        `read_view`.
    """
    raise NotImplementedError


def lam_events(
    view: View, window: Window, settings: LamSettings = DEFAULTS
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

    Yields
    ------
    LamEvent
        `StepDone` after each step, `Warned`, and last of all `LamFound`.

    Raises
    ------
    DGNOError
        If the box reaches outside of the view or is larger than the neighbourhood, or memory runs
        out.
    """
    raise NotImplementedError
    yield
