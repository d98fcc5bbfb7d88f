"""Selective scan compiled for this computer's processor, for training on a CPU.

`scan_kernel.cpp` is compiled on first use by the C++ compiler of the computer (``CXX``, else
``c++``), in a second or two, for the states a channel that are asked for; nothing is kept on disk.
Float32 only, and up to 2e-7 equal to the chunked scan.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from dgno_core.errors import DGNOError

CHANNELS = 16  # of a block in `scan_kernel.cpp`
SEGMENT = 64
_SOURCE = Path(__file__).with_name("scan_kernel.cpp")
_COMPILE = ("-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-std=c++17", "-c")
# Linking without -ffast-math: with it, loading the library would flush denormals everywhere.
_LINK = ("-shared", "-fopenmp")


def fits(u: Tensor, *others: Tensor) -> bool:
    """Tell whether the kernel is for these tensors, of which the first is ``(batch, L, d)``."""
    alike = all(t.device.type == "cpu" and t.dtype == torch.float32 for t in (u, *others))
    return alike and u.shape[-1] % CHANNELS == 0


@cache
def scan_library(states: int) -> ctypes.CDLL:
    """Compile the kernel for so many states a channel, and load it.

    Raises
    ------
    DGNOError
        If there is no C++ compiler, or it fails.
    """
    compiler = shutil.which(os.environ.get("CXX", "c++"))
    if compiler is None:
        raise DGNOError(
            "There is no C++ compiler to compile the scan with; install one (on Debian: g++), or "
            "leave out the compiled scan."
        )
    with TemporaryDirectory() as folder:
        built, library = Path(folder) / "scan.o", Path(folder) / "scan.so"
        try:
            for step in (
                (*_COMPILE, f"-DSTATES={states}", str(_SOURCE), "-o", str(built)),
                (*_LINK, str(built), "-o", str(library)),
            ):
                subprocess.run([compiler, *step], check=True, capture_output=True, text=True)
            return ctypes.CDLL(str(library))
        except (OSError, subprocess.CalledProcessError) as error:
            lines = str(getattr(error, "stderr", None) or error).strip().splitlines()
            raise DGNOError(
                f"The C++ compiler {compiler} cannot compile the scan ({lines[0]}); leave out the "
                "compiled scan, or set CXX to a compiler with OpenMP, such as g++."
            ) from error


def compiled_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """Selective scan of channels-last float32 tensors on the CPU.

    Parameters
    ----------
    u, delta : Tensor
        ``(batch, L, d)``, d a multiple of 16.
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

    Raises
    ------
    DGNOError
        If the kernel cannot be compiled.
    ValueError
        If the tensors do not fit together, or are not what the kernel is for.
    """
    (batch, length, d), n = u.shape, A.shape[-1]
    expected = ((batch, length, d), (d, n), (batch, length, n), (batch, length, n))
    if tuple(tuple(t.shape) for t in (delta, A, B, C)) != expected:
        raise ValueError("the tensors of the scan do not have shapes that fit together")
    if not fits(u, delta, A, B, C):
        raise ValueError("the compiled scan takes float32 on the CPU, in multiples of 16 channels")
    y: Tensor = _CompiledScan.apply(u, delta, A, B, C)  # type: ignore[no-untyped-call]
    return y + D * u


class _CompiledScan(torch.autograd.Function):
    """y_t = C_t h_t; the skip through D is left to autograd."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        u, delta, B, C = (t.contiguous() for t in (u, delta, B, C))
        (batch, length, d), n = u.shape, A.shape[1]
        At = A.t().contiguous()
        y = torch.empty_like(u)
        keep = any(ctx.needs_input_grad)
        segments = -(-length // SEGMENT)
        starts = u.new_empty(batch, d // CHANNELS, segments, n, CHANNELS) if keep else None
        _call(scan_library(n).scan_forward, (batch, length, d), u, delta, At, B, C, y, starts)
        if keep:
            ctx.save_for_backward(u, delta, At, B, C, starts)
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor, ...]:
        u, delta, At, B, C, starts = ctx.saved_tensors
        (batch, length, d), n = u.shape, B.shape[2]
        gu, gdt = torch.empty_like(u), torch.empty_like(u)
        gA = u.new_empty(batch, n, d)
        gB, gC = (u.new_empty(d // CHANNELS, batch, length, n) for _ in range(2))
        tensors = (gy.contiguous(), u, delta, At, B, C, starts, gu, gdt, gA, gB, gC)
        _call(scan_library(n).scan_backward, (batch, length, d), *tensors)
        return gu, gdt, gA.sum(0).t(), gB.sum(0), gC.sum(0)


def _call(function: Any, sizes: tuple[int, ...], *tensors: Tensor | None) -> None:
    function(
        *map(ctypes.c_int64, sizes),
        *(ctypes.c_void_p(None if t is None else t.data_ptr()) for t in tensors),
        ctypes.c_int(torch.get_num_threads()),
    )
