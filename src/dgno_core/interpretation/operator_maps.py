"""What one DG operator of a network does to an image (DGNO paper, Fig. 10 and Eqs. 6-16)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dgno_core.interpretation.faces import Faces
from dgno_core.interpretation.registered import RegisteredMap
from dgno_core.interpretation.view import View

if TYPE_CHECKING:
    from torch import nn

    from dgno_core.interpretation.operator_terms import OperatorTerms

Scale = Literal["quarter", "half", "full"]
MapName = Literal["basis", "latent", "flux", "output", "boundary", "ratio"]
SCALES: dict[Scale, int] = {"quarter": 4, "half": 2, "full": 1}
MAPS: tuple[MapName, ...] = ("basis", "latent", "flux", "output", "boundary", "ratio")


@dataclass(frozen=True)
class OperatorMaps:
    """One operator layer at work on a view; each map is computed when it is asked for.

    Attributes
    ----------
    scale, iteration
        Which operator: its size of image, and its number there from 0.
    heads, dimensions
        How many heads it has, and channels of each.
    element
        Size of an element in pixels of the image.
    shape
        Height and width of the pixel maps; the network's padding is cut off.
    origin
        Row and column of the image at which the view starts.
    flux, boundary, formulation, assembly
        The network's choices, as in `dgno_core.models.DGNOConfig`.
    tau
        The penalty of the jump.
    name
        Of the image.
    terms
        The operator's parts, as tensors.
    """

    scale: Scale
    iteration: int
    heads: int
    dimensions: int
    element: int
    shape: tuple[int, int]
    origin: tuple[int, int]
    flux: str
    boundary: str
    formulation: str
    assembly: str
    tau: float
    name: str
    terms: OperatorTerms

    def map(
        self, name: MapName, head: int | None = None, dimension: int | None = None
    ) -> RegisteredMap:
        """One map, over all channels or of one.

        Parameters
        ----------
        name
            ``basis`` the queries Q, ``latent`` the volume part Q(KᵀV), ``flux`` what the faces
            add to it, ``output`` their sum, ``boundary`` the share of the flux that comes through
            the border of what the network sees: each ``(Y, X)``. ``ratio`` is flux over
            latent, one value an element.
        head, dimension
            From 0. Without them: root mean square over all heads, or all dimensions of a head.
            With both: the signed values.

        Raises
        ------
        DGNOError
            If there is no such map, head or dimension.
        """
        raise NotImplementedError

    def faces(self, head: int | None = None) -> Faces:
        """All faces on the view, with flux and jump over all heads or of one.

        Raises
        ------
        DGNOError
            If there is no such head.
        """
        raise NotImplementedError


def operator_maps(view: View, scale: Scale = "half", iteration: int = 0) -> OperatorMaps:
    """Look into one operator of a network.

    The network runs up to that operator only; nothing of what it computed before is kept.

    Parameters
    ----------
    view
        The part of the image, and the network.
    scale, iteration
        Which operator; iterations count from 0.

    Raises
    ------
    DGNOError
        If the network has no DG operators or no such one, or the memory runs out.
    """
    raise NotImplementedError


def operator_iterations(model: nn.Module, name: str = "this model") -> int:
    """How many DG operators a network has at each scale.

    Raises
    ------
    DGNOError
        If it has none: a network of another kind, or one whose integrals have no faces.
    """
    raise NotImplementedError
