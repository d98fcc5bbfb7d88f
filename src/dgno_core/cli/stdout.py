"""Lines on stdout, whose reader may go before the work is done, as in `dgno restore ... | head`."""

from __future__ import annotations

import os
import select
import sys


def say(line: object) -> None:
    """Print a line and flush; once the reader has closed the pipe, print nothing and go on."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        if not reader_is_gone():
            raise


def flush() -> bool:
    """Print what is still in the buffer; tell whether there was somebody to read it."""
    if sys.stdout is None:
        return True
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        if not reader_is_gone():
            raise
        return False
    return True


def reader_is_gone() -> bool:
    """Tell whether the reader has closed stdout; later output then goes to the null device.

    Asked after a broken pipe, which could be another one.
    """
    stream = sys.__stdout__
    if stream is None:
        return False
    if hasattr(select, "poll"):  # not on Windows
        poll = select.poll()
        poll.register(stream, 0)
        if not any(state & select.POLLERR for _, state in poll.poll(0)):
            return False
    # What is left in the buffer would be a second complaint at the end of the process.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    return True
