from __future__ import annotations

import pytest
import torch

from dgno_core.models.config import NAFNetConfig
from dgno_core.models.nafnet import NAFNet
from support.blocks import randomised
from support.nets import check_forward_and_backward, check_padding
from support.whole_nets import nafnet

SMALL = NAFNetConfig(width=4, encoder=(1, 1, 1, 2))


def test_the_default_has_the_papers_size() -> None:
    with torch.device("meta"):
        models = [NAFNet(NAFNetConfig(channels=channels)) for channels in (1, 3)]
    grey, colour = (sum(p.numel() for p in model.parameters()) for model in models)
    assert round(colour / 1e6, 2) == 17.11
    assert colour - grey == 2 * (2 * 32 * 9) + 2  # stem and head


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(64, 48), (131, 97)])
def test_forward_and_backward(channels: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    check_forward_and_backward(NAFNet(SMALL.changed(channels=channels)), *size)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_whole_network_equals_the_papers_figure(channels: int) -> None:
    config = SMALL.changed(channels=channels, encoder=(1, 2, 1, 1), decoder=(2, 1, 1, 1))
    model = randomised(NAFNet(config)).double()
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(2, channels, 32, 32, generator=generator, dtype=torch.float64)
    with torch.inference_mode():
        expected = nafnet(model.state_dict(), image)
        torch.testing.assert_close(model(image)[-1], expected, rtol=1e-11, atol=1e-11)


def test_any_size_is_padded_by_reflection() -> None:
    check_padding(randomised(NAFNet(SMALL)), 37, 50)


def test_the_image_is_added_at_the_end() -> None:
    model = NAFNet(SMALL)
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(model(image)[-1], image)


def test_stages_are_as_deep_as_asked() -> None:
    model = NAFNet(SMALL.changed(encoder=(1, 2, 3, 4), middle=5, decoder=(4, 3, 2, 1)))
    assert [len(stage) for stage in model.encoder] == [1, 2, 3, 4]
    assert len(model.middle) == 5
    assert [len(stage) for stage in model.decoder] == [4, 3, 2, 1]
    # Coarse to fine: the widest stage of the decoder comes first.
    assert [stage[0].beta.shape[0] for stage in model.decoder] == [32, 16, 8, 4]
