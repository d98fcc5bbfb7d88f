"""Stands in for `dgno-train` in tests of the Train panel: same files, no training.

    python fake_training.py CONFIG.yaml [--resume]

What it does is in the environment variable ``DGNO_FAKE``, as JSON: `steps`, `delay` (seconds a
step), `fail` (a sentence, after three steps), `crash` (a traceback), `deaf` (to wishes to stop),
`hold` (wait after this step until there is a file ``go``).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dgno_core.training.events import (
    CheckpointSaved,
    PictureSaved,
    StepDone,
    TrainEvent,
    TrainFinished,
    TrainStarted,
    TrainStopped,
    Validated,
)
from dgno_core.training.runs.files import BEST, CHECKPOINT, LOG, PICTURES, STOP
from dgno_core.training.runs.lock import is_stop_requested, run_lock

WEIGHTS = Path(__file__).parents[2] / "src/dgno_core/weights/dgno-cell-small.safetensors"
EVERY = 4


def main() -> None:
    """Pretend to train in the folder of the config."""
    wishes = {"steps": 8, "delay": 0.05} | json.loads(os.environ.get("DGNO_FAKE", "{}"))
    folder = Path(sys.argv[1]).parent
    if wishes.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (folder / STOP).unlink(missing_ok=True)
    with run_lock(folder), (folder / LOG).open("a") as log:
        train(folder, wishes, log, resume="--resume" in sys.argv)


def train(folder: Path, wishes: dict[str, Any], log: Any, *, resume: bool) -> None:
    """Write the files and events of a run."""

    def tell(event: TrainEvent) -> None:
        log.write(event.to_json() + "\n")
        log.flush()

    last, total = folder / CHECKPOINT, wishes["steps"]
    step = int(last.read_text()) if resume else 0
    tell(TrainStarted(step, total, 1, 7, 2, "cpu", folder, ("plane 2 is in best focus.",)))
    while step < total:
        time.sleep(wishes["delay"])
        step += 1
        tell(StepDone(step, total, loss=1 / step, lr=1e-3, seconds=0.05, waited=0))
        if step == 3 and wishes.get("fail"):
            print(f"dgno-train: {wishes['fail']}", file=sys.stderr)
            sys.exit(2)
        if step == 3 and wishes.get("crash"):
            raise RuntimeError(wishes["crash"])
        if step % EVERY == 0 or step == total:
            save_weights(folder, "best", step, total, validated=step, psnr=20.0 + step)
            tell(Validated(step, blurred=20.0, psnr=20.0 + step, ssim=0.5, is_best=True))
            for number in (1, 2):
                path = folder / PICTURES / f"{number}-step-{step:06d}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(np.full((16, 56), 10 * step % 256, np.uint8)).save(path)
                tell(PictureSaved(step, path))
        while step == wishes.get("hold") and not (folder / "go").exists():
            time.sleep(0.02)
        asked = is_stop_requested(folder) and not wishes.get("deaf")
        if asked or step % EVERY == 0:
            part = last.with_suffix(".part")
            part.write_text(str(step))
            part.replace(last)  # whole, also when it is killed now
            tell(CheckpointSaved(step, last))
        if asked and step < total:
            weights = folder / f"{folder.name}.safetensors"
            if step < EVERY:
                save_weights(folder, folder.name, step, total)
            tell(TrainStopped(step, total, "as asked", weights))
            return
    weights = save_weights(folder, folder.name, step, total, validated=step, psnr=20.0 + step)
    tell(TrainFinished(step, weights, folder / BEST))


def save_weights(folder: Path, stem: str, step: int, total: int, **validation: float) -> Path:
    """Write weights with the card of this run; without `validation`, none has seen them."""
    from dgno_core.models.card import TrainingProgress, read_card_file, replace_card

    path = folder / f"{stem}.safetensors"
    shutil.copyfile(WEIGHTS, path)
    progress = TrainingProgress(step=step, steps=total, **validation)
    replace_card(path, read_card_file(path).changed(name=folder.name, progress=progress))
    return path


if __name__ == "__main__":
    main()
