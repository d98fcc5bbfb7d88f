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
import socket
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

WEIGHTS = Path(__file__).parents[2] / "src/dgno_core/weights/dgno-cell-small.safetensors"
EVERY = 4


def main() -> None:
    """Pretend to train in the folder of the config."""
    wishes = {"steps": 8, "delay": 0.05} | json.loads(os.environ.get("DGNO_FAKE", "{}"))
    folder = Path(sys.argv[1]).parent
    if wishes.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    me = psutil.Process()
    claim = {"pid": me.pid, "started": me.create_time(), "host": socket.gethostname()}
    (folder / "stop").unlink(missing_ok=True)
    (folder / "running.json").write_text(json.dumps(claim))
    with (folder / "log.jsonl").open("a") as log:
        try:
            train(folder, wishes, log, resume="--resume" in sys.argv)
        finally:
            (folder / "running.json").unlink()
            (folder / "stop").unlink(missing_ok=True)


def train(folder: Path, wishes: dict[str, Any], log: Any, *, resume: bool) -> None:
    """Write the files and events of a run."""

    def tell(kind: str, **values: Any) -> None:
        log.write(json.dumps({"event": kind, **values}) + "\n")
        log.flush()

    last, total = folder / "last.pt", wishes["steps"]
    step = int(last.read_text()) if resume else 0
    tell(
        "TrainStarted", step=step, total=total, parameters=1, images=7, held_out=2, device="cpu",
        out=str(folder), notes=["plane 2 is in best focus."],
    )  # fmt: skip
    while step < total:
        time.sleep(wishes["delay"])
        step += 1
        tell("StepDone", step=step, total=total, loss=1 / step, lr=1e-3, seconds=0.05, waited=0)
        if step == 3 and wishes.get("fail"):
            print(f"dgno-train: {wishes['fail']}", file=sys.stderr)
            sys.exit(2)
        if step == 3 and wishes.get("crash"):
            raise RuntimeError(wishes["crash"])
        if step % EVERY == 0 or step == total:
            save_weights(folder, "best", step, total, validated=step, psnr=20.0 + step)
            tell("Validated", step=step, blurred=20.0, psnr=20.0 + step, ssim=0.5, is_best=True)
            for number in (1, 2):
                path = folder / "pictures" / f"{number}-step-{step:06d}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(np.full((16, 56), 10 * step % 256, np.uint8)).save(path)
                tell("PictureSaved", step=step, path=str(path))
        while step == wishes.get("hold") and not (folder / "go").exists():
            time.sleep(0.02)
        asked = (folder / "stop").exists() and not wishes.get("deaf")
        if asked or step % EVERY == 0:
            part = last.with_suffix(".part")
            part.write_text(str(step))
            part.replace(last)  # whole, also when it is killed now
            tell("CheckpointSaved", step=step, path=str(last))
        if asked and step < total:
            if step < EVERY:
                save_weights(folder, folder.name, step, total)
            tell("TrainStopped", step=step, total=total, reason="as asked")
            return
    weights = save_weights(folder, folder.name, step, total, validated=step, psnr=20.0 + step)
    tell("TrainFinished", step=step, path=str(weights), best=str(folder / "best.safetensors"))


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
