"""The one exception and the one warning meant for the user; and which other errors he can solve."""

from __future__ import annotations

import sys
from pathlib import Path

from dgno_core.wording import file_problem, setting_sentence


class DGNOError(Exception):
    """A problem that the user can solve.

    Its text is one sentence that says what is wrong, with which file or layer, and what to do.
    The command line prints it and exits with status 2; napari shows it as a notification.
    """


class SettingError(DGNOError):
    """A setting that cannot be; the command line calls it by the name of its option.

    Attributes
    ----------
    name
        Of the setting, as Python has it.
    fault
        What pydantic finds wrong with it.
    """

    def __init__(self, name: str, fault: dict[str, object]) -> None:
        super().__init__(name, fault)
        self.name, self.fault = name, fault

    def __str__(self) -> str:
        return f"The setting {setting_sentence(self.name, self.fault)}."


class RestoreWarning(UserWarning):
    """Something to know about a restoration that was done, in one sentence."""


def explain_error(error: BaseException) -> str | None:
    """Say in one line what the user can do about an error; None for a fault of the program."""
    if isinstance(error, DGNOError):
        return one_line(str(error))
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(error, pydantic.ValidationError):
        return "; ".join(
            one_line(setting_sentence(".".join(map(str, fault["loc"])), fault))
            for fault in error.errors()
        )
    if isinstance(error, OSError) and error.strerror:
        problem = file_problem(error)
        return f"{Path(error.filename)}: {problem}" if error.filename else problem
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs, or give less at a time"
    return None


def one_line(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())
