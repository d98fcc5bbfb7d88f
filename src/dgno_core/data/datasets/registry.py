"""All data sets by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from dgno_core.data.datasets.bbbc006 import BBBC006, with_planes
from dgno_core.data.datasets.cadisblur import CaDISBlur
from dgno_core.data.datasets.cuhk import CUHK
from dgno_core.data.datasets.dpdd import DPDD
from dgno_core.data.datasets.layout import Layout
from dgno_core.data.datasets.lfdof import LFDOF
from dgno_core.data.datasets.realdof import RealDOF
from dgno_core.data.datasets.threedhistech import ThreeDHistech
from dgno_core.data.datasets.unlabelled import CATABLUR, WNLO
from dgno_core.errors import DGNOError
from dgno_core.wording import did_you_mean


def datasets() -> Mapping[str, Layout]:
    """Return the data sets of both papers by name, microscopy first."""
    layouts: tuple[Layout, ...] = (
        BBBC006(1),
        BBBC006(2),
        ThreeDHistech(),
        WNLO,
        CaDISBlur(),
        CATABLUR,
        DPDD(),
        RealDOF(),
        LFDOF(),
        CUHK(),
    )
    return MappingProxyType({layout.about.name: layout for layout in layouts})


def find_dataset(name: str, planes: Sequence[int] | None = None) -> Layout:
    """Return a data set by name.

    Parameters
    ----------
    name
        One of `datasets()`, in whatever case.
    planes
        Only for BBBC006: the blurred planes, in place of the papers' 2, 6 and 10.

    Raises
    ------
    DGNOError
        If there is none of that name, or it has no such planes.

    Examples
    --------
    >>> from dgno_core.data import find_dataset
    >>> find_dataset("BBBC006-w1").about.name
    'bbbc006-w1'
    """
    known = datasets()
    layout = known.get(name.lower())
    if layout is None:
        raise DGNOError(
            f"There is no data set {name!r}{did_you_mean(name, known)}; there are "
            f"{', '.join(known)}."
        )
    if planes is None:
        return layout
    if not isinstance(layout, BBBC006):
        raise DGNOError(f"{layout.about.name} has no planes to choose from; leave --planes out.")
    return with_planes(layout, planes)
