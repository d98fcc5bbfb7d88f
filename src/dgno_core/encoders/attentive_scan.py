"""Attentive state-space module of MambaIRv2 (arXiv 2411.15269), the scan of the Mamba encoder.

Pixels are routed to one of T tokens, sorted by token so that alike pixels meet in the scan, and
the token's prompt is added to the scan's output matrix C.
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgno_core.encoders.config import RoutingGradient
from dgno_core.layers.initial import initial
from dgno_core.numerics.precision import in_float32, widen
from dgno_core.numerics.scan import ScanBackend, scan_channels_last


class AttentiveScan(nn.Module):
    """Route, sort, scan, and put back.

    Parameters
    ----------
    channels : int
        C of the ``(B, C, Y, X)`` input and output.
    state : int
        States n of every channel.
    tokens : int
        Number of tokens T.
    rank : int
        Inner rank r of the prompt dictionary.
    routing_noise : bool
        Draw the token from the router's softmax while training (the papers' Gumbel noise)
        instead of taking the likeliest. Never at inference.
    routing_gradient : {"softmax", "gumbel"}
        What the router's gradient differentiates: the softmax of its scores, or of the noisy ones
        from which the token was drawn (the papers' Gumbel-softmax, temperature 1).

    Attributes
    ----------
    backend : {"auto", "chunked", "compiled", "mamba"}
        How the scan is computed; see `selective_scan` and `use_backend`.
    """

    def __init__(
        self,
        channels: int,
        *,
        state: int = 8,
        tokens: int = 64,
        rank: int = 32,
        routing_noise: bool = False,
        routing_gradient: RoutingGradient = "softmax",
    ) -> None:
        super().__init__()
        hidden, dt_rank = 2 * channels, math.ceil(2 * channels / 16)
        self.state, self.dt_rank = state, dt_rank
        self.routing_noise = routing_noise
        self.routing_gradient: RoutingGradient = routing_gradient
        self.backend: ScanBackend = "auto"
        self.tokens = nn.Parameter(torch.empty(tokens, rank).uniform_(-1 / tokens, 1 / tokens))
        self.route = nn.Sequential(
            nn.Linear(channels, channels // 3), nn.GELU(), nn.Linear(channels // 3, tokens)
        )
        self.expand = nn.Conv2d(channels, hidden, 1)
        self.gate = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.select = nn.Linear(hidden, dt_rank + 2 * state, bias=False)
        self.step = nn.Linear(dt_rank, hidden)
        self.A_log = nn.Parameter(
            initial((hidden, state), lambda: torch.arange(1, state + 1.0).log().repeat(hidden, 1))
        )
        self.D = nn.Parameter(torch.ones(hidden))
        self.norm = nn.LayerNorm(hidden)
        self.project = nn.Linear(hidden, channels)
        self._start_steps(hidden)

    def _start_steps(self, hidden: int) -> None:
        """Start values of Mamba: step sizes log-uniform in [1e-3, 1e-1]."""
        nn.init.uniform_(self.step.weight, -(self.dt_rank**-0.5), self.dt_rank**-0.5)

        def inverse_softplus() -> Tensor:
            draw = torch.empty(hidden).uniform_(math.log(1e-3), math.log(1e-1))
            step = draw.exp().clamp_min(1e-4)
            return step + torch.log(-torch.expm1(-step))

        with torch.no_grad():
            self.step.bias.copy_(initial((hidden,), inverse_softplus))

    def categories(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Token of every pixel, and the log-probabilities whose gradient the router gets.

        Parameters
        ----------
        pixels : Tensor
            ``(B, L, C)``.

        Returns
        -------
        category : Tensor
            ``(B, L)``, int64.
        scores : Tensor
            ``(B, L, T)``.
        """
        scores = F.log_softmax(widen(self.route(pixels)), dim=-1)
        if not (self.training and self.routing_noise):
            return scores.detach().argmax(-1), scores
        is_noisy = self.routing_gradient == "gumbel"
        # The largest of the scores with Gumbel noise is a draw from their softmax.
        noise = -torch.empty_like(scores).exponential_().log()
        drawn = (scores if is_noisy else scores.detach()) + noise
        return drawn.detach().argmax(-1), F.log_softmax(drawn, dim=-1) if is_noisy else scores

    def prompts(self, category: Tensor, scores: Tensor, dictionary: Tensor) -> Tensor:
        """Prompt of every pixel, with a straight-through gradient to the router.

        Parameters
        ----------
        category, scores : Tensor
            From `categories`.
        dictionary : Tensor
            ``(T, n)``.

        Returns
        -------
        Tensor
            ``(B, L, n)``.
        """
        prompt = F.embedding(category, dictionary)
        if torch.is_grad_enabled() and scores.requires_grad:
            soft = scores.exp() @ dictionary.detach()
            prompt = prompt + (soft - soft.detach())
        return prompt

    def forward(self, x: Tensor, basis: Tensor) -> Tensor:
        """Scan an image.

        Parameters
        ----------
        x : Tensor
            ``(B, C, Y, X)``, normalised.
        basis : Tensor
            ``(r, n)``: the block's half of the prompt dictionary.

        Returns
        -------
        Tensor
            ``(B, C, Y, X)``.
        """
        b, c, height, width = x.shape
        category, scores = self.categories(x.permute(0, 2, 3, 1).reshape(b, -1, c))
        prompt = self.prompts(category, scores, self.tokens @ basis)
        # The order of equal tokens changes the result: the sort must be stable.
        order = torch.argsort(category, dim=-1, stable=True)

        u = self.expand(x)
        u = u * torch.sigmoid(self.gate(u))
        u = u.permute(0, 2, 3, 1).reshape(b, height * width, -1)
        u = _take(u, order)

        raw, B, C = self.select(u).split([self.dt_rank, self.state, self.state], dim=-1)
        # The prompt stays in raster order while u is sorted: so in both papers' code.
        # The recurrence needs the digits.
        y = in_float32(
            partial(scan_channels_last, backend=self.backend),
            u,
            F.softplus(self.step(raw)),
            -self.A_log.exp(),
            B,
            C + prompt,
            self.D,
        )
        y = self.project(self.norm(y))
        return _put_back(y, order).view(b, height, width, c).permute(0, 3, 1, 2)


def use_backend(network: nn.Module, backend: ScanBackend) -> None:
    """Let every scan of a network be computed in one way; see `selective_scan`."""
    for module in network.modules():
        if isinstance(module, AttentiveScan):
            module.backend = backend


def _take(pixels: Tensor, order: Tensor) -> Tensor:
    """Rows of ``(B, L, f)`` in the given order ``(B, L)``."""
    b, length, f = pixels.shape
    rows = (order + torch.arange(b, device=order.device)[:, None] * length).flatten()
    return pixels.reshape(b * length, f).index_select(0, rows).view(b, length, f)


def _put_back(pixels: Tensor, order: Tensor) -> Tensor:
    """Undo `_take`."""
    positions = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return _take(pixels, torch.empty_like(order).scatter_(1, order, positions))
