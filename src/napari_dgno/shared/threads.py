"""How many processor threads the panels compute with."""

from __future__ import annotations

import os

from napari_dgno.shared.settings import read_preferences


def take_threads() -> None:
    """Follow the preference, or else take the cores that are free now; for worker threads.

    Each computation asks again: napari stays open for hours, and a machine's load changes.
    """
    from dgno_core.threads import use_threads, wait_asleep

    wait_asleep()
    # Loaded first, so that the number is told to PyTorch and not left in napari's environment,
    # where the next computation would take it for the user's own.
    import torch  # noqa: F401

    use_threads(read_preferences().threads)


def environment_with_threads() -> dict[str, str]:
    """Return the environment of a process that computes with as many threads as the preference."""
    from dgno_core.threads import choose_threads

    return {**os.environ, "OMP_NUM_THREADS": str(choose_threads(read_preferences().threads))}


def environment_of_training() -> dict[str, str]:
    """Return the environment of a process that computes with as many threads as a training does."""
    from dgno_core.threads import choose_training_threads

    count = choose_training_threads(read_preferences().threads)
    return {**os.environ, "OMP_NUM_THREADS": str(count)}
