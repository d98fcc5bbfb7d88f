"""A training step of the small network: what the compiled scan and bfloat16 save, in one run.

The settings take turns, so that a busy machine slows all of them; times are of one thread's
processor time, and only their ratios mean anything elsewhere.

    python benchmarks/training_step.py
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch

from dgno_core.encoders.attentive_scan import use_backend
from dgno_core.losses import multiscale_loss
from dgno_core.models import build_model
from dgno_core.models.network import Network
from dgno_core.numerics.scan import ScanBackend

SETTINGS: tuple[tuple[str, ScanBackend, bool], ...] = (
    ("chunked scan, fp32", "chunked", False),
    ("compiled scan, fp32", "compiled", False),
    ("chunked scan, bf16", "chunked", True),
    ("compiled scan, bf16", "compiled", True),
)


def step_seconds(
    network: Network, batch: torch.Tensor, backend: ScanBackend, *, bf16: bool
) -> float:
    """Processor time of a forward and a backward pass."""
    use_backend(network, backend)
    network.zero_grad(set_to_none=True)
    began = time.thread_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        outputs = network(batch)
    multiscale_loss([output.float() for output in outputs], batch).backward()
    return time.thread_time() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=128)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = build_model("dgno-cell-small").train()
    batch = torch.rand(arguments.batch, 1, arguments.crop, arguments.crop)
    times: dict[str, list[float]] = {name: [] for name, *_ in SETTINGS}
    for _ in range(arguments.rounds + 1):
        for name, backend, bf16 in SETTINGS:
            times[name].append(step_seconds(network, batch, backend, bf16=bf16))
    # The first round compiles and warms up.
    medians = {name: median(found[1:]) for name, found in times.items()}
    slowest = medians[SETTINGS[0][0]]
    print("| setting | seconds a step | times as fast |\n|---|---|---|")
    for name, seconds in medians.items():
        print(f"| {name} | {seconds:.2f} | {slowest / seconds:.2f} |")


if __name__ == "__main__":
    main()
