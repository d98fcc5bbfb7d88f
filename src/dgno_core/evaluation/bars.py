"""What we ask of the packaged weights on the public evaluation set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dgno_core.evaluation.promise import Promise
from dgno_core.evaluation.protocol import ImageResult
from dgno_core.evaluation.summary import groups, worst


@dataclass(frozen=True)
class Bar:
    """What is asked for one group of images.

    Parameters
    ----------
    subject
        What the images show.
    restored, aim
        Least mean PSNR of the restored images in dB, and the mean PSNR that we aim at.
    sharp_mean, sharp_each
        Least PSNR in dB of sharp images that are restored, against themselves: the mean, and each.
    """

    subject: str
    restored: float
    aim: float
    sharp_mean: float
    sharp_each: float


# 2 dB above the better classical method with the true mean width, for nuclei.
BARS = {
    "bbbc039": Bar("nuclei", 39.85, 42.9, 45.0, 40.0),
    "stained": Bar("stained tissue", 31.9, 34.0, 36.0, 36.0),
    "cytology": Bar("cytology", 31.2, 32.0, 36.0, 36.0),
}


def fidelity_promises(results: Sequence[ImageResult]) -> list[Promise]:
    """Compare the results of one model with what we ask for the groups that it restored."""
    least = worst(results)
    found = [
        Promise(
            "no image worse than its blurred input",
            f"smallest gain {least.gain:+.2f} dB ({least.name})",
            least.gain >= 0,
        )
    ]
    for group, members in groups(results).items():
        if group in BARS:
            found += _group_promises(BARS[group], members)
    return found


def _group_promises(bar: Bar, members: Sequence[ImageResult]) -> list[Promise]:
    mean = fmean(member.scores["ours"].psnr for member in members)
    reached = "reached" if mean >= bar.aim else "not reached"
    identity = fmean(member.identity.psnr for member in members)
    least = min(members, key=lambda member: member.identity.psnr)
    return [
        Promise(
            f"{bar.subject}: mean PSNR at least {bar.restored:g} dB",
            f"{mean:.2f} dB (the aim, {bar.aim:g} dB, is {reached})",
            mean >= bar.restored,
        ),
        Promise(
            f"{bar.subject}: sharp images come back with at least {bar.sharp_mean:g} dB, mean",
            f"{identity:.2f} dB",
            identity >= bar.sharp_mean,
        ),
        Promise(
            f"{bar.subject}: no sharp image comes back with less than {bar.sharp_each:g} dB",
            f"{least.identity.psnr:.2f} dB at the least ({least.name})",
            least.identity.psnr >= bar.sharp_each,
        ),
    ]
