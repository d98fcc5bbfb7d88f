"""Files whose names promise another kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgno_core.errors import DGNOError
from dgno_core.io import read_image

KINDS = {
    "These are my notes of Monday.\n": "with text",
    "Grüße aus dem Keller " + 100 * "ü": "with text",
    "<!DOCTYPE html><p>Log in": "like a web page",
    "PK\x03\x04more": "like a zip archive or an Office document",
    "\0" * 900: "with zeros",
    "ZISRAWFILE\0\0": "like a Zeiss CZI file",
    "\x01\x02\x03\x04": "like no image that is known here",
}


@pytest.mark.parametrize(("suffix", "kind"), [(".tif", "a TIFF"), (".png", "a PNG, JPEG or BMP")])
@pytest.mark.parametrize("text", KINDS, ids=KINDS.values())
def test_what_a_file_begins_with_is_told(tmp_path: Path, text: str, suffix: str, kind: str) -> None:
    path = tmp_path / f"notes{suffix}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DGNOError) as told:
        read_image(path)
    assert f"notes{suffix} is not {kind} file (it begins {KINDS[text]})" in str(told.value)
    assert "b'" not in str(told.value)


def test_a_picture_called_tiff_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(path, format="PNG")
    with pytest.raises(DGNOError, match="begins like a PNG file"):
        read_image(path)
