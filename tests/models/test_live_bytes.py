from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from dgno_core.models.build import build_model
from dgno_core.models.config import DGNOConfig, NAFNetConfig, NetworkConfig, RestormerConfig
from dgno_core.models.cost import cost
from dgno_core.models.device import place
from dgno_core.models.live_bytes import LiveBytes

KB = 1024
SMALL = {"width": 8, "heads": 2, "blocks": (1, 1, 1, 1)}


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_computation_followed_by_hand(device: str) -> None:
    x = torch.ones(256, device=device)
    with torch.no_grad(), LiveBytes() as memory:
        a = x + 1
        b = a * 2
        assert (memory.current, memory.peak) == (2 * KB, 2 * KB)
        view = a.view(16, 16).t()
        del a
        assert memory.current == 2 * KB  # the view keeps it
        b.mul_(3)
        torch.mul(b, 2, out=b)
        assert memory.peak == 2 * KB
        del view
        assert memory.current == KB
        c = torch.cat([b, b, b])
        assert (memory.current, memory.peak) == (4 * KB, 4 * KB)
        del b, c
        assert (memory.current, memory.peak) == (0, 4 * KB)


def test_what_stood_before_is_not_counted() -> None:
    x = torch.ones(256)
    with torch.no_grad(), LiveBytes() as memory:
        y = x.view(16, 16)
        z = y.contiguous()
        assert (memory.current, z.data_ptr()) == (0, x.data_ptr())
        copy = y.t().contiguous()
        assert memory.current == KB
    del copy


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Compute with one thread: the kernels of old processors need scratch memory for each more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    "config",
    [
        DGNOConfig(**SMALL),
        DGNOConfig(formulation="face", channels=3, **SMALL),
        NAFNetConfig(width=8, encoder=(1, 1, 1, 1)),
        RestormerConfig(width=8, blocks=(1, 1, 1, 1)),
    ],
    ids=lambda config: config.kind,
)
@pytest.mark.usefixtures("_one_thread")
def test_the_peak_is_what_pytorch_allocates(config: NetworkConfig) -> None:
    side = 64
    model = place(build_model(config), torch.device("cpu"))
    image = torch.rand(1, config.channels, side, side)
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        model(image)
    assert run.profiler is not None
    events = run.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    now = peak = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        now += change.nbytes()
        peak = max(peak, now)
    stood = sum(4 * t.numel() for t in (*model.state_dict().values(), image))
    assert cost(config, side).peak_bytes == pytest.approx(stood + peak, rel=0.005)
