"""Plain words for what the file system and pydantic say."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from dgno_core.base_config import Options
from dgno_core.errors import DGNOError, SettingError, explain_error
from dgno_core.io.atomic import writing
from dgno_core.wording import about_file, did_you_mean, file_problem, setting_sentence


class Settings(BaseModel, extra="forbid"):
    steps: int = Field(1, ge=1, le=9)
    share: float = Field(0.5, gt=0, lt=1, allow_inf_nan=False)
    kind: Literal["grey", "colour"] = "grey"
    names: tuple[str, ...] = Field(("a",), min_length=1)
    is_on: bool = True
    folder: Path = Path()

    @field_validator("kind")
    @classmethod
    def _is_no_colour(cls, kind: str) -> str:
        if kind == "colour":
            raise ValueError("Only grey is taken.")
        return kind


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"steps": "many"}, "steps must be a whole number, not 'many'"),
        ({"steps": 1.5}, "steps must be a whole number, not 1.5"),
        ({"steps": 0}, "steps must be at least 1, not 0"),
        ({"steps": 10}, "steps must be at most 9, not 10"),
        ({"share": "half"}, "share must be a number, not 'half'"),
        ({"share": float("nan")}, "share must be a finite number, not NaN"),
        ({"share": 0}, "share must be above 0, not 0"),
        ({"share": 1}, "share must be below 1, not 1"),
        ({"kind": "gray"}, "kind must be grey or colour, not 'gray'"),
        ({"kind": "colour"}, "kind: only grey is taken"),
        ({"names": 3}, "names is a list: write [...], not 3"),
        ({"names": []}, "names needs at least 1 of them"),
        ({"is_on": "perhaps"}, "is_on must be true or false, not 'perhaps'"),
        ({"folder": {"a": 1}}, 'folder is a file or folder: give its path, not {"a": 1}'),
        ({"step": 1}, "step is no setting"),
        ({"steps": "x" * 500}, f"steps must be a whole number, not '{'x' * 56}..."),
    ],
)
def test_settings_are_told_in_plain_words(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    (fault,) = caught.value.errors()
    assert setting_sentence(str(fault["loc"][0]), fault) == sentence


def test_an_error_of_a_setting_survives_the_way_between_processes() -> None:
    class Wanted(Options):
        steps: int = 1

    with pytest.raises(SettingError) as caught:
        Wanted.model_validate({"steps": "many"})
    sentence = "The setting steps must be a whole number, not 'many'."
    assert str(caught.value) == sentence
    assert str(pickle.loads(pickle.dumps(caught.value))) == sentence


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_no_error_of_the_file_system_is_told_by_its_number(number: int) -> None:
    text = explain_error(OSError(number, os.strerror(number), "a.tif"))
    assert text is not None
    assert text.startswith("a.tif: ")
    assert "Errno" not in text


@pytest.mark.parametrize(
    "number",
    [
        errno.EACCES,
        errno.EROFS,
        errno.ENOENT,
        errno.EEXIST,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.EIO,
    ],
)
def test_common_errors_say_what_to_do(number: int) -> None:
    assert os.strerror(number) not in file_problem(OSError(number, os.strerror(number)))
    assert "; " in file_problem(OSError(number, os.strerror(number)))


def test_a_folder_that_takes_nothing_is_not_to_be_made_first(tmp_path: Path) -> None:
    place = tmp_path / "shown" / "x.tif"
    missing = OSError(errno.ENOENT, "No such file or directory", str(place))
    with pytest.raises(DGNOError, match=r"there is no folder .*shown; make it"), writing(place):
        raise missing
    place.parent.mkdir()
    with pytest.raises(DGNOError, match=r"nothing can be written in .*shown;"), writing(place):
        raise missing


def test_a_name_is_not_told_twice() -> None:
    assert about_file("a.tif", "a.tif is RGB.") == "a.tif is RGB."
    assert about_file("a.tif", "It is RGB.") == "a.tif: It is RGB."
    assert about_file("a.tif", "data.tif is RGB.") == "a.tif: data.tif is RGB."


def test_what_may_have_been_meant() -> None:
    assert did_you_mean("dgno-cel", ["mpt", "dgno-cell"]) == " (did you mean 'dgno-cell'?)"
    assert did_you_mean("xyz", ["mpt", "dgno-cell"]) == ""
