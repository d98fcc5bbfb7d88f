"""StarDist and TensorFlow: whether they are here, and importing them quietly, off the GPU."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

from dgno_core.errors import DGNOError
from dgno_core.threads import given_threads

INSTALL = "pip install stardist tensorflow"
NEEDED = {"tensorflow": "TensorFlow", "stardist": "StarDist"}
# Read by TensorFlow when it is loaded. Without oneDNN a small network is as fast, gives the same on
# every processor, and TensorFlow has nothing to announce on the terminal.
QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "KERAS_BACKEND": "tensorflow",
}
_importing = threading.Lock()


def why_unavailable() -> str | None:
    """Say in one sentence what to install if StarDist is missing; at once, without importing it."""
    missing = [title for name, title in NEEDED.items() if not _is_installed(name)]
    if not missing:
        return None
    verb = "are" if len(missing) > 1 else "is"
    return f"Detection needs {' and '.join(missing)}, which {verb} not installed; run: {INSTALL}"


def import_stardist() -> Any:
    """Import `stardist.models`; the first time it takes seconds. Any thread may do it.

    TensorFlow sees no GPU from then on: its first use would take nearly all the memory of the one
    that torch works on.

    Raises
    ------
    DGNOError
        If StarDist or TensorFlow is missing or broken.
    KeyboardInterrupt
        If Ctrl-C was pressed meanwhile, whatever error the libraries made of it.
    """
    if (reason := why_unavailable()) is not None:
        raise DGNOError(reason)
    with _importing, noting_interrupts() as interrupts:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        try:
            import tensorflow as tf

            # Where another program part has used TensorFlow already, it is too late to hide them;
            # `on_cpu` then keeps at least our own work off the GPU.
            with contextlib.suppress(RuntimeError):
                tf.config.set_visible_devices([], "GPU")
            with contextlib.suppress(RuntimeError):
                tf.config.threading.set_intra_op_parallelism_threads(given_threads())
            with suppress_output():
                import stardist.models
        except Exception as error:  # a broken installation raises anything
            if interrupts:
                raise KeyboardInterrupt from error
            raise DGNOError(
                f"StarDist could not be loaded ({_short(error)}); install it again: {INSTALL}"
            ) from error
        return stardist.models


@contextlib.contextmanager
def noting_interrupts() -> Iterator[list[int]]:
    """Note Ctrl-C: compiled modules turn an interrupt of their import into an error of their own.

    Signals reach the main thread only; in others nothing is noted.
    """
    noted: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        usual(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, usual)


@contextlib.contextmanager
def on_cpu() -> Iterator[None]:
    """Keep what TensorFlow computes in this thread on the CPU."""
    import tensorflow as tf

    with tf.device("/CPU:0"):
        yield


@contextlib.contextmanager
def suppress_output() -> Iterator[None]:
    """Keep StarDist's printed remarks and warnings from the user's terminal."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None


def _short(error: BaseException) -> str:
    """Return the first line of an error, without the rest of its story."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
