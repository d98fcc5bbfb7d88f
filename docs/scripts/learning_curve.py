"""Quality against compute, from the logs of one or several training runs.

python docs/scripts/learning_curve.py OUT.png [LABEL=]RUN[+RUN...] ... [--cores N]

RUN is the folder of a run, or its log.jsonl. ``first+second`` is one curve: the second run began
from the weights of the first, whose compute counts. PSNR is that of the held-out images of each
run, which differ from run to run, so what is drawn is the gain over the blurred images. Within a
run the learning rate falls towards its end, so that a shorter run would have done better at its own
end than a longer one at that point: the curves are lower bounds. A curve is interrupted where the
held-out images were changed during the run.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from dgno_core.training.events import StepDone, Validated
from dgno_core.training.runs.files import LOG
from dgno_core.training.runs.record import read_events

SAME = 0.005  # dB


@dataclass(frozen=True)
class Point:
    """One validation.

    Parameters
    ----------
    hours
        Core-hours of all steps so far.
    step
        Steps so far.
    psnr, blurred
        Of the held-out images in dB, restored and as they are.
    """

    hours: float
    step: int
    psnr: float
    blurred: float

    @property
    def gain(self) -> float:
        """PSNR won, in dB."""
        return self.psnr - self.blurred


def read_run(path: Path, cores: float = 1.0) -> list[Point]:
    """Read the validations of a run.

    A resumed run repeats the steps since its last checkpoint; each step counts once, as it was
    done the last time.
    """
    log = path / LOG if path.is_dir() else path
    seconds: dict[int, float] = {}
    validated: dict[int, tuple[float, float]] = {}
    for event in read_events(log):
        match event:
            case StepDone():
                seconds[event.step] = event.seconds
            case Validated() if math.isfinite(event.psnr):
                validated[event.step] = event.psnr, event.blurred
    points, total, done = [], 0.0, iter(sorted(seconds.items()))
    following = next(done, None)
    for step, scores in sorted(validated.items()):
        while following is not None and following[0] <= step:
            total += following[1]
            following = next(done, None)
        points.append(Point(cores * total / 3600, step, *scores))
    return points


def read_chain(paths: list[Path], cores: float = 1.0) -> list[Point]:
    """Read runs of which each began where the one before it ended."""
    points: list[Point] = []
    for path in paths:
        hours, step = (points[-1].hours, points[-1].step) if points else (0.0, 0)
        points += [
            Point(hours + one.hours, step + one.step, one.psnr, one.blurred)
            for one in read_run(path, cores)
        ]
    return points


def pieces(points: list[Point]) -> list[list[Point]]:
    """Divide a curve where the held-out images changed, as the blurred ones' PSNR tells."""
    found: list[list[Point]] = []
    for point in points:
        if not found or abs(found[-1][-1].blurred - point.blurred) > SAME:
            found.append([])
        found[-1].append(point)
    return found


def last_doubling(points: list[Point]) -> float | None:
    """What the last doubling of the compute has won, in dB; None where nothing tells."""
    same = pieces(points)[-1]
    before = [point for point in same if point.hours <= points[-1].hours / 2]
    return points[-1].gain - before[-1].gain if before else None


def plot(curves: dict[str, list[Point]]) -> Figure:
    """Plot the gain over core-hours, in proportion and by doublings."""
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes in (left, right):
        for label, points in curves.items():
            line = None
            for piece in pieces(points):
                hours, gains = [p.hours for p in piece], [p.gain for p in piece]
                colour = None if line is None else line.get_color()
                name = label if line is None else None
                (line,) = axes.plot(hours, gains, "o-", ms=3, label=name, color=colour)
        axes.grid(alpha=0.3, which="both")
        axes.set_xlabel("core-hours of training")
    left.set_ylabel("gain on held-out images (dB)")
    left.legend(frameon=False)
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter("{x:g}")
    return figure


def main() -> None:
    """Write the picture, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("runs", nargs="+", metavar="[LABEL=]RUN[+RUN...]")
    parser.add_argument("--cores", type=float, default=1.0, help="cores that each run used")
    arguments = parser.parse_args()
    curves = {}
    for text in arguments.runs:
        label, _, paths = text.rpartition("=")
        chain = [Path(path) for path in paths.split("+")]
        points = read_chain(chain, arguments.cores)
        if not points:
            parser.error(f"{paths} holds no validation")
        named = chain[-1] if chain[-1].is_dir() else chain[-1].parent
        curves[label or named.name] = points
    plot(curves).savefig(arguments.out, metadata={"Software": None})
    print("| run | steps | core-hours | blurred dB | restored dB | last doubling dB |")
    print("|---|---:|---:|---:|---:|---:|")
    for label, points in curves.items():
        end, doubling = points[-1], last_doubling(points)
        won = "-" if doubling is None else f"{doubling:+.2f}"
        print(
            f"| {label} | {end.step} | {end.hours:.1f} | {end.blurred:.2f} | {end.psnr:.2f} "
            f"| {won} |"
        )


if __name__ == "__main__":
    main()
