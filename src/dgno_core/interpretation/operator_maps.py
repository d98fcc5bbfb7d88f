"""What one DG operator of a network does to an image (DGNO paper, Fig. 10 and Eqs. 6-16)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dgno_core.errors import DGNOError
from dgno_core.interpretation.faces import Faces, faces_on
from dgno_core.interpretation.operator_words import MAPS, UNIT, MapName, legend, suffix, title
from dgno_core.interpretation.registered import RegisteredMap
from dgno_core.interpretation.view import View

if TYPE_CHECKING:
    from torch import nn

    from dgno_core.interpretation.operator_terms import OperatorTerms
    from dgno_core.layers.operator import OperatorLayer
    from dgno_core.numerics.flux_spec import FluxSpec

Scale = Literal["quarter", "half", "full"]
SCALES: dict[Scale, int] = {"quarter": 4, "half": 2, "full": 1}

__all__ = [
    "MAPS",
    "SCALES",
    "MapName",
    "OperatorMaps",
    "Scale",
    "operator_iterations",
    "operator_maps",
]


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
        Height and width of the view, in pixels of the image.
    origin
        Row and column of the image at which the view starts.
    spec
        Which fluxes, with which penalty.
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
    spec: FluxSpec
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
        if name not in MAPS:
            raise DGNOError(f"There is no map {name!r}; choose one of {', '.join(MAPS)}.")
        self._check(head, dimension)
        from dgno_core.interpretation.operator_terms import element_ratio, field

        if name == "ratio":
            step, data = self.element, element_ratio(self.terms, head, dimension)
        else:
            step, data = SCALES[self.scale], field(self.terms, name, head, dimension)
        # The network's padding is cut off.
        height, width = (-(-size // step) for size in self.shape)
        row, column = (start + (step - 1) / 2 for start in self.origin)
        return RegisteredMap(
            name=name + suffix(head, dimension),
            title=title(name, head, dimension),
            legend=legend(name, head, dimension),
            unit="ratio" if name == "ratio" else UNIT,
            data=data[:height, :width],
            scale=(float(step), float(step)),
            translate=(row, column),
            is_signed=dimension is not None and name != "ratio",
        )

    def faces(self, head: int | None = None) -> Faces:
        """All faces on the view, with flux and jump over all heads or of one.

        Raises
        ------
        DGNOError
            If there is no such head.
        """
        self._check(head)
        from dgno_core.interpretation.operator_terms import side_magnitudes

        received, jumps = (
            side_magnitudes(parts, head) for parts in (self.terms.received, self.terms.jumps)
        )
        return faces_on(received, jumps, self.element, self.origin, self.shape)

    def _check(self, head: int | None, dimension: int | None = None) -> None:
        if head is None and dimension is not None:
            raise DGNOError("A dimension belongs to a head; choose a head too.")
        for word, at, count in (
            ("head", head, self.heads),
            ("dimension", dimension, self.dimensions),
        ):
            if at is not None and not 0 <= at < count:
                raise DGNOError(
                    f"There is no {word} {at}; this operator has {count}, numbered from 0."
                )


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
    import torch

    from dgno_core.interpretation.operator_terms import terms_of

    layer = _operator(view.network.model, view.network.name, scale, iteration)
    spec, element = layer.spec, layer.element
    assert spec is not None
    assert element is not None
    terms = terms_of(view.network, layer, view.pixels)
    height, width = view.pixels.shape[1:]
    return OperatorMaps(
        scale=scale,
        iteration=iteration,
        heads=layer.heads,
        dimensions=terms.queries.shape[4],
        element=element * SCALES[scale],
        shape=(height, width),
        origin=view.origin,
        spec=replace(spec, tau=float(torch.as_tensor(spec.tau).detach())),
        name=view.name,
        terms=terms,
    )


def operator_iterations(model: nn.Module, name: str = "this model") -> int:
    """How many DG operators a network has at each scale.

    Raises
    ------
    DGNOError
        If it has none: a network of another kind, or one whose integrals have no faces.
    """
    from dgno_core.models.dgno import DGNO

    if not isinstance(model, DGNO):
        raise DGNOError(
            f"{name} is no neural operator, so it has no basis functions and no fluxes to show; "
            "choose a DGNO model, such as dgno-cell-small."
        )
    lacking = {
        "global": "integrates over the whole image at once, without elements",
        "window": "integrates over separate elements, without fluxes through their faces",
    }.get(model.config.formulation)
    if lacking is not None:
        raise DGNOError(
            f"{name} {lacking}; choose a DGNO model, such as dgno-cell-small, to see fluxes."
        )
    return model.config.iterations


def _operator(model: nn.Module, name: str, scale: Scale, iteration: int) -> OperatorLayer:
    """Find the operator of a scale and iteration."""
    count = operator_iterations(model, name)
    if scale not in SCALES:
        raise DGNOError(f"There is no scale {scale!r}; choose one of {', '.join(SCALES)}.")
    if not 0 <= iteration < count:
        raise DGNOError(
            f"{name} has {count} iterations at each scale, numbered from 0; there is no "
            f"{iteration}."
        )
    layers: Any = model.operators
    layer: OperatorLayer = layers[list(SCALES).index(scale)][iteration]
    return layer
