"""From an argument list to an exit status: 0 done, 2 bad input in one clear line, 130 Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

import typer

from dgno_core.errors import DGNOError

OK = 0
BAD_INPUT = 2
INTERRUPTED = 130


def new_app(help_text: str) -> typer.Typer:
    """Make a typer application whose help and errors are plain text, without boxes."""
    return typer.Typer(
        help=help_text,
        add_completion=False,
        no_args_is_help=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> int:
    """Run an application and turn what the user can solve into one line on stderr.

    Parameters
    ----------
    app
        The commands.
    name
        What the user typed, shown in help and errors.
    arguments
        The words after `name`; by default those of this process.

    Returns
    -------
    int
        0, 2 or 130. A fault of the program itself is raised, traceback and all.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(args=words, prog_name=name, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):  # newer typers return 130 instead
        status = INTERRUPTED
    except Exception as error:
        problem = explain(error)
        if problem is None:
            raise
        return _complain(name, problem, BAD_INPUT)
    if status == INTERRUPTED:
        return _complain(name, "interrupted; nothing was left half-written", INTERRUPTED)
    return status if isinstance(status, int) else OK


def main(app: typer.Typer, name: str) -> None:
    """Run an application as this process, and end it."""
    # A scheduler's "terminate" is treated as Ctrl-C, so that it too leaves nothing half-written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(app, name))


def explain(error: Exception) -> str | None:
    """Say in one line what the user can do about an error; None for a fault of the program."""
    if isinstance(error, DGNOError):
        return _one_line(str(error))
    if hasattr(error, "format_message"):  # typer's own usage errors, whichever click it carries
        context = getattr(error, "ctx", None)
        hint = f" Try '{context.command_path} --help'." if context is not None else ""
        return _one_line(error.format_message()) + hint
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return "; ".join(
            _one_line(f"{'.'.join(map(str, fault['loc'])) or 'settings'}: {fault['msg']}")
            for fault in error.errors()
        )
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return None


def _complain(name: str, problem: str, status: int) -> int:
    print(f"{name}: {problem}", file=sys.stderr)
    return status


def _one_line(text: str) -> str:
    return " ".join(text.split())
