from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from dgno_core.losses import (
    EFCR,
    efcr,
    efcr_ex,
    efcr_ex_unlabelled,
    multiscale_loss,
    pixel_loss,
)
from dgno_core.losses.contrastive_terms import (
    contrastive_ratio,
    extended_term,
    haar,
    negative_term,
    positive_term,
)
from dgno_core.losses.regularisation import draw_sizes, reblur
from dgno_core.models import build_model
from support.blocks import randomised
from support.small_nets import SMALL


class Tiny(nn.Module):
    """A residual network of two convolutions with the outputs of ours: a list, the last counts."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1), nn.GELU(), nn.Conv2d(8, channels, 3, padding=1)
        )
        self.inputs: list[Tensor] = []

    def forward(self, image: Tensor) -> list[Tensor]:
        self.inputs.append(image.detach())
        return [image + self.body(image)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def scene(batch: int = 2, side: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Bright squares on a dark ground, sharp and blurred."""
    g = generator(seed)
    sharp = torch.zeros(batch, 1, side, side)
    for image in sharp:
        for y, x in torch.randint(0, side - 6, (12, 2), generator=g).tolist():
            image[0, y : y + 6, x : x + 6] += 0.3
    return sharp, reblur(sharp, 7, 1.5)


@pytest.fixture
def network() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


def gradients(loss: Tensor, network: nn.Module) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters()), retain_graph=True))


def reaches_all_but_the_offset(shares: list[Tensor]) -> bool:
    """Whether every parameter has a gradient but the last bias, to which high bands are blind."""
    *seen, offset = (float(share.abs().max()) for share in shares)
    return min(seen) > 1e-6 > offset


def test_it_is_the_function_on_what_the_network_makes_of_the_reblurred(network: Tiny) -> None:
    target, blurred = scene()
    term = EFCR(beta=0.5, sigma=2.0)
    output = network(blurred)[-1]
    value = term(network, output, target, blurred, generator(3))
    again = reblur(blurred, draw_sizes(2, generator(3)), 2.0)
    assert torch.equal(network.inputs[-1], again)
    torch.testing.assert_close(
        value, 0.5 * efcr(output, target, blurred, again, network(again)[-1])
    )


def test_extra_data_choose_the_form(network: Tiny) -> None:
    (target, blurred), (extra_target, extra) = scene(), scene(side=24, seed=1)
    term = EFCR(beta=1, norm="sum")
    output = network(blurred)[-1]
    again = reblur(extra, draw_sizes(2, generator()))
    restored = network(again)[-1]
    unlabelled = term(network, output, target, blurred, generator(), extra_blurred=extra)
    torch.testing.assert_close(
        unlabelled,
        efcr_ex_unlabelled(output, target, blurred, extra, again, restored, norm="sum"),
    )
    labelled = term(
        network,
        output,
        target,
        blurred,
        generator(),
        extra_blurred=extra,
        extra_target=extra_target,
    )
    torch.testing.assert_close(
        labelled, efcr_ex(network(extra)[-1], extra_target, extra, again, restored, norm="sum")
    )


def test_the_kernels_are_those_it_is_given(network: Tiny) -> None:
    target, blurred = scene(batch=4)
    output = network(blurred)[-1]
    assert set(draw_sizes(4, generator())) != {3}
    for size in (3, 9):
        EFCR(sizes=(size,))(network, output, target, blurred, generator())
        assert torch.equal(network.inputs[-1], reblur(blurred, size))


def test_without_extension_no_second_forward(network: Tiny) -> None:
    target, blurred = scene()
    output = network(blurred)[-1]
    value = EFCR(beta=1, extended=False)(network, output, target, blurred, generator())
    assert len(network.inputs) == 1
    torch.testing.assert_close(value, efcr(output, target, blurred))


def test_same_generator_same_value(network: Tiny) -> None:
    target, blurred = scene(batch=4)
    output = network(blurred)[-1]
    values = {
        seed: [EFCR()(network, output, target, blurred, generator(seed)) for _ in range(2)]
        for seed in (0, 1)
    }
    assert torch.equal(*values[0])
    assert torch.equal(*values[1])
    assert not torch.equal(values[0][0], values[1][0])


