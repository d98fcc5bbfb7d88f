"""An operator taken apart, against plain float64 loops over pixels."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dgno_core.errors import DGNOError
from dgno_core.inference.predictor import Predictor
from dgno_core.interpretation.faces import Faces
from dgno_core.interpretation.operator_maps import (
    MAPS,
    SCALES,
    OperatorMaps,
    operator_iterations,
    operator_maps,
)
from dgno_core.interpretation.operator_terms import OperatorTerms, decompose
from dgno_core.interpretation.operator_words import frame_note
from dgno_core.interpretation.registered import RegisteredMap
from dgno_core.interpretation.view import View
from dgno_core.io.normalise import IntensityRange
from dgno_core.layers.operator import OperatorLayer
from dgno_core.models import DGNOConfig, ModelCard, build_model
from dgno_core.numerics import dg_integral
from dgno_core.numerics.flux_spec import FluxSpec
from support.loops import coefficients, face_pixels, flux_value
from support.small_nets import OPERATORS, SMALL

FLUXES = ("central", "jump", "average_jump", "upwind")
BOUNDARIES = ("dirichlet", "neumann", "periodic")
SIDES = ("top", "bottom", "left", "right")
P = 4


def view_of(pixels: np.ndarray, config: Any = None, origin: tuple[int, int] = (0, 0)) -> View:
    """Look at pixels ``(Y, X)`` with an untrained network."""
    torch.manual_seed(3)
    model = build_model(config or DGNOConfig(**OPERATORS | {"iterations": 2}))
    model.card = ModelCard(name="tiny", config=model.config)
    network = Predictor(model, model.card, "tiny")
    limits = IntensityRange(0.0, 1.0)
    return View(pixels[None].astype(np.float32), limits, origin, network, "a", np.dtype("u2"))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape)


def layer_and_input(**choices: Any) -> tuple[OperatorLayer, torch.Tensor]:
    """An operator of 2 heads of 3 channels, and 3 x 2 elements, in float64."""
    torch.manual_seed(0)
    layer = OperatorLayer(6, 2, FluxSpec(tau=0.3, **choices), element=P).double()
    return layer, torch.randn(1, 6, 3 * P, 2 * P, dtype=torch.float64)


def maps_of(layer: OperatorLayer, z: torch.Tensor, stride: int = 1) -> OperatorMaps:
    """The maps of a layer that stands alone, as if its scale were `stride`."""
    scale = next(name for name, size in SCALES.items() if size == stride)
    with torch.no_grad():
        terms = decompose(layer, z)
    return OperatorMaps(
        scale, 0, layer.heads, z.shape[1] // layer.heads, P * stride,
        (z.shape[2] * stride, z.shape[3] * stride), (0, 0), layer.spec, "alone", terms,
    )  # fmt: skip


def operators_by_loops(layer: OperatorLayer, z: torch.Tensor, head: int) -> Any:
    """Return a function from element and side (None: volume) to its operator, in float64."""
    with torch.no_grad():
        _, k, v = (field[0, head].numpy() for field in layer.bases(z))

    def operator(ey: int, ex: int, side: str | None) -> np.ndarray:
        local = face_pixels(side, P) if side else [(y, x) for y in range(P) for x in range(P)]
        return coefficients(k, v, [(ey * P + y, ex * P + x) for y, x in local])

    return operator


@pytest.mark.parametrize("formulation", ["cell", "face"])
@pytest.mark.parametrize("flux", FLUXES)
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_flux_and_jump_of_every_face_are_those_of_plain_loops(formulation, flux, boundary) -> None:
    layer, z = layer_and_input(formulation=formulation, flux=flux, boundary=boundary)
    faces = maps_of(layer, z).faces(head=1)
    operator = operators_by_loops(layer, z, head=1)

    def on(ey: int, ex: int, side: str) -> np.ndarray:
        return operator(ey % 3, ex % 2, side if formulation == "face" else None)

    def rms(matrix: np.ndarray) -> float:
        return math.sqrt(sum(x * x for x in matrix.ravel()) / matrix.size)

    expected = {}
    for ey, ex in itertools.product(range(4), range(2)):  # faces above element (ey, ex)
        expected[ey * P - 0.5, ex * P - 0.5, 0] = ((ey - 1, ex), "bottom", (ey, ex), "top", 3, 0)
    for ey, ex in itertools.product(range(3), range(3)):  # faces left of element (ey, ex)
        expected[ey * P - 0.5, ex * P - 0.5, 1] = ((ey, ex - 1), "right", (ey, ex), "left", 2, 1)
    assert len(faces) == len(expected)
    for start, end, got, got_flux, got_jump, border in zip(
        faces.start, faces.end, faces.received, faces.flux, faces.jump, faces.is_boundary,
        strict=True,
    ):  # fmt: skip
        upright = int(end[0] > start[0])
        first, shown_by_first, second, shown_by_second, count, axis = expected[*start, upright]
        has_first, has_second = first[axis] >= 0, second[axis] < count
        assert border == (not (has_first and has_second))
        a, b = on(*first, shown_by_first), on(*second, shown_by_second)
        if border and boundary != "periodic":
            own = b if has_second else a
            exterior = own if boundary == "dirichlet" else np.zeros_like(own)
            a, b = (a, exterior) if has_first else (exterior, b)
        into_first = rms(flux_value(flux, a, b, 0.3)) if has_first else np.nan
        into_second = rms(flux_value(flux, b, a, 0.3)) if has_second else np.nan
        np.testing.assert_allclose(got, [into_first, into_second], rtol=1e-4, atol=1e-6)
        both = math.sqrt(np.nanmean(np.square([into_first, into_second])))
        np.testing.assert_allclose(got_flux, both, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(got_jump, rms(b - a), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("formulation", ["cell", "face"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_released_assembly_shows_the_jumps_that_it_penalises(formulation, boundary) -> None:
    choices = {"formulation": formulation, "boundary": boundary, "assembly": "official"}
    layer, z = layer_and_input(flux="jump", **choices)
    faces = maps_of(layer, z).faces()
    np.testing.assert_allclose(faces.flux, 0.3 * faces.jump, rtol=1e-5)
    operator = operators_by_loops(layer, z, head=0)
    sides = ("bottom", "top") if formulation == "face" else (None, None)
    inner = operator(1, 1, sides[1]) - operator(0, 1, sides[0])
    one = maps_of(layer, z).faces(head=0)
    at = np.flatnonzero((one.start == [P - 0.5, P - 0.5]).all(1) & (one.end[:, 0] == P - 0.5))
    np.testing.assert_allclose(one.jump[at], np.sqrt(np.mean(inner**2)), rtol=1e-5)


@pytest.mark.parametrize("assembly", ["paper", "official"])
@pytest.mark.parametrize(
    ("formulation", "flux", "boundary"),
    [("cell", "jump", "neumann"), ("face", "average_jump", "dirichlet"),
     ("face", "upwind", "periodic")],
)  # fmt: skip
def test_the_parts_sum_to_the_integral(assembly, formulation, flux, boundary) -> None:
    layer, z = layer_and_input(
        formulation=formulation, flux=flux, boundary=boundary, assembly=assembly
    )
    maps = maps_of(layer, z)
    with torch.no_grad():
        whole = layer.integral(*layer.bases(z))[0].numpy()
    for head, d in itertools.product(range(2), range(3)):
        latent, flow, output = (maps.map(name, head, d).data for name in MAPS[1:4])
        np.testing.assert_allclose(latent + flow, whole[head, d], atol=1e-5)
        np.testing.assert_allclose(output, whole[head, d], atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("iteration", [0, 1])
@pytest.mark.parametrize("size", [(64, 64), (50, 71), (129, 33)])
def test_maps_are_those_of_the_forward_pass(scale, iteration, size) -> None:
    view = view_of(noise(*size))
    model: Any = view.network.model
    layer = model.operators[list(SCALES).index(scale)][iteration]
    seen = []
    hook = layer.mix.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    catch_z = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        model.eval()(torch.from_numpy(view.pixels[None]))
    hook.remove()
    catch_z.remove()
    z, updated = seen
    whole = (updated - z).view(layer.heads, -1, *z.shape[2:])  # the integral, between skips
    maps = operator_maps(view, scale, iteration)
    height, width = (-(-side // SCALES[scale]) for side in size)
    got = maps.map("output", 1, 2)
    assert got.data.shape == (height, width)
    np.testing.assert_allclose(got.data, whole[1, 2, :height, :width], atol=1e-5)
    overall = maps.map("output").data
    expected = whole.square().mean((0, 1)).sqrt()[:height, :width]
    np.testing.assert_allclose(overall, expected, atol=1e-5)
    q = layer.bases(z)[0][0, 1, 2, :height, :width].detach()
    np.testing.assert_allclose(maps.map("basis", 1, 2).data, q, atol=1e-6)


def test_the_integral_of_the_bases_is_the_public_one() -> None:
    layer, z = layer_and_input(formulation="cell")
    with torch.no_grad():
        q, k, v = layer.bases(z)
        whole = dg_integral(q, k, v, element=P, tau=0.3)[0, 0, 0]
    np.testing.assert_allclose(maps_of(layer, z).map("output", 0, 0).data, whole, atol=1e-5)


def change_by(spot: tuple[int, int], name: str, scale: Any) -> tuple[np.ndarray, RegisteredMap]:
    """How a bright pixel changes a map of a view that starts at (64, 32) and needs padding."""
    dark = np.full((90, 110), 0.2)
    lit = dark.copy()
    lit[spot] = 5.0
    views = (view_of(pixels, origin=(64, 32)) for pixels in (dark, lit))
    before, after = (operator_maps(view, scale).map(name) for view in views)
    return np.abs(after.data - before.data).astype(float), after


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("spot", [(70, 41), (12, 88), (33, 17)])
def test_a_bright_pixel_shows_at_its_place(scale, spot) -> None:
    change, shown = change_by(spot, "basis", scale)
    # In a network, all is connected; the largest changes lie where the pixel is.
    change[change < 0.5 * change.max()] = 0
    row, column = (
        (change.sum(1 - axis) @ np.arange(change.shape[axis])) / change.sum() for axis in (0, 1)
    )
    found = [
        at * shown.scale[0] + start
        for at, start in zip((row, column), shown.translate, strict=True)
    ]
    assert found == pytest.approx([spot[0] + 64, spot[1] + 32], abs=1.5 * shown.scale[0])


@pytest.mark.parametrize(("scale", "stride"), SCALES.items())
@pytest.mark.parametrize("spot", [(52, 84), (20, 52)])
def test_the_element_of_a_bright_pixel_changes_most(scale, stride, spot) -> None:
    change, shown = change_by(spot, "latent", scale)
    at = np.unravel_index(change.argmax(), change.shape)
    place = np.array(at) * shown.scale + shown.translate
    side = 8 * stride
    np.testing.assert_array_equal(place // side, np.add(spot, (64, 32)) // side)


@pytest.mark.parametrize(("scale", "stride"), SCALES.items())
def test_pixels_of_a_map_cover_the_image_from_edge_to_edge(scale, stride) -> None:
    shown = operator_maps(view_of(noise(64, 96), origin=(32, 64)), scale).map("flux")
    edges = [at - size / 2 for at, size in zip(shown.translate, shown.scale, strict=True)]
    assert edges == [31.5, 63.5]
    ends = [edge + n * stride for edge, n in zip(edges, shown.data.shape, strict=True)]
    assert ends == [95.5, 159.5]


@pytest.mark.parametrize(("scale", "stride"), SCALES.items())
def test_faces_lie_on_the_grid_of_tiles_and_within_the_image(scale, stride) -> None:
    origin, size = (64, 32), (70, 90)
    maps = operator_maps(view_of(noise(*size), origin=origin), scale)
    faces = maps.faces()
    side = 8 * stride
    assert maps.element == side
    ends = np.concatenate([faces.start, faces.end])
    assert (ends >= np.array(origin) - 0.5).all()
    assert (ends <= np.array(origin) + size - 0.5).all()
    level = faces.start[:, 0] == faces.end[:, 0]
    # In coordinates of the whole image, every face lies on a multiple of the element's side.
    assert set((faces.start[level, 0] + 0.5) % side) == {0}
    assert set((faces.start[~level, 1] + 0.5) % side) == {0}
    across = -(-size[1] // side)
    assert level.sum() == (size[0] // side + 1) * across
    # The padding hides the lower and the right border of what the network sees.
    is_outer = (faces.start == np.array(origin) - 0.5) & (faces.end == np.array(origin) - 0.5)
    np.testing.assert_array_equal(faces.is_boundary, is_outer.any(1))
    np.testing.assert_array_equal(faces.vectors.sum(1), faces.end)
    np.testing.assert_array_equal(faces.segments[:, 1], faces.end)


def test_the_boundary_response_is_in_the_border_elements_only() -> None:
    maps = operator_maps(view_of(noise(64, 64)), "full")
    response, flux = maps.map("boundary").data, maps.map("flux").data
    assert (response[8:-8, 8:-8] == 0).all()
    assert (response[:8] > 0).mean() > 0.99
    assert (flux[8:-8, 8:-8] > 0).mean() > 0.99


def test_a_single_element_receives_only_through_the_border() -> None:
    layer, _ = layer_and_input(formulation="face", flux="average_jump", boundary="dirichlet")
    maps = maps_of(layer, torch.randn(1, 6, P, P, dtype=torch.float64))
    np.testing.assert_allclose(maps.map("boundary").data, maps.map("flux").data, rtol=1e-5)
    assert maps.faces().is_boundary.all()


def test_the_ratio_is_flux_over_latent_of_each_element() -> None:
    maps = operator_maps(view_of(noise(64, 96)), "half")
    ratio = maps.map("ratio")
    flux, latent = (maps.map(name).data.astype(float) for name in ("flux", "latent"))
    part = np.s_[8:16, 16:24]
    expected = np.sqrt(np.mean(flux[part] ** 2) / np.mean(latent[part] ** 2))
    assert ratio.data.shape == (4, 6)
    assert ratio.data[1, 2] == pytest.approx(expected, rel=1e-4)
    assert (ratio.scale, ratio.translate) == ((16, 16), (7.5, 7.5))


def test_magnitudes_and_signed_maps_have_limits_that_suit_them() -> None:
    maps = operator_maps(view_of(noise(64, 64)))
    signed, magnitude = maps.map("latent", 0, 1), maps.map("latent", 0)
    assert signed.limits[0] == -signed.limits[1] < 0
    assert (magnitude.limits[0], magnitude.data.min() >= 0) == (0, True)
    assert (signed.is_signed, magnitude.is_signed) == (True, False)
    assert (signed.name, magnitude.name) == ("latent-h0-d1", "latent-h0")
    assert "below zero" in signed.legend
    assert "head 0" in magnitude.legend
    zero = maps.map("boundary")
    assert zero.limits[1] > 0


class TestWhatIsKept:
    def test_only_the_parts_of_the_chosen_operator(self) -> None:
        view = view_of(noise(96, 96))
        maps = operator_maps(view, "quarter", 1)
        terms: OperatorTerms = maps.terms
        channels = 4 * 8
        grid = 3 * 3 * 2 * 16**2  # 3 x 3 elements, 2 heads, d = 16
        kept = [terms.queries, terms.volume, *terms.received.values(), *terms.jumps.values()]
        assert sum(part.numel() for part in kept) == channels * 24 * 24 + 9 * grid
        # Nothing hangs on to the rest of the network's work.
        assert not any(part.requires_grad or part.grad_fn is not None for part in kept)
        assert all(part.untyped_storage().nbytes() == 4 * part.numel() for part in kept)
        assert not any(module._forward_pre_hooks for module in view.network.model.modules())

    def test_the_network_runs_no_further_than_needed(self) -> None:
        view = view_of(noise(64, 64))
        model: Any = view.network.model
        ran = []
        for at, head in enumerate(model.heads):
            head.register_forward_hook(lambda *_, at=at: ran.append(at))
        operator_maps(view, "half", 1)
        assert ran == [0]
        assert view.network.model.training

    def test_a_full_memory_leaves_no_hook_and_one_sentence(self) -> None:
        view = view_of(noise(64, 64))
        model: Any = view.network.model

        def fail(*_: object) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory")

        model.operators[2][0].qkv.register_forward_pre_hook(fail)
        with pytest.raises(DGNOError, match="Memory ran out on a part of 64 x 64 pixels"):
            operator_maps(view, "full")
        assert not model.operators[2][0]._forward_pre_hooks


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("galerkin-global", "without elements"), ("galerkin-window", "without fluxes"),
     ("nafnet", "no neural operator"), ("restormer", "no neural operator")],
)  # fmt: skip
def test_networks_without_fluxes_say_what_they_lack(name, complaint) -> None:
    model = build_model(SMALL[name])
    with pytest.raises(DGNOError, match=complaint):
        operator_iterations(model, name)
    with pytest.raises(DGNOError, match=complaint):
        operator_maps(view_of(noise(64, 64), SMALL[name]))


def test_a_module_that_is_no_network_is_refused() -> None:
    with pytest.raises(DGNOError, match="no neural operator"):
        operator_iterations(nn.Identity())


@pytest.mark.parametrize("name", ["dgno-face", "nafnet-dgno"])
def test_every_lifting_has_operators(name) -> None:
    maps = operator_maps(view_of(noise(48, 48), SMALL[name]), "half")
    assert np.isfinite(maps.map("flux").data).all()
    assert isinstance(maps.faces(), Faces)


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [({"name": "q"}, "no map 'q'"), ({"head": 2}, "has 2, numbered from 0"),
     ({"dimension": 1}, "choose a head"), ({"head": 0, "dimension": 8}, "no dimension 8")],
)  # fmt: skip
def test_what_is_not_there_is_named(request_, complaint) -> None:
    maps = operator_maps(view_of(noise(32, 32)), "half")
    with pytest.raises(DGNOError, match=complaint):
        maps.map(**{"name": "flux"} | request_)


def test_an_iteration_or_scale_that_is_not_there_is_named() -> None:
    view = view_of(noise(32, 32))
    with pytest.raises(DGNOError, match="2 iterations at each scale, numbered from 0"):
        operator_maps(view, "half", 2)
    with pytest.raises(DGNOError, match="no scale 'eighth'"):
        operator_maps(view, "eighth")  # type: ignore[arg-type]


@pytest.mark.parametrize("formulation", ["cell", "face"])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_frame_of_the_faces_is_what_its_note_says(formulation: str, boundary: str) -> None:
    layer, z = layer_and_input(formulation=formulation, flux="jump", boundary=boundary)
    faces = maps_of(layer, z).faces()
    frame = faces.jump[faces.is_boundary]
    note = frame_note(boundary)
    if "nothing differs there" in note:
        np.testing.assert_allclose(frame, 0, atol=1e-6)
    elif "zero stands for the neighbour" in note:
        faces_of_one = maps_of(layer, z[..., :P, :P]).faces()
        assert (faces_of_one.jump > 0).all()  # there is nothing in the image to differ from
        assert (frame > 0).all()
    else:
        assert "opposite border" in note
        assert (frame > 0).any()
