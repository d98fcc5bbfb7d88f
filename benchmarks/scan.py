"""Selective scan: the chunked two-pass form and the compiled one against a loop, in one run.

python benchmarks/scan.py            # the small network's four levels at 256 x 256 pixels
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from dgno_core.numerics.chunked_scan import chunked_scan
from dgno_core.numerics.compiled_scan import compiled_scan

LEVELS = ((65536, 32), (16384, 64), (4096, 128), (1024, 256))
STATES = 8


def looped_scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor) -> Tensor:
    """The recurrence as it is written: one step after another."""
    state = u.new_zeros(u.shape[0], u.shape[2], A.shape[1])
    y = []
    for t in range(u.shape[1]):
        step = delta[:, t, :, None]
        state = torch.exp(step * A) * state + step * B[:, t, None] * u[:, t, :, None]
        y.append((state * C[:, t, None]).sum(-1))
    return torch.stack(y, 1) + D * u


def seconds(scan: Callable[..., Tensor], inputs: tuple[Tensor, ...], runs: int) -> float:
    """Median wall clock of a call, after one that warms up."""
    scan(*inputs)
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        scan(*inputs)
        times.append(time.perf_counter() - began)
    return median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print("| steps | channels | loop, s | chunked, s | compiled, s | times as fast | differences |")
    print("|---|---|---|---|---|---|---|")
    generator = torch.Generator().manual_seed(0)
    for length, d in LEVELS:
        u = torch.randn(1, length, d, generator=generator)
        delta = torch.rand(1, length, d, generator=generator) * 0.1
        A = -torch.arange(1, STATES + 1.0).repeat(d, 1)
        B, C = torch.randn(2, 1, length, STATES, generator=generator)
        inputs = (u, delta, A, B, C, torch.ones(d))
        with torch.inference_mode():
            forms = (looped_scan, chunked_scan, compiled_scan)
            slow, chunked, compiled = (seconds(scan, inputs, runs) for scan in forms)
            expected = looped_scan(*inputs)
            errors = (float((expected - scan(*inputs)).abs().max()) for scan in forms[1:])
        differences = ", ".join(f"{error:.0e}" for error in errors)
        print(
            f"| {length} | {d} | {slow:.3f} | {chunked:.3f} | {compiled:.3f} | "
            f"{slow / chunked:.1f}, {slow / compiled:.1f} | {differences} |"
        )


if __name__ == "__main__":
    main()