def test_the_parameters_are_reached_through_every_term(network: Tiny) -> None:
    network.double()
    target, blurred = (image.double() for image in scene())
    again = reblur(blurred, 5)
    output, restored = network(blurred)[-1], network(again)[-1]
    loss = efcr(output, target, blurred, again, restored)
    assert loss.requires_grad
    terms = {
        "positive": (positive_term, (output, target)),
        "negative": (negative_term, (output, blurred)),
        "extended": (extended_term, (blurred, again, restored)),
    }
    shares = []
    for learnt in terms:
        values = [
            term(*tensors) if name == learnt else term(*tensors).detach()
            for name, (term, tensors) in terms.items()
        ]
        shares.append(gradients(contrastive_ratio(*values), network))
    positive, negative, extended = shares
    assert all(share.abs().max() > 1e-6 for share in positive)
    assert reaches_all_but_the_offset(negative)
    assert reaches_all_but_the_offset(extended)
    # Together they are the whole gradient: no term is cut off inside the loss.
    for whole, *parts in zip(gradients(loss, network), *shares, strict=True):
        torch.testing.assert_close(whole, sum(parts), rtol=1e-9, atol=1e-12)


def descend(network: Tiny, loss: Callable[[], Tensor], steps: int, rate: float) -> list[float]:
    optimiser = torch.optim.SGD(network.parameters(), lr=rate)
    values = []
    for _ in range(steps):
        optimiser.zero_grad()
        value = loss()
        value.backward()
        optimiser.step()
        values.append(value.item())
    return values


def distances(network: Tiny, target: Tensor, blurred: Tensor) -> tuple[float, float, float]:
    """L+, L- and L_ext of the network as it is."""
    again = reblur(blurred, 5)
    with torch.no_grad():
        output, restored = network(blurred)[-1], network(again)[-1]
        return (
            positive_term(output, target).mean().item(),
            negative_term(output, blurred).mean().item(),
            extended_term(blurred, again, restored).mean().item(),
        )


def test_by_itself_it_pushes_off_the_blurred_images(network: Tiny) -> None:
    target, blurred = scene()
    before = distances(network, target, blurred)
    term = EFCR(beta=1)

    def loss() -> Tensor:
        return term(network, network(blurred)[-1], target, blurred, generator())

    values = descend(network, loss, steps=20, rate=0.02)
    after = distances(network, target, blurred)
    assert values[-1] < 0.9 * values[0]
    assert after[1] > 1.2 * before[1], "the output must leave the blurred image"
    assert after[2] > 1.2 * before[2], "and a reblurred image must be changed more"


def test_the_positive_pulls_to_the_target(network: Tiny) -> None:
    target, blurred = scene()
    before = distances(network, target, blurred)

    def loss() -> Tensor:
        output = network(blurred)[-1]
        negative = negative_term(output, blurred).detach()
        return contrastive_ratio(positive_term(output, target), negative, torch.ones(2))

    descend(network, loss, steps=20, rate=0.02)
    assert distances(network, target, blurred)[0] < 0.9 * before[0]


def test_beside_a_pixel_loss_it_restores_with_more_change(network: Tiny) -> None:
    target, blurred = scene()
    before = distances(network, target, blurred)
    initial = {key: value.clone() for key, value in network.state_dict().items()}

    def trained(beta: float) -> tuple[float, float, float]:
        network.load_state_dict(initial)
        term = EFCR(beta=beta)

        def loss() -> Tensor:
            outputs = network(blurred)
            regularisation = term(network, outputs[-1], target, blurred, generator())
            return pixel_loss(outputs, target) + regularisation

        descend(network, loss, steps=40, rate=0.05)
        return distances(network, target, blurred)

    plain, regularised = trained(0), trained(0.1)
    assert plain[0] < before[0]
    assert regularised[0] < before[0], "the output must come nearer to the target"
    assert regularised[1] > 1.2 * plain[1]
    assert regularised[2] > 1.2 * plain[2]


def test_unlabelled_extra_images_train_through_the_extension_alone(network: Tiny) -> None:
    (target, blurred), (_, extra) = scene(), scene(side=24, seed=1)
    output = network(blurred)[-1].detach()
    term = EFCR(beta=1)
    value = term(network, output, target, blurred, generator(), extra_blurred=extra)
    assert reaches_all_but_the_offset(gradients(value, network))


