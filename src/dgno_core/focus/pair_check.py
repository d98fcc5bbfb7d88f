"""What is wrong with pairs, found before training and not in the middle of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dgno_core.data.pairs import FocusPair
from dgno_core.data.registration import SMALLEST, estimate_registration
from dgno_core.errors import DGNOError
from dgno_core.focus.sharpness import tenengrad

ASIDE = 0.5  # px that a pair may be misaligned


@dataclass(frozen=True)
class PairFault:
    """Something wrong with a pair.

    Attributes
    ----------
    pair
        Its name.
    text
        One sentence that says what is wrong and what to do.
    severity
        ``"error"``: training would stop at this pair; ``"warning"``: it would learn from it.
    """

    pair: str
    text: str
    severity: Literal["error", "warning"] = "error"


def check_pairs(
    pairs: Sequence[FocusPair], *, crop: int | None = None, alignment: bool = False
) -> list[PairFault]:
    """Read every pair and list its faults.

    Parameters
    ----------
    pairs
        To be trained on.
    crop
        Side of the crops in pixels, to report smaller images.
    alignment
        Whether to register each pair on trial, which takes about half a second a pair.

    Returns
    -------
    list of PairFault
        Empty if nothing was found.
    """
    faults: list[PairFault] = []
    for pair in pairs:
        try:
            blurred, sharp = pair.read()
        except DGNOError as error:
            faults.append(PairFault(pair.name, str(error)))
            continue
        faults += _constant(pair, blurred, sharp)
        if faults and faults[-1].pair == pair.name:
            continue
        if crop is not None and min(blurred.shape[:2]) < crop:
            text = (
                f"{pair.blurred.name} has {blurred.shape[0]} x {blurred.shape[1]} usable pixels, "
                f"fewer than a crop of {crop}; it would be reflected at its border."
            )
            faults.append(PairFault(pair.name, text, "warning"))
        if sharp is not None:
            faults += _swapped(pair, blurred, sharp)
            faults += _misaligned(pair, blurred, sharp) if alignment else []
    return faults


def _constant(
    pair: FocusPair, blurred: NDArray[Any], sharp: NDArray[Any] | None
) -> list[PairFault]:
    named = [(pair.blurred, blurred)]
    if pair.sharp is not None and sharp is not None:
        named.append((pair.sharp, sharp))
    return [
        PairFault(
            pair.name,
            f"{source.name} has one intensity only, so there is nothing to learn; leave it out.",
        )
        for source, image in named
        if image.min() == image.max()
    ]


def _swapped(pair: FocusPair, blurred: NDArray[Any], sharp: NDArray[Any]) -> list[PairFault]:
    """Report a pair whose blurred image is the sharper one."""
    if min(blurred.shape[:2]) < 8 or not tenengrad(blurred) > 1.05 * tenengrad(sharp):
        return []
    text = f"The blurred image of {pair.name} looks sharper than the sharp one; check the pair."
    return [PairFault(pair.name, text, "warning")]


def _misaligned(pair: FocusPair, blurred: NDArray[Any], sharp: NDArray[Any]) -> list[PairFault]:
    if min(blurred.shape[:2]) < SMALLEST:
        return []
    found = estimate_registration(blurred, sharp)
    if not found.ok:
        text = f"Whether {pair.name} is aligned could not be checked: {found.problem}"
        return [PairFault(pair.name, text, "warning")]
    reach = 0.5 * float(np.hypot(*blurred.shape[:2]))
    corner = reach * float(np.hypot(found.magnification - 1, np.radians(found.rotation)))
    aside = float(np.hypot(*found.shift)) + corner
    if aside < ASIDE + 2 * found.uncertainty:
        return []
    text = (
        f"The images of {pair.name} are misaligned by up to {aside:.1f} px (shift "
        f"{found.shift[0]:.1f}, {found.shift[1]:.1f}, magnification {found.magnification:.4f}, "
        f"rotation {found.rotation:.2f} degrees); register them before training."
    )
    return [PairFault(pair.name, text, "warning")]
