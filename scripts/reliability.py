"""Try bad inputs, kills and full disks on the real commands; write docs/reliability.md.

    python scripts/reliability.py [--quick] [--only BATTERY] [--title TEXT] [--jobs N] [--out DIR]

Runs `dgno` and `dgno-train` as they are installed beside this Python, with a tiny model that it
makes, in a temporary folder. Needs Linux; as root, it mounts a small file system for the full
disks and locks folders by a flag, else it limits the size of files and takes permissions away.
Ends with status 1 if anything was not as promised.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batteries.disk import fill_disks
from batteries.inputs import CPU_SECONDS, PEAK_MB, try_inputs
from batteries.kills import kill_restoring, kill_training
from batteries.kit import MODEL, write_model
from batteries.page import failures, insert

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, NUMBERS = "reliability.md", "reliability.json"
BATTERIES = ("inputs", "restoring", "training", "disks")


def main() -> int:
    """Run the batteries and write what came out; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a sample, which writes no page")
    parser.add_argument(
        "--only", action="append", choices=BATTERIES, help="run this one, keep what others found"
    )
    parser.add_argument(
        "--title", action="append", default=[], help="only bad inputs of this title"
    )
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder of the page")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="commands at a time")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tiny model gains nothing by more
    found: dict[str, Any] = {}
    if (options.out / NUMBERS).exists() and not options.quick:
        found = json.loads((options.out / NUMBERS).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="dgno-reliability-") as folder:
        top = Path(folder)
        write_model(top / MODEL)
        for name in ["inputs"] if options.title else options.only or BATTERIES:
            records = run_battery(name, top, options)
            if options.title:
                new = {one["title"]: one for one in records}
                records = [new.get(one["title"], one) for one in found[name]]
            found |= {**about(options.seed), name: records}
            if not options.quick:
                save(found, options.out)
    broken = failures(found)
    for line in broken:
        print(f"NOT AS PROMISED: {line}")
    return 1 if broken else 0


def run_battery(name: str, top: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run one battery in a folder that holds the tiny model, and collect what it found."""
    model, seed, jobs = top / MODEL, options.seed, options.jobs
    restoring, training, sample, disks = (2, 1, 8, 2) if options.quick else (20, 16, None, None)
    batteries: dict[str, Iterator[Any]] = {
        "inputs": try_inputs(top, model, titles=options.title, sample=sample, seed=seed, jobs=jobs),
        "restoring": kill_restoring(top, model, count=restoring, seed=seed, jobs=jobs),
        "training": kill_training(top, count=training, seed=seed, jobs=jobs),
        "disks": fill_disks(top, model, only=disks),
    }
    records = []
    for one in batteries[name]:
        records.append(one.as_json())
        state = f"NOT AS PROMISED ({', '.join(one.broken)})" if one.broken else "as promised"
        title = getattr(one, "title", None) or one.work
        print(f"{name}: {title}: {state}", file=sys.stderr, flush=True)
    return records


def about(seed: int) -> dict[str, Any]:
    """Say what the batteries were run with."""
    import torch

    import dgno_core

    return {
        "version": dgno_core.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "seed": seed,
        "rules": {"cpu_seconds": CPU_SECONDS, "peak_mb": PEAK_MB},
    }


def save(found: dict[str, Any], folder: Path) -> None:
    """Write the page and its numbers."""
    page = folder / PAGE
    page.write_text(insert(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    (folder / NUMBERS).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
