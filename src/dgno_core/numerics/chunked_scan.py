r"""Chunked two-pass selective scan in plain PyTorch, with its own backward.

The L steps are cut into K chunks of c steps. Pass 1 runs all chunks at once from a zero state;
K short steps then carry the true state from chunk to chunk; pass 2 runs the chunks again from
their true start and emits y. Nothing is divided by a decay, so large steps are safe, and nothing
of size (L, d, n) is kept: the graph holds the inputs and one state every `_BLOCK` steps, and the
backward recomputes one block of states at a time.

Symbols: :math:`x_t = \Delta_t u_t` the input of a step, :math:`a_t = e^{\Delta_t A}` its decay,
``S`` the states ``(M, n, d)`` of the M = batch K chunks that run side by side (d innermost, so
that one step is a few vectorised operations), ``lam`` the adjoint of S.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# One step should work on tens of thousands of numbers: fewer and call overhead rules,
# more and the state leaves the processor's cache.
_NUMBERS_PER_STEP = 131072
_BLOCK = 16


def chunk_length(batch: int, length: int, d: int, n: int) -> int:
    """Steps in a chunk, a multiple of the block length.

    Parameters
    ----------
    batch, length, d, n : int
        Sizes of the scan.

    Returns
    -------
    int
        c; one chunk (c >= length) where the batch alone fills a step.
    """
    chunks = max(1, _NUMBERS_PER_STEP // (batch * d * n))
    if chunks <= 2:
        # Two chunks cost two passes: as much work as one chunk in half as many, larger steps.
        chunks = 1
    steps = -(-length // min(chunks, max(1, int(length**0.5))))
    return -(-steps // _BLOCK) * _BLOCK


def chunked_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Selective scan of channels-last tensors on any device and in any floating dtype.

    Parameters
    ----------
    u, delta : Tensor
        ``(batch, L, d)``.
    A : Tensor
        ``(d, n)``.
    B, C : Tensor
        ``(batch, L, n)``.
    D : Tensor
        ``(d,)``.

    Returns
    -------
    Tensor
        ``(batch, L, d)``.
    """
    y: Tensor = _ChunkedScan.apply(u, delta, A, B, C)  # type: ignore[no-untyped-call]
    return y + D * u


def _to_chunks(x: Tensor, c: int) -> Tensor:
    """``(batch, L, f)`` to ``(c, batch K, f)``: time first, zeros appended to full chunks."""
    batch, length, f = x.shape
    k = -(-length // c)
    if k * c != length:
        x = torch.nn.functional.pad(x, (0, 0, 0, k * c - length))
    return x.reshape(batch * k, c, f).transpose(0, 1).contiguous()


def _from_chunks(x: Tensor, batch: int, length: int) -> Tensor:
    """Inverse of `_to_chunks`."""
    c, m, f = x.shape
    return x.transpose(0, 1).reshape(batch, m // batch * c, f)[:, :length]


def _carry(local: Tensor, decay: Tensor, batch: int, *, reverse: bool) -> Tensor:
    """State that enters each chunk, from the chunks' own ends and their total decays."""
    local, decay = (t.view(batch, -1, *t.shape[1:]) for t in (local, decay))
    entering = torch.zeros_like(local)
    k = local.shape[1]
    order = range(k - 1, 0, -1) if reverse else range(k - 1)
    for i in order[:1] if local.is_meta else order:
        into = i - 1 if reverse else i + 1
        entering[:, into] = torch.addcmul(local[:, i], decay[:, i], entering[:, i])
    return entering.flatten(0, 1)


class _ChunkedScan(torch.autograd.Function):
    """y_t = C_t h_t; the skip through D is left to autograd."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        batch, length, d = u.shape
        n = A.shape[1]
        c = chunk_length(batch, length, d, n)
        At = A.t().contiguous()
        dt, b, cc = (_to_chunks(t, c) for t in (delta, B, C))
        x = _to_chunks(delta * u, c)
        m = dt.shape[1]
        # Without numbers (meta device) all steps are alike: one shows what they allocate.
        steps = range(1 if u.is_meta else c)

        start = dt.new_zeros(m, n, d)
        decay = None
        if m > batch:
            local = torch.zeros_like(start)
            for t in steps:
                local.mul_(torch.exp_(dt[t, :, None] * At))
                local.addcmul_(b[t, :, :, None], x[t, :, None])
            decay = torch.exp_(dt.sum(0)[:, None] * At)
            start = _carry(local, decay, batch, reverse=False)

        keep = any(ctx.needs_input_grad)
        y = torch.empty_like(dt)
        saved = dt.new_empty(c // _BLOCK, m, n, d) if keep else None
        state, product = start, torch.empty_like(start)
        for t in steps:
            if saved is not None and t % _BLOCK == 0:
                saved[t // _BLOCK] = state
            state.mul_(torch.exp_(dt[t, :, None] * At))
            state.addcmul_(b[t, :, :, None], x[t, :, None])
            # Not a batched product: many tiny matrices are several times slower.
            torch.sum(torch.mul(state, cc[t, :, :, None], out=product), 1, out=y[t])
        if keep:
            ctx.save_for_backward(u, delta, A, B, C, saved)
            ctx.chunk = c
        return _from_chunks(y, batch, length)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, ...]:
        u, delta, A, B, C, saved = ctx.saved_tensors
        batch, length, d = u.shape
        n, c = A.shape[1], ctx.chunk
        At = A.t().contiguous()
        dt, b, cc, gy = (_to_chunks(t, c) for t in (delta, B, C, gy))
        x = _to_chunks(delta * u, c)
        m = dt.shape[1]

        # `flow` is the adjoint that crosses from a step to the one before it: a_t lam_t.
        flow = dt.new_zeros(m, n, d)
        if m > batch:
            local = torch.zeros_like(flow)
            for t in range(c - 1, -1, -1):
                local.addcmul_(cc[t, :, :, None], gy[t, :, None])
                local.mul_(torch.exp_(dt[t, :, None] * At))
            flow = _carry(local, torch.exp_(dt.sum(0)[:, None] * At), batch, reverse=True)

        gx, gdt, gb, gc = (torch.empty_like(t) for t in (dt, dt, b, cc))
        gAt = torch.zeros_like(At)
        states = dt.new_empty(_BLOCK + 1, m, n, d)
        lam = dt.new_empty(_BLOCK, m, n, d)
        for block in range(c // _BLOCK - 1, -1, -1):
            s = slice(block * _BLOCK, (block + 1) * _BLOCK)
            a = torch.exp_(dt[s, :, None] * At)
            states[0] = saved[block]
            for i, t in enumerate(range(s.start, s.stop)):
                torch.mul(states[i], a[i], out=states[i + 1])
                states[i + 1].addcmul_(b[t, :, :, None], x[t, :, None])
            for i in range(_BLOCK - 1, -1, -1):
                t = s.start + i
                torch.addcmul(flow, cc[t, :, :, None], gy[t, :, None], out=lam[i])
                flow = torch.mul(lam[i], a[i], out=flow)
            gx[s] = (b[s, :, None] @ lam)[:, :, 0]
            gb[s] = (lam @ x[s, :, :, None])[..., 0]
            gc[s] = (states[1:] @ gy[s, :, :, None])[..., 0]
            through_decay = lam.mul_(a).mul_(states[:-1])
            gAt += (through_decay * dt[s, :, None]).sum((0, 1))
            gdt[s] = through_decay.mul_(At).sum(2)

        gx, gdt, gb, gc = (_from_chunks(t, batch, length) for t in (gx, gdt, gb, gc))
        return gx * delta, gdt + gx * u, gAt.t(), gb, gc
