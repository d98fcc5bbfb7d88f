"""How many processor threads the panels compute with."""

from __future__ import annotations

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
