"""The figure of an operator: every panel has a title and says in words what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection

from dgno_core.inference.predictor import Predictor
from dgno_core.interpretation.operator_figure import draw_operator
from dgno_core.interpretation.operator_maps import operator_maps
from dgno_core.interpretation.view import View
from dgno_core.io.normalise import IntensityRange
from dgno_core.models import DGNOConfig, ModelCard, build_model
from support.small_nets import OPERATORS


def view_of(**choices: Any) -> View:
    torch.manual_seed(3)
    model = build_model(DGNOConfig(**OPERATORS | choices))
    model.card = ModelCard(name="tiny", config=model.config)
    network = Predictor(model, model.card, "tiny")
    pixels = np.random.default_rng(0).random((1, 70, 90), dtype=np.float32)
    return View(pixels, IntensityRange(0, 1), (32, 64), network, "cells", np.dtype("u2"))


@pytest.mark.parametrize(
    ("flux", "title", "attribute"),
    [("jump", "Flux through each face", "flux"), ("average_jump", "Jump across each", "jump")],
)
def test_every_panel_is_named_and_explained_and_lies_on_the_image(flux, title, attribute) -> None:
    view = view_of(flux=flux)
    maps = operator_maps(view, "half")
    figure = draw_operator(view, maps)
    panels = [one for one in figure.axes if one.get_title(loc="left")]
    assert len(panels) == 9
    assert all(len(one.get_xlabel()) > 20 for one in panels)
    assert {(*one.get_xlim(), *one.get_ylim()) for one in panels} == {(63.5, 153.5, 101.5, 31.5)}
    assert panels[1].get_title(loc="left").startswith(title)
    lines = [one for one in panels[1].collections if isinstance(one, LineCollection)]
    faces = maps.faces()
    drawn = np.concatenate([one.get_array() for one in lines])
    assert sorted(drawn) == pytest.approx(sorted(getattr(faces, attribute)))
    assert "dotted" in panels[1].get_xlabel()


def test_maps_are_drawn_where_they_lie() -> None:
    view = view_of()
    maps = operator_maps(view, "quarter")
    ratio = draw_operator(view, maps, head=0, dimension=1).axes[2]
    left, right, bottom, top = ratio.images[0].get_extent()
    # 3 x 3 elements of 32 pixels from the upper left corner of the view.
    assert (left, top, right - left, bottom - top) == (63.5, 31.5, 96, 96)


def test_one_channel_is_drawn_around_zero() -> None:
    view = view_of()
    figure = draw_operator(view, operator_maps(view, "full"), head=1, dimension=2)
    latent = next(one for one in figure.axes if "Latent Q" in one.get_title(loc="left"))
    low, high = latent.images[0].get_clim()
    assert low == -high < 0
    assert "head 1, dimension 2" in latent.get_title(loc="left")
    assert "red above, blue below zero" in latent.get_xlabel().replace("\n", " ")
