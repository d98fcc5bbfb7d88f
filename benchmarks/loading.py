"""Share of a training step that waits for data, with and without loading processes.

    python benchmarks/loading.py [--steps N] [--workers 0 2]

A made-up set of sharp images, blurred anew for every crop, and the small network: the case in
which the preparation of a batch costs most beside the step. The shares are of one run each; the
machine should be quiet. The first steps, in which the processes start, do not count.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import yaml
from skimage.io import imsave

from dgno_core.training import load_config, train_events
from dgno_core.training.events import StepDone

WARM = 3


def write_run(folder: Path, steps: int, workers: int) -> Path:
    """A run of the small network on a few noisy 512 x 512 images."""
    rng = np.random.default_rng(0)
    names = [f"{number}.png" for number in range(4)]
    for name in names:
        image = rng.integers(0, 65535, (512, 512), np.uint16)
        imsave(folder / name, image, check_contrast=False)
    (folder / "list.txt").write_text("\n".join(names))
    config = {
        "name": "loading",
        "out": f"run-{workers}",
        "model": "dgno-cell-small",
        "data": {"kind": "synthetic", "root": ".", "sources": [{"list": "list.txt"}]},
        "steps": WARM + steps,
        "validation": {"every": 10**6, "images": 1},
        "engine": {"workers": workers, "tensorboard": False},
    }
    path = folder / f"{workers}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def waiting(folder: Path, steps: int, workers: int) -> dict[str, float]:
    """Seconds of the steps and of waiting, summed over a run."""
    config = load_config(write_run(folder, steps, workers))
    done: list[StepDone] = []
    run = train_events(config)
    for event in run:
        if isinstance(event, StepDone):
            done.append(event)
            if len(done) == WARM + steps:
                break
    run.close()
    seconds = sum(event.seconds for event in done[WARM:])
    waited = sum(event.waited for event in done[WARM:])
    return {
        "workers": workers,
        "seconds a step": round(seconds / steps, 3),
        "share waiting, %": round(100 * waited / seconds, 2),
    }


def main() -> None:
    """Print one line of JSON for each number of loading processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for workers in arguments.workers:
            print(json.dumps(waiting(Path(folder), arguments.steps, workers)), flush=True)


if __name__ == "__main__":
    main()
