"""From an argument list to an exit status.

0: done; 2: bad input, in one clear line; 130: Ctrl-C; 141: nobody reads the output any more.
"""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Sequence

import typer

from dgno_core.cli.help_pages import epilog
from dgno_core.cli.stdout import flush, reader_is_gone
from dgno_core.errors import SettingError, explain_error, one_line
from dgno_core.wording import setting_sentence

OK = 0
BAD_INPUT = 2
INTERRUPTED = 130
READER_GONE = 141  # as of a Unix tool that the signal of a closed pipe ends: 128 + 13
_EMPTY = re.compile(r"(--[\w-]+)=\s*")


def new_app(help_text: str, command: str, *, is_whole: bool = False) -> typer.Typer:
    """Make a typer application whose help and errors are plain text, without boxes.

    Parameters
    ----------
    help_text
        What it does, in a sentence.
    command
        How it is typed.
    is_whole
        Whether it is a program of its own, which can install its completion in the shell.
    """
    return typer.Typer(
        help=help_text,
        epilog=epilog(command),
        add_completion=is_whole,
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
        0, 2, 130 or 141. A fault of the program itself is raised, traceback and all.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if (problem := _empty_value(words)) is not None:
        return _complain(name, problem, BAD_INPUT)
    try:
        status = app(args=words, prog_name=name, standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):  # newer typers return 130 instead
        status = INTERRUPTED
    except SystemExit as ended:
        # How typer ends where it could not print.
        if not isinstance(ended.__context__, BrokenPipeError) or not reader_is_gone():
            raise
        return READER_GONE
    except Exception as error:
        problem = explain(error)
        if problem is None:
            raise
        return _complain(name, problem, BAD_INPUT)
    if status == INTERRUPTED:
        return _complain(name, "interrupted; nothing was left half-written", INTERRUPTED)
    if not flush():
        return READER_GONE
    return status if isinstance(status, int) else OK


def main(app: typer.Typer, name: str) -> None:
    """Run an application as this process, and end it."""
    # A scheduler's "terminate" is treated as Ctrl-C, so that it too leaves nothing half-written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(app, name))


def explain(error: Exception) -> str | None:
    """Say in one line what the user can do about an error; None for a fault of the program."""
    if hasattr(error, "format_message"):  # typer's own usage errors, whichever click it carries
        context = getattr(error, "ctx", None)
        hint = f" Try '{context.command_path} --help'." if context is not None else ""
        text = one_line(_bad_option(error) or error.format_message())
        return text + "." * (text[-1:] not in ".?!") + hint
    if isinstance(error, SettingError):
        return one_line(setting_sentence("--" + error.name.replace("_", "-"), error.fault)) + "."
    return explain_error(error)


def _bad_option(error: Exception) -> str | None:
    """Say in plain words what is wrong with the value of an option; None if it is another error."""
    faults = getattr(error.__cause__, "errors", None)  # newer typers ask pydantic
    option = getattr(error, "param", None)
    if faults is None or option is None:
        return None
    name = max(option.opts, key=len) if option.opts[0].startswith("-") else option.metavar
    return setting_sentence(str(name), faults()[0])


def _empty_value(words: Sequence[str]) -> str | None:
    """Complain of a word without content, which no argument or option can mean.

    It comes from a variable of the shell that is not set; as a path it would be the current folder.
    """
    for before, word in zip(("", *words), words, strict=False):
        if not word.strip():
            what = before if before.startswith("-") else "an argument"
        elif (match := _EMPTY.fullmatch(word)) is not None:
            what = match[1]
        else:
            continue
        return f"the value of {what} is empty; give one, or leave it out"
    return None


def _complain(name: str, problem: str, status: int) -> int:
    print(f"{name}: {problem}", file=sys.stderr)
    return status
