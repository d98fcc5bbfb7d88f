from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from dgno_core.layers.channel_attention import ChannelAttention
from dgno_core.models.architectures import architecture, model_names
from dgno_core.models.build import build_model
from dgno_core.models.config import NAFNetConfig
from dgno_core.models.cost import Cost, cost, counted
from dgno_core.models.operations import OperationTrace


@cache
def cost_of(name: str, channels: int = 1) -> Cost:
    return cost(architecture(name, channels))


@pytest.mark.parametrize(
    ("name", "parameters", "exact", "functions"),
    [
        ("dgno-cell", 12_794_888, 51_452_530_688, 50.1189),
        # The face operators: four products of traces of 8 pixels for every element.
        ("dgno-face", 12_794_888, 51_452_530_688 + 28_311_552, 50.1472),
    ],
)
def test_dgno_costs_what_its_paper_says(
    name: str, parameters: int, exact: int, functions: float
) -> None:
    counts = cost_of(name)
    assert counts.parameters == parameters
    assert counts.macs_exact == exact
    # The paper prints two digits, 50.12 and 50.15; the counter itself gave these four.
    assert round(counts.macs_functions / 1e9, 4) == functions
    # L d n of the scans: 65536 * 96 * 8 * 2 blocks, half of that times 4, ...
    assert counts.macs_scan == 3 * 65536 * 96 * 8 * (2 + 4 / 2 + 6 / 4 + 2 / 8)


@pytest.mark.parametrize(
    ("channels", "parameters", "exact", "modules", "functions"),
    [
        (3, 19_799_356, 88_028_151_808, 76_206_768_128, 76_393_021_440),
        (1, 19_797_916, 87_933_779_968, None, 76_298_649_600),
    ],
)
def test_mpt_costs_what_the_counter_says(
    channels: int, parameters: int, exact: int, modules: int | None, functions: int
) -> None:
    counts = cost_of("mpt", channels)
    assert (counts.parameters, counts.macs_exact) == (parameters, exact)
    assert modules in (counts.macs_modules, None)
    assert counts.macs_functions == functions


def test_restormer_costs_what_both_papers_say() -> None:
    counts = cost_of("restormer", 3)
    assert counts.parameters == 26_126_644
    assert round(counts.macs_modules / 1e9, 2) == 140.99
    # Its attention, which the counter does not see.
    assert round((counts.macs_exact - counts.macs_modules) / 1e9, 1) == 13.9


@pytest.mark.parametrize("name", model_names())
def test_the_count_by_hand_is_that_of_pytorch(name: str) -> None:
    with torch.device("meta"):
        model, image = build_model(name), torch.empty(1, 1, 256, 256)
        with FlopCounterMode(display=False) as counter:
            model(image)
    assert cost_of(name).macs_exact == counter.get_total_flops() // 2


def test_a_model_costs_what_its_configuration_does() -> None:
    config = NAFNetConfig(width=4, encoder=(1, 1, 1, 1))
    assert cost(build_model(config), 64) == cost(config, 64) != cost(config, 128)


def test_a_huge_image_needs_no_memory() -> None:
    counts = cost(NAFNetConfig(width=4, encoder=(1, 1, 1, 1)), 65536)
    assert counts.peak_bytes > 4 * 4 * 65536**2


class Parts(nn.Module):
    """One of everything that the two rules tell apart."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1)
        self.pool = nn.AvgPool2d(2)
        self.linear = nn.Linear(4, 5)
        self.gelu = nn.GELU()
        self.layer_norm = nn.LayerNorm(5)
        self.instance_norm = nn.InstanceNorm2d(4, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.instance_norm(self.conv(x)))
        x = self.layer_norm(self.gelu(self.linear(x.flatten(2).transpose(1, 2))))
        return F.gelu(x) @ x.transpose(1, 2)


def test_both_rules_on_a_net_counted_by_hand() -> None:
    with torch.device("meta"):
        net, image = Parts(), torch.empty(3, 2, 8, 6)
    with OperationTrace(net) as traced:
        net(image)
    conv, instance_norm, pool, linear, gelu, layer_norm, function, product = traced.operations
    pixels, pooled = 3 * 48, 3 * 12
    expected = {
        conv: (pixels * 2 * 4 * 9, pixels * 4 * 19, pixels * 4 * 19),
        instance_norm: (0, 2 * pixels * 4, 2 * pixels * 4),
        pool: (0, pixels * 4, 2 * pixels * 4),
        linear: (pooled * 20, pooled * 20 + 5, pooled * 25),
        gelu: (0, pooled * 5, 2 * pooled * 5),
        layer_norm: (0, pooled * 5, pooled * 5),
        function: (0, 0, pooled * 5),
        product: (3 * 12 * 12 * 5, 0, 0),
    }
    for operation, (exact, modules, functions) in expected.items():
        assert operation.macs == exact, operation.kind
        assert counted(operation, "modules") == modules, operation.kind
        assert counted(operation, "functions") == functions, operation.kind


def test_the_trace_leaves_no_hooks_behind_even_after_an_error() -> None:
    layer = ChannelAttention(4, 2)
    with pytest.raises(RuntimeError), OperationTrace(layer):
        layer(torch.zeros(1, 5, 8, 8))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in layer.modules())
