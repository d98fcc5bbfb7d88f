from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.models import build_model
from dgno_core.training import load_config
from dgno_core.training.runs.files import CHECKPOINT
from dgno_core.training.state import TrainState


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_that_would_run_code_is_refused_in_one_sentence(
    config_file: Path, tmp_path: Path
) -> None:
    config = load_config(config_file)
    state = TrainState(build_model(config.model), config.optim)
    marker = tmp_path / "executed"
    (tmp_path / CHECKPOINT).write_bytes(pickle.dumps(Payload(marker)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DGNOError, match="is damaged; start again in another folder"):
            state.load(tmp_path, config, torch.device("cpu"))
    assert not marker.exists()
