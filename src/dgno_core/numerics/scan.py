r"""Selective scan of the Mamba encoder: public function and choice of backend.

.. math:: h_t = e^{\Delta_t A} h_{t-1} + \Delta_t B_t u_t, \qquad y_t = C_t h_t + D u_t

Symbols: ``L`` steps, ``d`` channels, ``n`` states a channel.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from torch import Tensor

from dgno_core.numerics.chunked_scan import chunked_scan

ScanBackend = Literal["auto", "chunked", "mamba"]


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
    return "mamba" if kernel_fits and find_spec("mamba_ssm") is not None else "chunked"


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
    backend : {"auto", "chunked", "mamba"}
        "chunked" runs on any device and dtype; "mamba" is the kernel of the mamba-ssm package
        (CUDA only); "auto" takes the latter where it can.

    Returns
    -------
    Tensor
        ``(batch, d, L)``.

    Raises
    ------
    ImportError
        If "mamba" is asked for and the package is not installed.
    """
    if backend == "auto":
        backend = choose_backend(u)
    if backend == "mamba":
        from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

        y: Tensor = selective_scan_fn(u, delta, A, B[:, None], C[:, None], D)
        return y
    last = (0, 2, 1)
    return scan_channels_last(
        u.permute(last), delta.permute(last), A, B.permute(last), C.permute(last), D
    ).permute(last)


def scan_channels_last(
    u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor
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

    Returns
    -------
    Tensor
        ``(batch, L, d)``.
    """
    if choose_backend(u) == "mamba":
        last = (0, 2, 1)
        return selective_scan(
            u.permute(last),
            delta.permute(last),
            A,
            B.permute(last),
            C.permute(last),
            D,
            backend="mamba",
        ).permute(last)
    return chunked_scan(u, delta, A, B, C, D)
