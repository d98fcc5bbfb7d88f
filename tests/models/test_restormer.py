from __future__ import annotations

import pytest
import torch

from dgno_core.models.config import RestormerConfig
from dgno_core.models.restormer import Restormer
from support.blocks import randomised
from support.nets import check_forward_and_backward, check_padding
from support.whole_nets import restormer

SMALL = RestormerConfig(width=8, blocks=(1, 1, 1, 1), refinement=1)


def test_the_default_has_the_papers_size() -> None:
    with torch.device("meta"):
        models = [Restormer(RestormerConfig(channels=channels)) for channels in (1, 3)]
    grey, colour = (sum(p.numel() for p in model.parameters()) for model in models)
    assert colour == 26_126_644
    assert colour - grey == 2 * 9 * (48 + 96)  # stem and head


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(64, 48), (131, 97)])
def test_forward_and_backward(channels: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    check_forward_and_backward(Restormer(SMALL.changed(channels=channels)), *size)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_whole_network_equals_the_papers_figure(channels: int) -> None:
    config = SMALL.changed(channels=channels, blocks=(2, 1, 1, 2), refinement=2)
    model = randomised(Restormer(config)).double()
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(2, channels, 32, 32, generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        expected = restormer(model.state_dict(), image)
        torch.testing.assert_close(model(image)[-1], expected, rtol=1e-11, atol=1e-11)


def test_any_size_is_padded_by_reflection() -> None:
    check_padding(randomised(Restormer(SMALL)), 37, 50)


def test_the_image_is_added_at_the_end() -> None:
    model = Restormer(SMALL)
    torch.nn.init.zeros_(model.head.weight)
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(model(image)[-1], image)


def test_full_size_keeps_both_halves_of_the_channels() -> None:
    model = Restormer(RestormerConfig(width=8, blocks=(1, 2, 3, 4), refinement=2))
    stages = [*model.encoder, *model.decoder, model.refinement]
    assert [len(stage) for stage in stages] == [1, 2, 3, 4, 3, 2, 1, 2]
    widths = [stage[0].attention.project.out_channels for stage in stages]
    assert widths == [8, 16, 32, 64, 32, 16, 16, 16]
    heads = [len(stage[0].attention.temperature) for stage in stages]
    assert heads == [1, 2, 4, 8, 4, 2, 1, 1]
