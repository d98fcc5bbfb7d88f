"""Plain words for what programs say: errors of the file system, wrong settings, unknown names."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT)
DENIED = (errno.EACCES, errno.EPERM)
_FILE_PROBLEMS = {
    **dict.fromkeys(FULL, "the disk is full; free some space or choose another place"),
    **dict.fromkeys(
        DENIED, "you may not read or write there; ask who owns it, or choose another place"
    ),
    errno.EROFS: "the disk is read-only; choose another place",
    errno.ENOENT: "there is no such file or folder; check the name",
    errno.EEXIST: "something of that name is there already; choose another name",
    errno.ENOTDIR: "a part of the path is a file; choose another place",
    errno.EISDIR: "it is a folder, and a file is needed; give a file",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "its links lead in a circle; give the file itself",
    errno.EIO: "the disk or network drive fails; check it, or copy the file to another one",
    errno.EMFILE: "too many files are open; close other programs or give less at a time",
    errno.EFBIG: "the disk takes no file of that size; choose another place",
    errno.EBUSY: "another program uses it; close it there",
    errno.ETXTBSY: "another program uses it; close it there",
    **dict.fromkeys(
        (errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ENODEV),
        "the network drive or disk is gone; connect it again",
    ),
}
# What pydantic finds, by the name it gives it; {...} is what it says about it.
_SETTING_PROBLEMS = {
    "missing": "is missing",
    "extra_forbidden": "is no setting",
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("int_parsing_size", "float_parsing_size"), "is too large a number"),
    **dict.fromkeys(("float_parsing", "float_type"), "must be a number"),
    "finite_number": "must be a finite number",
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "path_type": "is a file or folder: give its path",
    "literal_error": "must be {expected}",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "takes at most {max_length} of them",
    **dict.fromkeys(("tuple_type", "list_type"), "is a list: write [...]"),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        "has settings of its own: write {{key: value}}",
    ),
    "union_tag_not_found": "needs a kind",
    "union_tag_invalid": "has no kind {tag}; there are {expected_tags}",
}
# Of these, what was given says nothing that the rest does not.
_GIVEN_SAYS_NOTHING = (
    *("missing", "extra_forbidden", "string_too_short", "too_short", "too_long"),
    *("union_tag_not_found", "union_tag_invalid"),
)
_LONGEST = 60  # characters of a value that are quoted


def file_problem(error: OSError) -> str:
    """Say what the file system refuses, and what to do; without the name of the file."""
    known = _FILE_PROBLEMS.get(error.errno or 0)
    return known or error.strerror or str(error)


def writing_problem(error: OSError, path: Path) -> str:
    """Say why a file or folder cannot be written, and what to do.

    Parameters
    ----------
    error
        What the file system says.
    path
        What was to be written.
    """
    place = Path(error.filename or path)
    if error.errno == errno.ENOENT and not place.parent.is_dir():
        return f"there is no folder {place.parent}; make it first"
    # A folder that is there and takes nothing, such as those in which the system shows itself.
    if error.errno == errno.ENOENT:
        return f"nothing can be written in {place.parent}; choose another place"
    if error.errno in (*DENIED, errno.EROFS):
        return "you may not write there; choose another place"
    return file_problem(error)


def setting_sentence(name: str, fault: Mapping[str, Any]) -> str:
    """Say what is wrong with a setting, without a full stop: ``steps must be at least 1, not 0``.

    Parameters
    ----------
    name
        Of the setting, as the user writes it; empty for what several settings have in common.
    fault
        One of the errors of a pydantic `ValidationError`.
    """
    kind = fault["type"]
    about = {part: _short(value) for part, value in fault.get("ctx", {}).items()}
    if kind not in _SETTING_PROBLEMS:
        reason = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
        reason = reason.rstrip(".")
        if reason.startswith("Input should"):
            return f"{name} must{reason.removeprefix('Input should')}"
        return f"{name}: {reason[:1].lower()}{reason[1:]}" if name else reason
    for part in ("expected", "expected_tags"):
        if part in about:
            about[part] = str(about[part]).replace("'", "")
    if "tag" in about:
        hint = did_you_mean(about["tag"], str(about["expected_tags"]).split(", "))
        about["tag"] = f"{quoted(about['tag'])}{hint}"
    said = f"{name} {_SETTING_PROBLEMS[kind].format_map(about)}"
    return said if kind in _GIVEN_SAYS_NOTHING else f"{said}, not {quoted(fault['input'])}"


def quoted(value: object) -> str:
    """Write a value as it is typed in a config, shortened."""
    value = _short(value)
    try:
        text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value)
    except (TypeError, ValueError):
        text = repr(str(value))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _short(value: object) -> object:
    """Write 7.0 as 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return `` (did you mean 'this'?)``, to follow a name; empty if none is like it."""
    close = get_close_matches(str(name), list(known), 1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def about_file(name: str, message: str) -> str:
    """Put the name of a file or layer before a message, unless the message has it already."""
    has_it = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message)
    return message if has_it else f"{name}: {message}"
