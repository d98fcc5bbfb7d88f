from __future__ import annotations

import pytest
import torch

from dgno_core.layers.windows import RelativeBias, from_windows, to_windows


def test_windows_and_their_pixels_are_in_raster_order() -> None:
    x = torch.arange(2 * 3 * 4 * 6.0).view(2, 3, 4, 6)
    windows = to_windows(x, 2)
    assert windows.shape == (2, 6, 4, 3)
    for window in range(6):
        y0, x0 = window // 3 * 2, window % 3 * 2
        for pixel in range(4):
            expected = x[:, :, y0 + pixel // 2, x0 + pixel % 2]
            assert torch.equal(windows[:, window, pixel], expected)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_windows_are_put_back(memory: torch.memory_format) -> None:
    x = torch.rand(2, 3, 8, 12).contiguous(memory_format=memory)
    back = from_windows(to_windows(x, 4), 4, 3)
    assert torch.equal(back, x)
    assert back.is_contiguous(memory_format=torch.channels_last)


def test_the_bias_depends_on_query_minus_key_alone() -> None:
    size = 3
    bias = RelativeBias(2, size)
    torch.nn.init.normal_(bias.table)
    values = bias()
    assert values.shape == (2, size**2, size**2)
    seen = {}
    for query in range(size**2):
        for key in range(size**2):
            step = (query // size - key // size, query % size - key % size)
            first = seen.setdefault(step, values[:, query, key])
            assert torch.equal(values[:, query, key], first)
    assert len({tuple(value.tolist()) for value in seen.values()}) == len(bias.table)


def test_the_index_is_not_stored_with_the_weights() -> None:
    assert list(RelativeBias(1, 4).state_dict()) == ["table"]
