"""Peak memory of restoring stacks of growing depth, streamed from file to file.

    python benchmarks/memory.py                        8 and 32 planes of 1024 x 1024, uint16
    python benchmarks/memory.py --planes 200 --log run.log

Each run is a process of its own, whose peak resident memory the system reports. Flat memory means
that a stack need not fit into memory: only its depth changes from row to row.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = {"tif": "OME-TIFF", "zarr": "OME-Zarr"}


def write_stack(path: Path, planes: int, size: int) -> None:
    """Write a synthetic stack of blurred spots, one plane at a time."""
    from dgno_core.io import ImageSource, open_sink

    class Promised:
        """The shape of a stack whose planes do not exist yet."""

        shape, dtype = (planes, size, size), np.dtype(np.uint16)

        def __getitem__(self, index: Any) -> Any:
            raise NotImplementedError

    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    sink = open_sink(path, ImageSource(Promised(), "ZYX"), np.uint16)
    for z in range(planes):
        spots = np.sin(x / (9 + z % 7)) * np.sin(y / (11 + z % 5)) + 1
        sink.write((z, slice(None), slice(None)), rng.poisson(400 * spots + 100).astype(np.uint16))
    sink.close()


def peak_bytes() -> int:
    """Return the peak resident memory of this process."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux it begins with what the parent process had at its peak.
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure(settings: dict[str, Any]) -> dict[str, Any]:
    """Restore one stack in this process; log a line for each plane."""
    from dgno_core.inference import (
        PlaneRestored,
        RestoreConfig,
        Restored,
        RestoreStarted,
        RestoreWarned,
        restore_events,
    )
    from dgno_core.io import open_sink, read_image

    source = read_image(settings["input"])
    model = None
    if settings["untrained"]:
        from dgno_core.models import ModelCard, build_model

        model = build_model(settings["untrained"])
        model.card = ModelCard(name=settings["untrained"], config=model.config)
    config = RestoreConfig(
        model=settings["model"], device=settings["device"], tile=settings["tile"]
    )
    sink = open_sink(settings["output"], source, source.dtype)
    started = time.perf_counter()
    for event in restore_events(source, config, sink=sink, model=model):
        line: Any = None
        match event:
            case RestoreStarted():
                line = event
            case RestoreWarned():
                line = event.message
            case PlaneRestored():
                seconds = time.perf_counter() - started
                line = f"plane {event.done}/{event.total}  {seconds:.1f} s  "
                line += f"peak {peak_bytes() / 2**20:.0f} MB"
            case Restored():
                line = event.provenance.command
        if line is not None:
            print(line, file=sys.stderr, flush=True)
    return {"peak": peak_bytes(), "seconds": time.perf_counter() - started}


def run(planes: int, suffix: str, arguments: argparse.Namespace, log: Any) -> dict[str, Any]:
    """Measure one stack in a fresh process."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        stack = Path(folder, f"in.{suffix}")
        write_stack(stack, planes, arguments.size)
        settings = {
            "input": str(stack),
            "output": str(Path(folder, f"out.{suffix}")),
            "model": arguments.model,
            "untrained": arguments.untrained,
            "device": arguments.device,
            "tile": arguments.tile,
        }
        done = subprocess.run(
            [sys.executable, __file__, "--one", json.dumps(settings)],
            stdout=subprocess.PIPE, stderr=log, text=True, check=True,
        )  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Peak memory by number of planes.")
    parser.add_argument("--planes", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--size", type=int, default=1024, help="edge of a plane in pixels")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=list(FORMATS))
    parser.add_argument("--model", default="auto")
    parser.add_argument("--untrained", help="an architecture with random weights instead")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tile", type=int)
    parser.add_argument("--log", type=Path, help="append the progress of every run to this file")
    parser.add_argument("--folder", type=Path, help="where to put the stacks for the time being")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(json.loads(arguments.one))))
        return
    print("| planes | format | size on disk (MB) | peak memory (MB) | s per plane |")
    print("|---|---|---|---|---|", flush=True)
    with open(arguments.log or os.devnull, "a") as log:
        for suffix in arguments.formats:
            for planes in arguments.planes:
                result = run(planes, suffix, arguments, log)
                megabytes = planes * arguments.size**2 * 2 / 2**20
                print(
                    f"| {planes} | {FORMATS[suffix]} | {megabytes:.0f} "
                    f"| {result['peak'] / 2**20:.0f} | {result['seconds'] / planes:.1f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
