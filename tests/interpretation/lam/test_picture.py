"""The figure: what stands in it, and where the box is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dgno_core.errors import DGNOError
from dgno_core.interpretation.lam import (
    Attribution,
    LamFound,
    LamSettings,
    Window,
    compare_lam,
    draw_lam,
    lam_events,
)
from support.lam_net import random_net, view_of


def explained(channels: int = 1, seed: int = 0, window: Window | None = None) -> Attribution:
    image = np.random.default_rng(1).random((channels, 96, 100))
    view = view_of(image, random_net(channels, seed), origin=(32, 64))
    box = window or Window(60, 100, 10, 14)
    last = list(lam_events(view, box, LamSettings(steps=2, side=64)))[-1]
    assert isinstance(last, LamFound)
    return last.attribution


def words(figure: Figure) -> str:
    from matplotlib.text import Text

    return "\n".join(text.get_text() for text in figure.findobj(Text))


def panels(figure: Figure) -> Iterator[Axes]:
    return (axes for axes in figure.findobj(Axes) if axes.images and axes.get_title())


@pytest.mark.parametrize("channels", [1, 3])
def test_a_figure_says_what_it_shows_and_draws_the_box(channels: int, tmp_path: Path) -> None:
    found = explained(channels)
    figure = draw_lam(found)
    text = words(figure)
    assert "How much each input pixel contributed to the edges inside the box" in text
    assert "box of 10 x 14 px at row 60, column 100; effort: 2 steps" in text
    assert f"lam net: diffusion index {found.diffusion_index:.1f}" in text
    assert f"90 % of the contributions lie within {found.reach():.0f} px of the box" in text
    assert "red: made them stronger, blue: weaker" in text
    assert "approximate density" in text
    drawn = list(panels(figure))
    assert len(drawn) == 4
    top, left = found.translate
    for axes in drawn:
        (box,) = (patch for patch in axes.patches if isinstance(patch, Rectangle))
        assert (box.get_xy(), box.get_width(), box.get_height()) == ((99.5, 59.5), 14, 10)
        assert axes.images[0].get_extent() == [left - 0.5, left + 63.5, top + 63.5, top - 0.5]
    signed = next(axes for axes in drawn if "Contributions" in axes.get_title()).images[0]
    np.testing.assert_array_equal(signed.get_array(), found.signed)
    assert signed.norm(0.0) == pytest.approx(0.5)
    figure.savefig(tmp_path / "lam.png")
    assert (tmp_path / "lam.png").stat().st_size > 10_000


def test_two_models_stand_below_each_other() -> None:
    first, second = explained(seed=0), replace(explained(seed=1), model="other net")
    figure = compare_lam([first, second])
    assert len(list(panels(figure))) == 8
    assert "lam net: " in words(figure)
    assert f"other net: diffusion index {second.diffusion_index:.1f}" in words(figure)


def test_maps_that_cannot_be_compared_are_refused() -> None:
    found = explained()
    for other in (
        explained(window=Window(60, 101, 10, 14)),
        replace(found, settings=found.settings.changed(steps=3)),
        replace(found, translate=(0.0, 0.0)),
    ):
        with pytest.raises(DGNOError, match="cannot be compared"):
            compare_lam([found, other])
    with pytest.raises(DGNOError, match="no attribution map"):
        compare_lam([])


def test_a_map_of_nothing_can_still_be_drawn(tmp_path: Path) -> None:
    found = explained()
    nothing = np.zeros_like(found.absolute)
    empty = replace(
        found, signed=nothing, absolute=nothing, diffusion_index=np.nan, image=0 * found.image
    )
    draw_lam(empty).savefig(tmp_path / "lam.png")
