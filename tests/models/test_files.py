from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from dgno_core.encoders.config import MambaBlocks
from dgno_core.errors import DGNOError
from dgno_core.models import (
    DGNOConfig,
    ModelCard,
    build_model,
    default_weights,
    find_weights,
    load_model,
    read_card,
    resolve_device,
    save_model,
    weights_names,
)
from dgno_core.models.card import replace_card
from dgno_core.models.header import CARD_KEY, CHECKSUM_KEY, read_header, sealed
from dgno_core.models.weights import PACKAGED

CONFIG = DGNOConfig(width=8, heads=2, blocks=(1, 1, 1, 1),
                    lifting=MambaBlocks(tokens=8, rank=4, state=2))  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_model(build_model(CONFIG), ModelCard(name="mine", config=CONFIG, title="A test"), path)
    return path


def test_saved_and_reloaded_gives_identical_output(tmp_path: Path) -> None:
    model = build_model(CONFIG).eval()
    path = tmp_path / "m.safetensors"
    save_model(model, ModelCard(name="m", config=CONFIG), path)
    image = torch.rand(1, 1, 40, 33)
    with torch.inference_mode():
        expected = model.to(memory_format=torch.channels_last)(image)[-1]
        assert torch.equal(load_model(path, "cpu")(image)[-1], expected)


def test_card_travels_with_the_weights(saved: Path) -> None:
    card = read_card(saved)
    assert (card.name, card.title, card.channels, card.config) == ("mine", "A test", 1, CONFIG)
    assert len(card.weights_sha256) == 64
    assert load_model(saved, "cpu").card == card


def test_names_in_the_users_folder(saved: Path) -> None:
    assert "mine" in weights_names(saved.parent)
    assert find_weights("mine", saved.parent) == saved
    with pytest.raises(DGNOError, match="mine"):
        find_weights("other", saved.parent)


def test_the_hash_is_of_the_weights_and_not_of_the_words(saved: Path, tmp_path: Path) -> None:
    model = load_model(saved, "cpu")
    assert model.card is not None
    before = model.card.weights_sha256
    other = tmp_path / "other.safetensors"
    save_model(model, model.card.model_copy(update={"title": "Other words"}), other)
    assert read_card(other).weights_sha256 == before
    with torch.no_grad():
        model.lifting.stem.weight[0, 0, 0, 0] += 1
    save_model(model, model.card, other)
    assert read_card(other).weights_sha256 != before


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "pickle", "no card", "other net"])
def test_damaged_files_are_refused_with_their_name(saved: Path, damage: str) -> None:
    content = saved.read_bytes()
    if damage == "cut":
        saved.write_bytes(content[:-1000])
    elif damage == "flip":
        saved.write_bytes(b"\xff" * 8 + content[8:])
    elif damage == "empty":
        saved.write_bytes(b"")
    elif damage == "pickle":
        torch.save({"a": 1}, saved)
    elif damage == "no card":
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, saved)
    else:
        saved.write_bytes(content.replace(b'\\"width\\":8', b'\\"width\\":4'))
        assert saved.read_bytes() != content
    with pytest.raises(DGNOError, match=r"mine\.safetensors"):
        load_model(saved, "cpu")


def test_a_card_of_another_network_is_not_written(tmp_path: Path) -> None:
    other = CONFIG.model_copy(update={"width": 16})
    with pytest.raises(ValueError, match="configuration"):
        save_model(
            build_model(CONFIG), ModelCard(name="x", config=other), tmp_path / "x.safetensors"
        )
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DGNOError, match="could not be written"):
        save_model(
            build_model(CONFIG),
            ModelCard(name="x", config=CONFIG),
            tmp_path / "no" / "x.safetensors",
        )


def test_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    for name in ("cuda:99", "potato"):
        with pytest.raises(DGNOError, match=name):
            resolve_device(name)


@pytest.mark.parametrize("colour", [False, True])
def test_packaged_weights_are_small_and_have_a_full_card(colour: bool) -> None:
    path = PACKAGED / f"{default_weights(colour)}.safetensors"
    assert path.stat().st_size <= 4_000_000
    card = read_card(default_weights(colour))
    assert card.channels == (3 if colour else 1)
    for field in ("title", "summary", "data", "licences", "recipe", "budget", "scores", "not_for"):
        assert getattr(card, field), field
    assert load_model(default_weights(colour), "cpu").card is not None


