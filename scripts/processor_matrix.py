"""Run the numeric tests as other processors compute, and with several threads.

PyTorch, oneDNN, MKL and numpy choose their kernels by the processor; told to choose those of an
older one, they round as that one does. One table of all settings goes to docs/reliability.md:

    python scripts/processor_matrix.py --page docs/reliability.md     # every setting
    python scripts/processor_matrix.py --once                         # the one that differs most
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("numerics", "layers", "encoders", "models", "losses", "optics")
# Enough for a second run in each test session, in a small part of its time.
ONCE = ("numerics", "layers", "encoders", "losses", "optics", "models/test_released_networks.py")
BEGIN, END = "<!-- processors:begin -->\n", "<!-- processors:end -->"

# What stands for which processor. numpy is built for SSE4.2 at least.
PROCESSORS: dict[str, dict[str, str]] = {
    "SSE4.1": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
    "AVX2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    },
    "this machine's own": {},
}
THREADS = (1, 2, 4)


@dataclass(frozen=True)
class Outcome:
    """How one run ended."""

    processor: str
    threads: int
    passed: int
    failed: tuple[str, ...]
    status: int

    def row(self) -> str:
        """Write a line of the table."""
        names = ", ".join(f"`{name}`" for name in self.failed) or "none"
        return f"| {self.processor} | {self.threads} | {self.passed} | {names} |"


def main() -> int:
    """Run what is asked for; 1 if a test failed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--once", action="store_true", help="only SSE4.1 with two threads")
    options.add_argument("--page", type=Path, help="the page that gets the table")
    options.add_argument("parts", nargs="*", help="folders of tests/")
    chosen = options.parse_args()
    parts = tuple(chosen.parts) or (ONCE if chosen.once else PARTS)
    pairs = [("SSE4.1", 2)] if chosen.once else list(product(PROCESSORS, THREADS))
    outcomes = []
    for processor, threads in pairs:
        outcomes.append(run(processor, threads, parts))
        print(outcomes[-1].row(), flush=True)
    if chosen.page is not None:
        page = chosen.page.read_text(encoding="utf-8")
        chosen.page.write_text(with_section(page, section(outcomes, parts)), "utf-8")
    return int(any(outcome.status for outcome in outcomes))


def run(processor: str, threads: int, parts: tuple[str, ...]) -> Outcome:
    """Run the quick tests of some parts in a process of their own."""
    number = str(threads)
    said = {
        **PROCESSORS[processor],
        "OMP_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "MKL_DYNAMIC": "FALSE",  # else no more threads than cores
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-m", "not slow and not gui and not stardist"),
            *(f"tests/{part}" for part in parts),
        ],
        cwd=ROOT,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        check=False,
    )
    counted = re.search(r"(\d+) passed", done.stdout)
    failed = tuple(re.findall(r"^(?:FAILED|ERROR) tests/(\S+)", done.stdout, re.MULTILINE))
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
    return Outcome(
        processor,
        threads,
        int(counted[1]) if counted else 0,
        failed,
        done.returncode,
    )


def section(outcomes: list[Outcome], parts: tuple[str, ...]) -> str:
    """Write the part of the page."""
    settings = "\n".join(
        f"- **{name}**: " + (", ".join(f"`{k}={v}`" for k, v in values.items()) or "nothing set")
        for name, values in PROCESSORS.items()
    )
    rows = "\n".join(outcome.row() for outcome in outcomes)
    return (
        f"\nThe quick tests of {', '.join(parts)}, with the arithmetic of other processors and "
        "several threads.\n`nox -s tests` runs SSE4.1 with two threads. Made by\n"
        "`python scripts/processor_matrix.py --page docs/reliability.md`.\n\n"
        "| arithmetic of | threads | passed | failed |\n|---|---:|---:|---|\n"
        f"{rows}\n\n{settings}\n"
    )


def with_section(page: str, text: str) -> str:
    """Put the text between its two marks in a page."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"the page has no place for the table, {BEGIN} ... {END}")
    return f"{before}{begin}{text}{end}{after}"


if __name__ == "__main__":
    sys.exit(main())
