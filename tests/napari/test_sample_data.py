"""The samples: blurred with a known map, and made without a network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgno_core.demo.images import WIDTHS
from napari_dgno import _sample_data


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a sample asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("make", [_sample_data.stained_tissue, _sample_data.nuclei])
def test_blurred_twin_is_softer_where_the_map_says_so(make: Callable[[], list]) -> None:
    (sharp, _, _), (blurred, keywords, kind) = make()
    assert (blurred.shape, blurred.dtype, kind) == (sharp.shape, sharp.dtype, "image")
    width = keywords["metadata"]["blur_map"]
    assert width.shape == sharp.shape[:2]
    np.testing.assert_allclose([width.min(), width.max()], WIDTHS, atol=1e-3)
    lost = np.abs(sharp.astype(float) - blurred.astype(float)).reshape(*width.shape, -1).mean(-1)
    soft, crisp = width > np.quantile(width, 0.7), width < np.quantile(width, 0.3)
    texture = np.abs(np.gradient(sharp.astype(float).reshape(*width.shape, -1).mean(-1))[0])
    assert lost[soft].mean() / texture[soft].mean() > lost[crisp].mean() / texture[crisp].mean()


@pytest.mark.usefixtures("offline")
def test_samples_are_the_same_every_time() -> None:
    first, second = _sample_data.nuclei()[1][0], _sample_data.nuclei()[1][0]
    np.testing.assert_array_equal(first, second)


def test_the_grey_sample_is_of_nuclei() -> None:
    layers = _sample_data.nuclei()
    assert [keywords["name"] for _, keywords, _ in layers] == ["nuclei, sharp", "nuclei, blurred"]
    sharp = layers[0][0]
    assert sharp.dtype == np.uint16
    assert np.median(sharp) < 0.25 * sharp.max(), "bright nuclei on a dark ground"


def test_samples_open_in_napari(plugin: Any) -> None:
    from napari.components import ViewerModel

    viewer = ViewerModel()
    for contribution in plugin.contributions.sample_data:
        viewer.open_sample("napari-dgno", contribution.key)
    stack = viewer.layers["focal stack"]
    assert stack.axis_labels == ("z", "y", "x")
    assert 0 < stack.metadata["in_focus"] < len(stack.data) - 1
    assert viewer.layers["stained tissue, blurred"].rgb
