"""The table and the pictures of docs/fine-tuning.md, from a finished run.

python docs/scripts/fine_tune.py RUN OUT_FOLDER

RUN is the folder of `dgno-train docs/scripts/fine-tune.yaml --set "data.stacks=[STACK]"`.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from dgno_core import load_model
from dgno_core.training import TrainConfig
from dgno_core.training.sources import open_data
from dgno_core.training.validation import psnr, validate

GAP = 6
SHOWN = (-8, -4, 4, 8)
CPU = torch.device("cpu")


def rows_of(run: Path) -> list[dict[str, str]]:
    """Validations of a run."""
    with (run / "log.csv").open() as table:
        return [row for row in csv.DictReader(table) if row["psnr"]]


def last_weights(run: Path, name: str) -> Path:
    """Weights of the last step; those of the best validation were chosen on the rows reported."""
    path = run / f"{name}.safetensors"
    if not path.is_file():
        sys.exit(f"There is no {path}: let the run end, with dgno-train --resume if it stopped.")
    return path


def depth_of(pair: str) -> int:
    """Planes from focus, by the name of a pair: -3 for `stack, z 5 to 8`."""
    blurred, sharp = map(int, re.findall(r"z (\d+) to (\d+)$", pair)[0])
    return blurred - sharp


def plot_curve(run: Path, start: float, blurred: float, path: Path) -> None:
    """Plot PSNR on the lower half against the steps on the upper one."""
    figure = Figure(figsize=(6, 3.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    points = rows_of(run)
    steps = [0, *(int(row["step"]) for row in points)]
    axes.plot(steps, [start, *(float(row["psnr"]) for row in points)], "o-", ms=3, label="restored")
    axes.axhline(start, color="tab:grey", ls="--", label="packaged weights")
    axes.axhline(blurred, color="tab:red", ls=":", label="blurred")
    axes.set(xlabel="steps on the upper half", ylabel="PSNR on the lower half (dB)")
    axes.legend(frameon=False)
    figure.savefig(path)


def plot_planes(depths: NDArray[np.int_], scores: dict[str, list[float]], path: Path) -> None:
    """Plot PSNR of every plane, before and after."""
    figure = Figure(figsize=(6, 3.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    for name, style in (("blurred", "r:"), ("packaged", "--"), ("tuned", "-")):
        axes.plot(depths, scores[name], style, marker="o", ms=3, label=name)
    axes.set(
        xlabel="planes from focus", ylabel="PSNR on the lower half (dB)", xticks=range(-9, 10, 3)
    )
    axes.legend(frameon=False)
    figure.savefig(path)


def strip(images: list[Tensor], low: float, high: float) -> NDArray[np.uint8]:
    """Images side by side, in one contrast."""
    parts = []
    for image in images:
        levels = ((image[0] - low) / (high - low)).clamp(0, 1).mul(255).round()
        parts += [levels.to(torch.uint8).numpy(), np.full((image.shape[1], GAP), 255, np.uint8)]
    return np.concatenate(parts[:-1], axis=1)


def main() -> None:
    """Score packaged and tuned weights on the rows that did not train."""
    run, out = map(Path, sys.argv[1:])
    config = TrainConfig.model_validate_json((run / "config.json").read_text())
    held_out = open_data(config).held_out
    restored = {
        name: [image for _, image in validate(load_model(path, "cpu"), held_out, CPU)]
        for name, path in (("packaged", config.start), ("tuned", last_weights(run, config.name)))
    }
    scores = {"blurred": [psnr(image.blurred, image.sharp) for image in held_out]}
    for name, images in restored.items():
        scores[name] = [psnr(o, i.sharp) for o, i in zip(images, held_out, strict=True)]
    depths = np.array([depth_of(image.name) for image in held_out])
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    print(json.dumps({name: round(value, 2) for name, value in means.items()}))
    for depth, *values in zip(depths, *scores.values(), strict=True):
        print(f"| {depth:+d} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    plot_curve(run, means["packaged"], means["blurred"], out / "fine-tuning-curve.png")
    plot_planes(depths, scores, out / "fine-tuning-planes.png")
    low, high = (float(held_out[0].sharp.quantile(q)) for q in (0.001, 0.999))
    strips = []
    for number in (n for depth in SHOWN for n in np.flatnonzero(depths == depth)):
        image = held_out[number]
        four = [image.blurred, restored["packaged"][number], restored["tuned"][number], image.sharp]
        strips.append(strip(four, low, high))
    width = min(part.shape[1] for part in strips)
    gap = np.full((GAP, width), 255, np.uint8)
    stacked = [part for one in strips for part in (one[:, :width], gap)][:-1]
    Image.fromarray(np.concatenate(stacked)).save(out / "fine-tuning.png")


if __name__ == "__main__":
    main()
