"""The header of a weights file: what lies where, a model card, and a checksum of both.

A safetensors file is the length of its header, the header (JSON) and the numbers. The checksum is
the SHA-256 of the header with zeros for the checksum's own digits, and the card holds the SHA-256
of the numbers, so that no byte of the file can change unnoticed. Files written before there was a
checksum have that of the numbers only.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

from dgno_core.errors import DGNOError
from dgno_core.wording import file_problem

SUFFIX = ".safetensors"
CARD_KEY = "dgno_card"
CHECKSUM_KEY = "dgno_checksum"
_ZEROS = "0" * 64
_LIMIT = 100_000_000  # bytes of a header


def sealed(content: bytes, card: str) -> bytes:
    """Put a card and a checksum into a safetensors file; see `sealed_header`."""
    (length,) = struct.unpack("<Q", content[:8])
    return sealed_header(content[8 : 8 + length], card) + content[8 + length :]


def sealed_header(header: bytes, card: str) -> bytes:
    """Put a card and a checksum into the header of a safetensors file.

    Parameters
    ----------
    header : bytes
        The header without its length. Other words in it are left out.
    card : str
        The card as JSON.

    Returns
    -------
    bytes
        The new header after its length, eight bytes. The same index and card give the same bytes.
    """
    words = {CARD_KEY: card, CHECKSUM_KEY: _ZEROS}
    text = json.dumps(json.loads(header) | {"__metadata__": words}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8 bytes
    text = text.replace(_entry(_ZEROS), _entry(hashlib.sha256(text).hexdigest()))
    return struct.pack("<Q", len(text)) + text


def read_header(path: Path) -> dict[str, str]:
    """Words in the header of a safetensors file.

    Parameters
    ----------
    path : Path
        The weights file.

    Returns
    -------
    dict
        Its ``__metadata__``.

    Raises
    ------
    DGNOError
        If the file is missing, truncated or no safetensors file, or its header is not the one
        that was saved.
    """
    try:
        with path.open("rb") as handle:
            (length,) = struct.unpack("<Q", handle.read(8))
            if length > _LIMIT:
                raise ValueError
            raw = handle.read(length)
            header = json.loads(raw)
            metadata = header.pop("__metadata__", {})
            if not isinstance(metadata, dict):
                raise TypeError
            last = max((entry["data_offsets"][1] for entry in header.values()), default=0)
            if path.stat().st_size != 8 + length + last:
                raise ValueError
    except FileNotFoundError as error:
        raise DGNOError(f"There is no model file {path}.") from error
    except OSError as error:
        raise DGNOError(f"The model file {path} cannot be read: {file_problem(error)}.") from error
    except (
        struct.error,
        ValueError,
        AttributeError,
        LookupError,
        TypeError,
        RecursionError,
    ) as error:
        if path.suffix != SUFFIX:
            raise DGNOError(not_weights(path)) from error
        raise DGNOError(
            f"{path} is not a complete safetensors file; copy or download it again."
        ) from error
    if not _is_as_saved(raw, metadata):
        raise DGNOError(
            f"The header of {path} is not the one that was saved: the file is damaged; copy or "
            "download it again."
        )
    return metadata


def not_weights(path: Path) -> str:
    """Say that a file is no weights file, and what one is."""
    return (
        f"{path} is not a weights file; a model is a name that `dgno models` lists, or the "
        f"{SUFFIX} file that a training or `dgno convert` has made."
    )


def _is_as_saved(raw: bytes, metadata: dict[str, str]) -> bool:
    """Compare a header with its checksum, if it has one."""
    if CHECKSUM_KEY in metadata:
        checksum = metadata[CHECKSUM_KEY]
        return hashlib.sha256(raw.replace(_entry(checksum), _entry(_ZEROS))).hexdigest() == checksum
    # A word beside the card that is not known is a checksum whose name is damaged.
    return CARD_KEY not in metadata or len(metadata) == 1


def _entry(digits: str) -> bytes:
    """The checksum as it stands in the header; no text within quotes can look like it."""
    return f'"{CHECKSUM_KEY}":"{digits}"'.encode()