def test_one_changed_weight_is_noticed(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[-5] ^= 0x01
    saved.write_bytes(content)
    with pytest.raises(DGNOError, match="not those that were saved"):
        load_model(saved, "cpu")


def flipped(saved: Path, places: Iterable[int]) -> list[int]:
    """Flip one bit of a file at a time; where it was read as if nothing were amiss."""
    content = saved.read_bytes()
    unnoticed = []
    for place in places:
        byte, bit = place // 8, place % 8
        damaged = bytearray(content)
        damaged[byte] ^= 1 << bit
        saved.write_bytes(damaged)
        try:
            load_model(saved, "cpu")
        except DGNOError:
            continue
        unnoticed.append(place)
    saved.write_bytes(content)
    return unnoticed


def test_no_bit_of_a_file_flips_unnoticed(saved: Path) -> None:
    """All of the length, and many of the checksum, the rest of the header and the weights."""
    content = saved.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    start = content.index(f'"{CHECKSUM_KEY}"'.encode())
    end = start + len(CHECKSUM_KEY) + 70
    assert json.loads(content[8 : 8 + length])["__metadata__"].keys() == {CARD_KEY, CHECKSUM_KEY}
    places = [
        *range(64),
        *range(8 * start, 8 * end, 3),
        *range(64, 8 * (8 + length), 509),
        *range(8 * (8 + length), 8 * len(content), 50_021),
    ]
    assert len(places) > 500
    assert flipped(saved, places) == []
    load_model(saved, "cpu")


def test_a_file_from_before_there_was_a_checksum_loads(saved: Path) -> None:
    expected = read_card(saved)
    header = header_of(saved)
    del header["__metadata__"][CHECKSUM_KEY]
    content = saved.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    text = json.dumps(header).encode()
    saved.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
    assert load_model(saved, "cpu").card == expected
    # Its weights are checked as before.
    ends = [8 * len(saved.read_bytes()) - 3]
    assert flipped(saved, ends) == []


def test_another_card_gets_a_checksum_of_its_own(saved: Path) -> None:
    replace_card(saved, read_card(saved).changed(title="Other words"))
    assert CHECKSUM_KEY in read_header(saved)
    assert read_card(saved).title == "Other words"
    title = saved.read_bytes().index(b"Other words")
    assert flipped(saved, range(8 * title, 8 * title + 80, 7)) == []


def test_equal_models_are_equal_files(saved: Path, tmp_path: Path) -> None:
    model = load_model(saved, "cpu")
    assert model.card is not None
    again = tmp_path / "again.safetensors"
    save_model(model, model.card, again)
    assert again.read_bytes() == saved.read_bytes()


@pytest.mark.parametrize("path", sorted(PACKAGED.glob("*.safetensors")), ids=lambda path: path.stem)
def test_packaged_weights_have_a_checksum(path: Path) -> None:
    assert CHECKSUM_KEY in read_header(path)


def forged(saved: Path, header: dict[str, Any]) -> None:
    """Replace the header of a file, keeping its weights: as someone would who means it."""
    content = saved.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    words = header["__metadata__"]
    if isinstance(words, dict):
        words.pop(CHECKSUM_KEY, None)
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + content[8 + length :]
    is_whole = isinstance(words, dict) and CARD_KEY in words
    saved.write_bytes(sealed(content, words[CARD_KEY]) if is_whole else content)


def header_of(saved: Path) -> dict[str, Any]:
    content = saved.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    return header


@pytest.mark.parametrize(
    "changes",
    [{"width": 8_000_000}, {"width": 2048}, {"blocks": [30_000] * 4}, {"blocks": [2, 1, 1, 1]}],
    ids=str,
)
def test_a_forged_card_takes_no_memory(saved: Path, changes: dict[str, Any]) -> None:
    header = header_of(saved)
    card = json.loads(header["__metadata__"]["dgno_card"])
    card["config"] |= changes
    header["__metadata__"]["dgno_card"] = json.dumps(card)
    forged(saved, header)
    with pytest.raises(DGNOError, match="mine"):
        load_model(saved, "cpu")


def test_a_weight_that_is_not_finite_is_refused(saved: Path) -> None:
    model = load_model(saved, "cpu")
    with torch.no_grad():
        model.lifting.stem.weight[0, 0, 0, 0] = torch.nan
    assert model.card is not None
    save_model(model, model.card.changed(weights_sha256=""), saved)
    with pytest.raises(DGNOError, match="damaged"):
        load_model(saved, "cpu")


@pytest.mark.parametrize("metadata", [None, [], "card"])
def test_a_header_of_another_form_is_refused(saved: Path, metadata: Any) -> None:
    forged(saved, header_of(saved) | {"__metadata__": metadata})
    with pytest.raises(DGNOError, match="mine"):
        load_model(saved, "cpu")
    nested = b"[" * 200_000
    saved.write_bytes(struct.pack("<Q", len(nested)) + nested)
    with pytest.raises(DGNOError, match="mine"):
        load_model(saved, "cpu")


@pytest.mark.parametrize("place", ["g.tif", "./g.tif", "in/g.tif"])
def test_a_file_of_another_kind_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    Path(place).write_bytes(b"II*\0 an image, and no weights at all")
    with pytest.raises(DGNOError, match=r"g\.tif is not a weights file; a model is a name that"):
        load_model(place)


def test_a_misspelt_model_is_told_with_what_may_be_meant() -> None:
    with pytest.raises(DGNOError, match=r"'dgno-cel-small' \(did you mean 'dgno-cell-small'\?\)"):
        load_model("dgno-cel-small")
