"""Numbers that are no longer finite: stop before they spoil the weights, and keep the evidence."""

from __future__ import annotations

import math
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file

from dgno_core.errors import DGNOError
from dgno_core.training.loader import Batch
from dgno_core.training.state import FILE_NAME


def fault_of(
    value: float, name: str, step: int, batch: Batch, folder: Path, rank: int
) -> DGNOError | None:
    """What is wrong with a step whose number is not finite.

    Parameters
    ----------
    value : float
        The number.
    name : str
        What it is.
    step : int
        Steps done before it.
    batch : Batch
        The batch that gave it; it is saved for inspection.
    folder : Path
        The run's folder.
    rank : int
        Number of this process.

    Returns
    -------
    DGNOError or None
        None if `value` is finite.
    """
    if math.isfinite(value):
        return None
    has_checkpoint = (folder / FILE_NAME).exists()
    process = f"-process-{rank}" if rank else ""
    kept = _save(batch, folder / f"not-finite-step-{step + 1:06d}{process}.safetensors")
    broken = [name for name, tensor in batch.tensors().items() if not tensor.isfinite().all()]
    cause = (
        f"its {' and '.join(broken)} images hold values that are not finite: check the data"
        if broken
        else "lower optim.lr, then " + ("resume" if has_checkpoint else "start again")
    )
    checkpoint = "the last checkpoint is kept" if has_checkpoint else "there is no checkpoint yet"
    return DGNOError(
        f"The {name} is {value} at step {step + 1}; {checkpoint}. The batch {kept}; {cause}."
    )


def _save(batch: Batch, path: Path) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: t.contiguous() for name, t in batch.tensors().items()}, path)
    except (OSError, SafetensorError) as error:
        path.unlink(missing_ok=True)
        return f"could not be saved ({error})"
    return f"is saved as {path}"
