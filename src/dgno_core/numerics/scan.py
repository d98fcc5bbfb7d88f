r"""Selective scan of the Mamba encoder: public function and choice of backend.

.. math:: h_t = e^{\Delta_t A} h_{t-1} + \Delta_t B_t u_t, \qquad y_t = C_t h_t + D u_t

Symbols: ``L`` steps, ``d`` channels, ``n`` states a channel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

from torch import Tensor

from dgno_core.numerics import compiled_scan
from dgno_core.numerics.chunked_scan import chunked_scan

ScanBackend = Literal["auto", "chunked", "compiled", "mamba"]


@cache
def mamba_kernel() -> Callable[..., Tensor] | None:
    """Kernel of the mamba-ssm package, or None where that is absent or does not load."""
    try:
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn
    except Exception:  # built for another torch, it fails with whatever its binary raises
        return None
    kernel: Callable[..., Tensor] = selective_scan_fn
    return kernel


def choose_backend(u: Tensor) -> Literal["chunked", "mamba"]:
    """Fastest backend for a tensor: mamba-ssm's kernel on CUDA where it is installed.

    Parameters
    ----------
    u : Tensor
        The input of the scan; its device and dtype decide.

    Returns
    -------
    {"chunked", "mamba"}
    """
    kernel_fits = u.is_cuda and u.element_size() <= 4
    return "mamba" if kernel_fits and mamba_kernel() is not None else "chunked"


def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    backend: ScanBackend = "auto",
) -> Tensor:
    """Run the selective scan along the last axis.

    Parameters
    ----------
    u, delta : Tensor
        ``(batch, d, L)``; `delta` positive (after its softplus).
    A : Tensor
        ``(d, n)``, negative.
    B, C : Tensor
        ``(batch, n, L)``, shared by all channels.
    D : Tensor
        ``(d,)``.
    backend : {"auto", "chunked", "compiled", "mamba"}
        "chunked" runs on any device and dtype; "compiled" is compiled on first use for float32 on
        this CPU, and leaves what does not suit it to the former; "mamba" is the kernel of the
        mamba-ssm package (CUDA only); "auto" takes "mamba" where it can, else "chunked".

    Returns
    -------
    Tensor
        ``(batch, d, L)``.

    Raises
    ------
    ImportError
        If "mamba" is asked for and the package is not installed or does not load.
    DGNOError
        If "compiled" is asked for and there is no C++ compiler, or it fails.

    Examples
    --------
    Without decay it sums up what it has read:

    >>> import torch
    >>> from dgno_core.numerics import selective_scan
    >>> u, ones = torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]), torch.ones(1, 1, 4)
    >>> zero = torch.zeros(1)
    >>> y = selective_scan(u, ones, zero[None], ones, ones, zero)
    >>> [round(value, 4) for value in y.flatten().tolist()]
    [1.0, 3.0, 6.0, 10.0]
    """
    last = (0, 2, 1)
    channels_last = (u.permute(last), delta.permute(last), A, B.permute(last), C.permute(last), D)
    return scan_channels_last(*channels_last, backend=backend).permute(last)


def scan_channels_last(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor,
    *,
    backend: ScanBackend = "auto",
) -> Tensor:
    """`selective_scan` for channels-last tensors, the layout in which the encoder works.

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
    backend : {"auto", "chunked", "compiled", "mamba"}
        See `selective_scan`.

    Returns
    -------
    Tensor
        ``(batch, L, d)``.

    Raises
    ------
    ImportError
        If "mamba" is asked for and the package is not installed or does not load.
    DGNOError
        If "compiled" is asked for and there is no C++ compiler, or it fails.
    """
    chosen = choose_backend(u) if backend == "auto" else backend
    if chosen == "compiled" and compiled_scan.fits(u, delta, A, B, C):
        return compiled_scan.compiled_scan(u, delta, A, B, C, D)
    if chosen != "mamba":
        return chunked_scan(u, delta, A, B, C, D)
    kernel = mamba_kernel()
    if kernel is None:
        raise ImportError("mamba-ssm is not installed, or was built for another PyTorch")
    first = (0, 2, 1)
    sequences = (t.permute(first).contiguous() for t in (u, delta))
    matrices = (t.permute(first)[:, None].contiguous() for t in (B, C))
    return kernel(*sequences, A, *matrices, D).permute(first)
