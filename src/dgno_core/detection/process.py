"""StarDist in a process of its own.

TensorFlow cannot be loaded into a window that draws with Mesa (the usual OpenGL of Linux without an
NVIDIA card): both bring an LLVM, and the second one crashes the process. In a process of its own it
harms nobody, its memory is free again when it ends, and it can be stopped at any moment.

`detecting` is the side of the window, ``python -m dgno_core.detection.process FOLDER`` the other.
They exchange pickles in a private folder that the window makes and deletes, and events as lines of
JSON on the standard output.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgno_core.errors import DGNOError
from dgno_core.events import Event, Refused
from dgno_core.interpretation.events import AnalysisProgressed, AnalysisWarned
from dgno_core.threads import choose_threads, environment_with

if TYPE_CHECKING:
    from dgno_core.detection import DetectConfig
    from dgno_core.io import ImageSource
    from dgno_core.io.normalise import IntensityRange

    Limits = Sequence[tuple[IntensityRange, ...]]

COMMAND = (sys.executable, "-m", "dgno_core.detection.process")
#: Seconds after which the window hears that the process still lives, and can cancel.
PATIENCE = 0.2
REQUEST, RESULT, COMPLAINTS = "request.pickle", "result.pickle", "stderr.txt"


@dataclass(frozen=True)
class Waiting:
    """Nothing has happened; the work can be cancelled."""


def detecting(
    before: ImageSource,
    after: ImageSource | None,
    config: DetectConfig,
    truth: ImageSource | None,
    limits: Limits = (),
    threads: int = 0,
) -> Iterator[Any]:
    """Do what `dgno_core.detection.run.detect_events` does, in another process.

    `threads` are those that it computes with; 0 takes the cores that are free.

    Yields
    ------
    Waiting, AnalysisProgressed, AnalysisWarned, DetectionFound
        The last one once. Closing the generator ends the process.

    Raises
    ------
    DGNOError
        As `detect_events`, or if the process died.
    """
    with tempfile.TemporaryDirectory(prefix="dgno-detect-") as name:
        folder = Path(name)
        request = (_in_memory(before), _in_memory(after), config, _in_memory(truth), limits)
        (folder / REQUEST).write_bytes(pickle.dumps(request))
        with (folder / COMPLAINTS).open("wb") as complaints:
            process = subprocess.Popen(
                [*COMMAND, name],
                env=environment_with(choose_threads(threads)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C in the terminal is for the window, not for it
            )
            try:
                yield from _listen(process)
            finally:
                process.kill()
                process.wait()
        result = folder / RESULT
        if not result.exists():
            raise DGNOError(_last_words(folder, process.returncode))
        yield pickle.loads(result.read_bytes())


def _in_memory(source: ImageSource | None) -> ImageSource | None:
    """Read an image: another process has no access to a lazy one."""
    if source is None:
        return None
    pixels = source.read(tuple(slice(None) for _ in source.axes))
    return replace(source, data=pixels, path=None, files=())


def _listen(process: subprocess.Popen[bytes]) -> Iterator[Any]:
    """Turn the lines of the process into events, until it ends."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=PATIENCE)
        except queue.Empty:
            yield Waiting()
            continue
        if line is None:
            process.wait()
            return
        match Event.from_json(line):  # lines that a library prints are no events
            case AnalysisProgressed() | AnalysisWarned() as event:
                yield event
            case Refused(message):
                raise DGNOError(message)


def _last_words(folder: Path, code: int) -> str:
    """Say how the process died."""
    lines = (folder / COMPLAINTS).read_text(errors="replace").strip().splitlines()
    reason = lines[-1] if lines else f"exit code {code}"
    return f"StarDist stopped before it was done ({reason}); try the same with dgno detect."


def main(folder: Path) -> None:
    """Detect what the request in a folder asks for."""
    # What libraries print must not be taken for an event.
    speak = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(event: Event) -> None:
        print(event.to_json(), file=speak, flush=True)

    from dgno_core.detection import DetectionFound
    from dgno_core.detection.run import detect_events

    before, after, config, truth, limits = pickle.loads((folder / REQUEST).read_bytes())
    try:
        for event in detect_events(before, after, config, truth=truth, limits=limits):
            match event:
                case AnalysisProgressed() | AnalysisWarned():
                    say(event)
                case DetectionFound():
                    partial = folder / f"{RESULT}.part"
                    partial.write_bytes(pickle.dumps(event))
                    partial.rename(folder / RESULT)
    except DGNOError as error:
        say(Refused(str(error)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
