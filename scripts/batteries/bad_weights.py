"""Weights that are damaged, forged or dangerous."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batteries.cases import Words, case, restore
from batteries.kit import MODEL, write_stack

MARKER = "EXECUTED"


class Payload:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (MARKER, "w"))


def damaged(title: str) -> Callable[[Callable[[Path], None]], Any]:
    """Add weights to restore with; the function damages the tiny model."""

    def decorate(damage: Callable[[Path], None]) -> Any:
        def prepare(folder: Path) -> Words:
            write_stack(folder / "good.tif")
            damage(folder / MODEL)
            return restore("good.tif")

        return case("weights", title)(prepare)

    return decorate


def flip(path: Path, at: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def header_length(path: Path) -> int:
    """Return the length of the header of a safetensors file."""
    return int(struct.unpack("<Q", path.read_bytes()[:8])[0])


@damaged("a pickle named .safetensors that would run code")
def _(path: Path) -> None:
    path.write_bytes(pickle.dumps(Payload()))


@damaged("an empty file")
def _(path: Path) -> None:
    path.write_bytes(b"")


@damaged("cut off")
def _(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


@damaged("one bit flipped in the weights")
def _(path: Path) -> None:
    flip(path, -1001)


@damaged("one bit flipped in the card: another width")
def _(path: Path) -> None:
    content = path.read_bytes()
    at = content.index(b'\\"width\\":8') + len(b'\\"width\\":')
    flip(path, at)  # 8 becomes 9


@damaged("one bit flipped in the card: another halo")
def _(path: Path) -> None:
    content = path.read_bytes()
    flip(path, content.index(b'\\"halo\\":32') + len(b'\\"halo\\":'))  # 32 becomes 22


@damaged("a header that claims 2^60 bytes")
def _(path: Path) -> None:
    path.write_bytes(struct.pack("<Q", 1 << 60) + path.read_bytes()[8:])


@damaged("a forged card: a network a million channels wide")
def _(path: Path) -> None:
    content = path.read_bytes()
    length = header_length(path)
    header = json.loads(content[8 : 8 + length])
    card = json.loads(header["__metadata__"]["dgno_card"])
    card["config"]["width"] = 1_000_000
    header["__metadata__"]["dgno_card"] = json.dumps(card)
    forged = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(forged)) + forged + content[8 + length :])


@damaged("a header nested 100,000 deep")
def _(path: Path) -> None:
    text = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    path.write_bytes(struct.pack("<Q", len(text)) + text)


@case("weights", "a .pth given as a model")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    (folder / "released.pth").write_bytes(pickle.dumps(Payload()))
    return restore("good.tif", model="released.pth")


@case("weights", "converting a pickle that would run code")
def _(folder: Path) -> Words:
    (folder / "released.pth").write_bytes(pickle.dumps(Payload()))
    return ["dgno", "convert", "released.pth", "-o", "new.safetensors"]


@case("weights", "converting a zip bomb: 256 MB of zeros in 1 MB")
def _(folder: Path) -> Words:
    with zipfile.ZipFile(
        folder / "released.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=1
    ) as file:
        file.writestr("archive/version", "3\n")
        file.writestr("archive/data.pkl", bytes(1 << 28))
    return ["dgno", "convert", "released.pth", "-o", "new.safetensors"]


@case("weights", "converting a text")
def _(folder: Path) -> Words:
    (folder / "released.pth").write_text("<html>Not found</html>")
    return ["dgno", "convert", "released.pth", "-o", "new.safetensors"]


@case("weights", "no such model")
def _(folder: Path) -> Words:
    write_stack(folder / "good.tif")
    return restore("good.tif", model="dgno-huge")


@case("weights", "fetching a model that is not offered")
def _(folder: Path) -> Words:
    return ["dgno", "models", "--fetch", "dgno-huge", "--model-folder", "."]
