from __future__ import annotations

import itertools

import pytest
import torch

from dgno_core.encoders.config import MambaBlocks
from dgno_core.errors import DGNOError
from dgno_core.layers.norms import HeadNorm
from dgno_core.models import ARCHITECTURES, DGNOConfig, architecture, build_model
from dgno_core.models.network import pad_by_reflection

TINY = {"width": 8, "heads": 2, "blocks": (1, 1, 1, 1),
        "lifting": MambaBlocks(tokens=8, rank=4, state=2)}  # fmt: skip


def parameters(name: str, channels: int = 1) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in build_model(name, channels).parameters())


def test_parameter_counts_are_the_papers() -> None:
    assert parameters("dgno-cell") == 12_794_888
    assert parameters("dgno-face") == 12_794_888
    assert parameters("galerkin-global") == 12_794_882
    assert parameters("galerkin-window") == 12_794_882
    assert parameters("dgno-cell", 3) == 12_803_100


@pytest.mark.parametrize("name", ["dgno-cell-small", "dgno-face-small"])
@pytest.mark.parametrize("channels", [1, 3])
def test_small_networks_stay_small(name: str, channels: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = build_model(name, channels)
    assert sum(p.numel() for p in model.parameters()) <= 1_600_000
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.rand(1, channels, 256, 256))
    assert 1e9 < counter.get_total_flops() / 2 <= 6e9 * (1.02 if channels == 3 else 1)


@pytest.mark.parametrize(
    ("formulation", "channels"),
    list(itertools.product(("cell", "face", "window", "global"), (1, 3))),
)
def test_any_size_forward_and_backward(formulation: str, channels: int) -> None:
    model = build_model(DGNOConfig(channels=channels, formulation=formulation, **TINY))
    outputs = model(torch.rand(2, channels, 37, 50))
    assert outputs[-1].shape == (2, channels, 37, 50)
    sum(output.square().mean() for output in outputs).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("size", [(16, 16), (131, 97)])
def test_extreme_sizes(size: tuple[int, int]) -> None:
    model = build_model(DGNOConfig(**TINY)).eval()
    with torch.inference_mode():
        assert model(torch.rand(1, 1, *size))[-1].shape == (1, 1, *size)


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(ValueError, match="15 x 40"):
        build_model(DGNOConfig(**TINY))(torch.rand(1, 1, 15, 40))


def test_padding_reflects_as_often_as_needed() -> None:
    image = torch.arange(1.0, 4).view(1, 1, 1, 3).expand(1, 1, 3, 3)
    padded = pad_by_reflection(image, 8)
    assert padded.shape[-2:] == (8, 8)
    assert padded[0, 0, 0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]


@pytest.mark.parametrize("name", ["dgno-cell-small", "dgno-face-small"])
def test_the_choice_of_flux_changes_the_small_networks_output(name: str) -> None:
    image = torch.rand(1, 1, 64, 64, dtype=torch.float64)
    outputs = {}
    for flux in ("central", "jump", "average_jump", "upwind"):
        torch.manual_seed(0)
        model = build_model(architecture(name).model_copy(update={"flux": flux}))
        model = model.double().eval()
        # Untrained norms make every coefficient matrix sum to zero: upwind weighs both sides alike.
        for module in model.modules():
            if isinstance(module, HeadNorm):
                torch.nn.init.normal_(module.weight)
                torch.nn.init.normal_(module.bias)
        with torch.inference_mode():
            outputs[flux] = model(image)[-1]
    for one, other in itertools.combinations(outputs, 2):
        assert (outputs[one] - outputs[other]).abs().max() > 1e-4, (one, other)


def test_inference_is_deterministic_even_with_routing_noise() -> None:
    noisy_blocks = MambaBlocks(tokens=8, rank=4, state=2, routing_noise=True)
    model = build_model(DGNOConfig(**TINY | {"lifting": noisy_blocks}))
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        noisy = [model.train()(image)[-1] for _ in range(2)]
        quiet = [model.eval()(image)[-1] for _ in range(2)]
    assert not torch.equal(*noisy)
    assert torch.equal(*quiet)


def test_configuration_reaches_the_network() -> None:
    model = build_model(DGNOConfig(iterations=3, element=4, tau=0.5, learn_tau=False, **TINY))
    assert [len(layers) for layers in model.operators] == [3, 3, 3]
    layer = model.operators[0][0]
    assert (layer.element, layer.tau, layer.spec.tau) == (4, None, 0.5)


def test_names() -> None:
    assert set(ARCHITECTURES) >= {"dgno-cell", "dgno-face", "dgno-cell-small", "dgno-face-small"}
    with pytest.raises(DGNOError, match="dgno-cell"):
        build_model("unet")
    with pytest.raises(DGNOError, match="1 or 3"):
        build_model("dgno-cell", 2)