def test_labelled_extra_images_bring_their_detail_but_not_their_brightness(network: Tiny) -> None:
    (target, blurred), (sharp, extra) = scene(), scene(side=24, seed=1)
    output = network(blurred)[-1]
    values = [
        EFCR(beta=1)(
            network,
            output,
            target,
            blurred,
            generator(),
            extra_blurred=extra,
            extra_target=sharp + offset,
        )
        for offset in (0, 0.5)
    ]
    torch.testing.assert_close(*values)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", SMALL)
def test_regularises_every_network(name: str, channels: int) -> None:
    config = SMALL[name].changed(channels=channels)
    network = randomised(build_model(config))
    side = max(config.multiple, 32)
    target = torch.rand(1, channels, side, side, generator=generator())
    blurred = reblur(target, 5)
    outputs = network(blurred)
    value = EFCR(beta=1)(network, outputs[-1], target, blurred, generator())
    (multiscale_loss(outputs, target) + value).backward(retain_graph=True)
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
    # By itself it reaches all that leads to the finest output: not the heads of the coarse ones.
    keys, parameters = zip(*network.named_parameters(), strict=True)
    shares = torch.autograd.grad(value, parameters, allow_unused=True)
    reached = {key: share for key, share in zip(keys, shares, strict=True) if share is not None}
    coarse = range(network.scales - 1)
    assert keys - reached.keys() == {
        f"heads.{scale}.{kind}" for scale in coarse for kind in ("weight", "bias")
    }
    for key, share in reached.items():
        assert torch.isfinite(share).all(), key
        assert share.abs().max() > 0, key


def test_the_papers_objective_is_l1_plus_beta_times_the_ratio(network: Tiny) -> None:
    target, blurred = scene()
    outputs = network(blurred)
    term = EFCR()
    total = pixel_loss(outputs, target) + term(network, outputs[-1], target, blurred, generator())
    unweighted = EFCR(beta=1)(network, outputs[-1], target, blurred, generator())
    expected = (outputs[-1] - target).abs().mean() + 1e-5 * unweighted
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize("norm", ["mean", "sum"])
def test_the_papers_beta_hardly_moves_the_gradient_of_the_pixel_loss(network, norm) -> None:
    target, blurred = scene()
    outputs = network(blurred)
    term = EFCR(norm=norm)(network, outputs[-1], target, blurred, generator())
    parts = (term, pixel_loss(outputs, target))
    ours, pixels = (torch.cat([g.flatten() for g in gradients(p, network)]) for p in parts)
    assert 0 < ours.norm() < 0.01 * pixels.norm()


def test_by_itself_it_leaves_the_sharp_images_too(network: Tiny) -> None:
    """Near the identity the denominator is what gives way; the documentation warns of it."""
    with torch.no_grad():
        network.body[2].weight *= 0.1
        network.body[2].bias *= 0.1
    target, blurred = scene()
    before = distances(network, target, blurred)

    def loss() -> Tensor:
        return EFCR(beta=1)(network, network(blurred)[-1], target, blurred, generator())

    values = descend(network, loss, steps=20, rate=0.02)
    assert values[-1] < values[0]
    assert distances(network, target, blurred)[0] > before[0]


def test_the_pixel_loss_looks_at_the_finest_output() -> None:
    target = torch.rand(2, 1, 8, 8)
    coarse = torch.rand(2, 1, 4, 4)
    assert pixel_loss([coarse, target + 0.25], target).item() == pytest.approx(0.25)


def test_an_odd_crop(network: Tiny) -> None:
    target, blurred = (t[..., :31, :29] for t in scene())
    value = EFCR()(network, network(blurred)[-1], target, blurred, generator())
    assert torch.isfinite(value)
    assert haar(target)[0].shape[-2:] == (16, 15)


def test_what_makes_no_sense_is_refused(network: Tiny) -> None:
    target, blurred = scene()
    output = network(blurred)[-1]
    batch = (network, output, target, blurred, generator())
    with pytest.raises(ValueError, match="without their blurred"):
        EFCR()(*batch, extra_target=target)
    with pytest.raises(ValueError, match="switched off"):
        EFCR(extended=False)(*batch, extra_blurred=blurred)
    with pytest.raises(ValueError, match="same length"):
        EFCR()(*batch, extra_blurred=blurred[:1])
    with pytest.raises(ValueError, match="cannot be compared"):
        pixel_loss([output], target[..., :-1])
    for wrong in ({"sizes": (4,)}, {"sizes": ()}, {"sigma": 0}, {"beta": -1}, {"norms": "sum"}):
        with pytest.raises(ValidationError):
            EFCR(**wrong)
