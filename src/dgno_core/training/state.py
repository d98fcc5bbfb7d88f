"""All that a run must remember to go on exactly where it stopped, and its file."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dgno_core.errors import DGNOError
from dgno_core.training.config import OptimConfig, TrainConfig
from dgno_core.training.runs.files import CHECKPOINT


class TrainState:
    """Network, averaged network, optimiser and the number of steps done.

    The batches are a function of the seed and the step, so no loader state is kept.

    Parameters
    ----------
    model : nn.Module
        The network, on its device.
    optim : OptimConfig
        Settings of the optimiser.

    Attributes
    ----------
    step : int
        Steps done.
    validated : int
        Step of the last validation.
    skipped : int
        Steps in a row whose gradient was not finite, for fp16 only.
    best : float
        Highest validation PSNR so far, in dB.
    loss_scale : dict
        State of the loss scaling, for fp16 only.
    start : dict
        Name, hash, data and licences of the weights that the run started from; may be empty.
    scores : dict
        Of the last validation.
    history : list of dict
        ``{"up to step": n, "recipe": {...}}`` for every recipe before the present one.
    """

    def __init__(self, model: nn.Module, optim: OptimConfig) -> None:
        self.model = model
        self.average = copy.deepcopy(model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            model.parameters(), lr=optim.lr, betas=optim.betas, weight_decay=optim.weight_decay
        )
        self.step = 0
        self.validated = 0
        self.skipped = 0
        self.best = -math.inf
        self.loss_scale: dict[str, Any] = {}
        self.start: dict[str, Any] = {}
        self.scores: dict[str, float] = {}
        self.history: list[dict[str, Any]] = []

    def update_average(self, decay: float) -> None:
        """Move the averaged weights towards the network's; quickly at first."""
        share = 1 - min(decay, (1 + self.step) / (10 + self.step)) if decay else 1.0
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        with torch.no_grad():
            for average, current in pairs:
                average.lerp_(current, share)

    def save(self, folder: Path, config: TrainConfig) -> Path:
        """Write ``last.pt`` atomically: a reader finds the old file or the new one, whole.

        Raises
        ------
        DGNOError
            If the file cannot be written; the checkpoint before it stays.
        """
        content = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "validated": self.validated,
            "skipped": self.skipped,
            "best": self.best,
            "loss_scale": self.loss_scale,
            "scores": self.scores,
            "start": json.dumps(self.start),
            "history": json.dumps(self.history),
            "config": json.dumps({"model": config.model.model_dump(), "recipe": config.recipe}),
        }
        path = folder / CHECKPOINT
        part = path.with_suffix(".part")
        try:
            with part.open("wb") as handle:
                torch.save(content, handle)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(part, path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as the latter
            with contextlib.suppress(OSError):
                part.unlink()
            if not folder.is_dir():
                raise DGNOError(f"The folder {folder} of the run is gone; start again.") from error
            then = "resume" if path.exists() else "start again"
            raise DGNOError(
                f"The checkpoint {path} cannot be written; free some space on the disk, then "
                f"{then}."
            ) from error
        return path

    def load(self, folder: Path, config: TrainConfig, device: torch.device) -> None:
        """Take up the state in ``last.pt``; a recipe that has changed goes into the history.

        Raises
        ------
        DGNOError
            If there is none, it is damaged, or it is of another network.
        """
        path = folder / CHECKPOINT
        try:
            with warnings.catch_warnings():
                # PyTorch warns of pickles that are not its own; they are refused in one sentence.
                warnings.simplefilter("ignore", UserWarning)
                content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
            before = json.loads(content["config"])
            if before["model"] != json.loads(config.model.model_dump_json()):
                raise DGNOError(
                    f"The checkpoint {path} is of another network than the config describes; "
                    "start again in another folder."
                )
            self.model.load_state_dict(content["model"])
            self.average.load_state_dict(content["average"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.step = int(content["step"])
            self.validated = int(content["validated"])
            self.skipped = int(content["skipped"])
            self.best = float(content["best"])
            self.loss_scale = dict(content["loss_scale"])
            self.scores = dict(content["scores"])
            self.start = json.loads(content["start"])
            self.history = json.loads(content["history"])
            if before["recipe"] != config.recipe:
                self.history.append({"up to step": self.step, "recipe": before["recipe"]})
        except FileNotFoundError as error:
            raise DGNOError(
                f"There is no checkpoint {path} to resume from; start without --resume."
            ) from error
        except KeyError as error:
            raise DGNOError(
                f"The checkpoint {path} was written by another version of this program, which does "
                "not know what it lacks; go on with that version, or start again from the weights "
                f"beside it (start: {folder / 'best.safetensors'})."
            ) from error
        except (
            OSError,
            RuntimeError,
            ValueError,
            EOFError,
            pickle.UnpicklingError,
        ) as error:
            raise DGNOError(
                f"The checkpoint {path} is damaged; start again in another folder."
            ) from error
