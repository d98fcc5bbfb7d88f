from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from dgno_core.inference import Restored, RestoreWarned, restore_events
from dgno_core.io import ImageSource, as_source, read_image
from dgno_core.io.axes import exchanged_axes

RNG = np.random.default_rng(2)


def told(source: ImageSource, model: Any) -> list[str]:
    """Restore, and return the warnings, which the record has as well."""
    events = list(restore_events(source, model=model))
    messages = [event.message for event in events if isinstance(event, RestoreWarned)]
    assert isinstance(events[-1], Restored)
    assert events[-1].provenance.warnings == messages
    return messages


@pytest.mark.parametrize(
    ("dtype", "channels", "words"),
    [("u2", 1, "not 8-bit (uint16)"), ("u1", 1, "a grey model"), ("u1", 3, None)],
)
def test_colours_that_are_restored_one_by_one_are_told(
    fake: Callable[..., Any], dtype: str, channels: int, words: str | None
) -> None:
    image = RNG.integers(0, 250, (40, 40, 3)).astype(dtype)
    messages = told(as_source(image, "YXS", name="cells"), fake(channels))
    assert len(messages) == (words is not None)
    for message in messages:
        assert words is not None
        assert words in message
        assert message.startswith("cells is RGB")
        assert "channel by channel" in message


def test_an_image_that_comes_back_unchanged_is_told(fake: Callable[..., Any]) -> None:
    planes = np.full((2, 40, 40), 7, "u2")
    assert told(as_source(planes, "ZYX", name="empty"), fake()) == [
        "nothing to restore: empty is constant and came back unchanged."
    ]
    planes[1] = RNG.integers(0, 900, (40, 40))
    assert told(as_source(planes, "ZYX"), fake()) == []


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_axes_are_told_only_where_they_are_guessed(
    fake: Callable[..., Any], tmp_path: Path, name: str
) -> None:
    stack = RNG.integers(0, 900, (3, 40, 40)).astype("u2")
    path = tmp_path / name
    if name == "a.tif":
        tifffile.imwrite(path, stack, photometric="minisblack")
    else:
        zarr.create_array(path, data=stack)
    guessed = ["axes guessed as ZYX; set the axes if that is wrong."]
    assert told(read_image(path), fake()) == guessed
    assert told(read_image(path, "TYX"), fake()) == []
    assert told(read_image(path).with_axes("TYX"), fake()) == []


def test_axes_that_a_file_names_or_that_are_only_two_are_no_news(
    fake: Callable[..., Any], tmp_path: Path
) -> None:
    stack = RNG.integers(0, 900, (3, 40, 40)).astype("u2")
    tifffile.imwrite(tmp_path / "named.tif", stack, metadata={"axes": "TYX"}, ome=True)
    tifffile.imwrite(tmp_path / "plane.tif", stack[0])
    for name in ("named.tif", "plane.tif"):
        assert told(read_image(tmp_path / name), fake()) == []


@pytest.mark.parametrize(
    ("axes", "usual"), [("XY", "YX"), ("ZXY", "ZYX"), ("XZY", "YZX"), ("YX", None), ("YXZ", None)]
)
def test_columns_before_rows_are_told(
    fake: Callable[..., Any], axes: str, usual: str | None
) -> None:
    image = RNG.integers(0, 900, (40, 40, 40)[: len(axes)]).astype("u2")
    expected = (
        f"axes {axes}: X before Y, so rows and columns are exchanged; is that meant? "
        f"{usual} is usual."
    )
    assert told(as_source(image, axes), fake()) == ([expected] if usual else [])


@pytest.mark.parametrize(("typed", "doubtful"), [("", False), ("X", False), ("xy", True)])
def test_axes_that_are_being_typed_are_judged_as_far_as_they_go(typed: str, doubtful: bool) -> None:
    assert (exchanged_axes(typed) is not None) == doubtful
