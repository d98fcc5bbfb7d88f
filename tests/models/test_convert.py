"""Released checkpoints are recognised from keys and shapes, checked, and never executed."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dgno_core.errors import DGNOError
from dgno_core.models import (
    DGNOConfig,
    MPTConfig,
    architecture,
    build_model,
    convert_checkpoint,
    load_model,
    released_dgno,
    released_mpt,
)
from support.released_mpt import released_state
from support.shared import FIXTURES, load_fixture, needs_fixtures

DGNO_FIXTURES = {
    "dgno_small_cell": {"formulation": "cell", "flux": "jump", "boundary": "neumann"},
    "dgno_small_face": {"formulation": "face", "flux": "average_jump", "boundary": "dirichlet"},
    "dgno_small_cell_rgb": {"formulation": "cell", "flux": "upwind", "boundary": "periodic"},
}
FACE_SIDES = ("left", "right", "top", "bottom")


def checkpoint(name: str) -> dict[str, torch.Tensor]:
    """State dict of a small network, under the released names."""
    return {
        key.removeprefix("param/"): torch.tensor(value)
        for key, value in load_fixture(name).items()
        if key.startswith("param/")
    }


def with_constants(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same with the index buffers of the Face networks, as the released files have them."""
    layers = {key.split(".")[0] for key in state if key.endswith(".kln.weight")}
    buffers = {f"{layer}.face_idx_{side}": torch.arange(8) for layer in layers
               for side in FACE_SIDES}  # fmt: skip
    return state | buffers


def save(content: Any, folder: Path) -> Path:
    path = folder / "released.pth"
    torch.save(content, path)
    return path


@needs_fixtures
@pytest.mark.parametrize("name", DGNO_FIXTURES)
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("wrap", ["params", "bare"])
def test_converted_dgno_gives_the_released_numbers(
    name: str, activation: Any, wrap: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = dict(DGNO_FIXTURES[name])
    state = checkpoint(name)
    if settings.pop("formulation") == "face":
        state = with_constants(state)
    content = (
        {"params": state} if wrap == "params" else {f"module.{k}": t for k, t in state.items()}
    )
    done = convert_checkpoint(
        save(content, tmp_path), tmp_path / "own.safetensors", activation=activation, **settings
    )
    (only,) = done.assumed
    assert "(1, 1, 1, 1) blocks" in only
    model = load_model(tmp_path / "own.safetensors", "cpu")
    assert isinstance(model.config, DGNOConfig)
    assert model.config.assembly == "official"
    fixture = load_fixture(name)
    with torch.inference_mode():
        outputs = model(torch.tensor(fixture["64x64/input"]))
    for scale, output in enumerate(outputs):
        expected = fixture[f"64x64/{activation}/output{scale}_fp64"]
        np.testing.assert_allclose(output, expected, atol=5e-4, rtol=0)


@needs_fixtures
@pytest.mark.parametrize("name", DGNO_FIXTURES)
def test_what_is_not_told_is_the_papers_best_and_is_said(name: str, tmp_path: Path) -> None:
    settings = DGNO_FIXTURES[name]
    state = checkpoint(name)
    if settings["formulation"] == "face":
        state = with_constants(state)
    done = convert_checkpoint(save(state, tmp_path), tmp_path / "own.safetensors")
    config = done.card.config
    assert isinstance(config, DGNOConfig)
    best = {"cell": ("jump", "neumann"), "face": ("average_jump", "dirichlet")}
    assert (config.flux, config.boundary) == best[config.formulation]
    assert config.formulation == settings["formulation"]
    said = " ".join(done.assumed)
    assert all(option in said for option in ("--flux", "--boundary", "--activation"))
    assert ("penalty" in said) == ("conv0.tau" not in state)
    assert said in done.card.summary


@needs_fixtures
@pytest.mark.parametrize("which", ["cell_1ch", "face_1ch", "cell_3ch", "face_3ch"])
def test_full_size_files_are_recognised_and_complete(which: str) -> None:
    keys = json.loads((FIXTURES / "dgno_checkpoint_keys.json").read_text())[which]
    shapes = {key: tuple(shape) for key, shape in keys.items()}
    config = released_dgno.recognise(shapes)
    variant, channels = which.split("_")
    assert config == architecture(f"dgno-{variant}", int(channels[0])).changed(assembly="official")
    with torch.device("meta"):
        own = build_model(config).state_dict()
    renamed = {released_dgno.rename(key): shape for key, shape in shapes.items()}
    renamed.pop(None, None)
    assert renamed.keys() == own.keys()
    for key, shape in renamed.items():
        assert [n for n in shape if n != 1] == [n for n in own[key].shape if n != 1], key
    assert released_mpt.recognise(shapes) is None


def test_the_loose_spellings_of_the_shallow_branch_mean_the_same() -> None:
    expected = "lifting.shallow.1.convs.2.weight"
    spellings = ("main.2.main.0", "main.2.main", "main.2.main.conv", "main.2.0", "main.2")
    assert {released_dgno.rename(f"SCM1.{spelling}.weight") for spelling in spellings} == {expected}


@needs_fixtures
def test_an_mpt_file_is_no_dgno_file() -> None:
    state = checkpoint("mpt_small_nopyramid_rgb64")
    shapes = {key: tuple(tensor.shape) for key, tensor in state.items()}
    assert isinstance(released_mpt.recognise(shapes), MPTConfig)
    assert released_dgno.recognise(shapes) is None


@needs_fixtures
def test_a_pyramid_that_is_not_the_papers_must_be_given(tmp_path: Path) -> None:
    path = save(checkpoint("mpt_small_gray64"), tmp_path)
    with pytest.raises(DGNOError, match=r"released\.pth.*pyramid scales"):
        convert_checkpoint(path, tmp_path / "own.safetensors")
    given = tuple(
        tuple(round(1 / scale) for scale in level)
        for level in ([0.25, 0.25], [0.25, 0.25], [0.5, 0.5], [1, 1])
    )
    convert_checkpoint(path, tmp_path / "own.safetensors", reductions=given)
    fixture = load_fixture("mpt_small_gray64")
    model = load_model(tmp_path / "own.safetensors", "cpu")
    with torch.inference_mode():
        # The network pads to 64 pixels, which the image has.
        output = model(torch.tensor(fixture["input"]))[-1]
    np.testing.assert_allclose(output, fixture["output_fp64"], atol=2e-4, rtol=0)


def test_a_whole_mpt_checkpoint_is_converted(tmp_path: Path) -> None:
    config = MPTConfig(width=8, channels=3)
    config = config.changed(lifting=config.lifting.changed(alignment="official", shortcut="x2"))
    torch.manual_seed(0)
    model = build_model(config).eval()
    state = released_state(model, prefix="module.Network.")
    done = convert_checkpoint(save(state, tmp_path), tmp_path / "mpt.safetensors")
    assert done.card.config == config
    assert done.card.scaling == "type"
    image = torch.rand(1, 3, 128, 128)
    again = load_model(tmp_path / "mpt.safetensors", "cpu")
    with torch.inference_mode():
        assert torch.equal(model(image)[-1], again(image)[-1])
    with pytest.raises(DGNOError, match="MPT, which has no variant, flux"):
        convert_checkpoint(tmp_path / "released.pth", tmp_path / "b.safetensors", flux="jump")


class _Bomb:
    """An object whose unpickling would run a program."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch boom",)


@pytest.mark.parametrize("how", ["torch", "pickle"])
def test_code_in_a_file_is_refused_and_not_run(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    content = {"params": {"weight": torch.ones(2)}, "extra": _Bomb()}
    if how == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(_Bomb()))
    with pytest.raises(DGNOError, match="can run any program"):
        convert_checkpoint(path, tmp_path / "own.safetensors")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.pth"]


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "own.safetensors"
    with pytest.raises(DGNOError, match="There is no file"):
        convert_checkpoint(tmp_path / "missing.pth", out)
    with pytest.raises(DGNOError, match="cannot be read"):
        convert_checkpoint(tmp_path, out)
    for content in (b"<html>", b"version https://git-lfs", b"\xff\xd8\xff\xe0", b""):
        text = tmp_path / "text.pth"
        text.write_bytes(content)
        with pytest.raises(DGNOError, match=r"text\.pth is no PyTorch checkpoint"):
            convert_checkpoint(text, out)
    whole = save({"params": {"conv.weight": torch.rand(200, 3, 3, 3)}}, tmp_path)
    with pytest.raises(DGNOError, match="neither a released DGNO"):
        convert_checkpoint(whole, out)
    short = tmp_path / "short.pth"
    short.write_bytes(whole.read_bytes()[:3000])
    with pytest.raises(DGNOError, match=r"short\.pth"):
        convert_checkpoint(short, out)
    for content in ({"epoch": 3}, [torch.ones(2)], torch.ones(2), {}):
        with pytest.raises(DGNOError, match="no named tensors"):
            convert_checkpoint(save(content, tmp_path), out)
    with pytest.raises(DGNOError, match=r"\.safetensors file"):
        convert_checkpoint(whole, tmp_path / "own.pth")
    assert not out.exists()


@needs_fixtures
def test_a_changed_network_is_refused(tmp_path: Path) -> None:
    state = checkpoint("dgno_small_cell")
    out = tmp_path / "own.safetensors"

    def refused(content: dict[str, torch.Tensor], match: str, **settings: Any) -> None:
        with pytest.raises(DGNOError, match=match):
            convert_checkpoint(save(content, tmp_path), out, **settings)
        assert not out.exists()

    refused(state | {"conv0.kappa": torch.tensor(0.1)}, r"conv0\.kappa")
    refused(
        {k: t for k, t in state.items() if k != "output.weight"},
        "1 parts of the network are missing",
    )
    swapped = state["reduce_chan_level1.weight"].transpose(0, 1)
    refused(state | {"reduce_chan_level1.weight": swapped}, "does not fit the rest")
    spoilt = state["output.weight"].clone()
    spoilt[0, 0, 0, 0] = torch.nan
    refused(state | {"output.weight": spoilt}, "not finite")
    refused(state | {"patch_embed.proj.weight": torch.rand(12, 2, 3, 3)}, "sizes do not fit")
    refused(state, "learnt penalty", flux="upwind")
    refused(state, "learnt penalty", tau=0.5)
    refused(state, "flux", flux="jmp")
    refused(state, "boundary", boundary="mirror")
    level = {k: t for k, t in state.items() if not k.startswith("encoder_level2")}
    refused(level, "incomplete")
    faces = with_constants(state)
    del faces["conv0.face_idx_left"]
    refused(faces, "incomplete")
    refused(with_constants(state), "its variant is face", variant="cell")


@needs_fixtures
def test_odd_tensors_are_refused(tmp_path: Path) -> None:
    state = checkpoint("dgno_small_cell")
    out = tmp_path / "own.safetensors"
    head = state["output.weight"]
    for odd in (
        head.to(torch.float8_e4m3fn),
        torch.quantize_per_tensor(head, 0.1, 0, torch.qint8),
        head.to_sparse(),
        head.to(torch.complex64),
        head.bool(),
        head.to(torch.int8),
        head.to(torch.int64),
        torch.full_like(head, 1e60, dtype=torch.float64),
        torch.zeros(1).expand(2_000_000, 1, 3, 3),
    ):
        path = save(state | {"output.weight": odd}, tmp_path)
        with pytest.raises(DGNOError, match=r"released\.pth"):
            convert_checkpoint(path, out)
        assert [p.name for p in tmp_path.iterdir()] == ["released.pth"], odd.dtype


@needs_fixtures
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_taken(dtype: torch.dtype, tmp_path: Path) -> None:
    state = {key: tensor.to(dtype) for key, tensor in checkpoint("dgno_small_cell").items()}
    path = tmp_path / "own.safetensors"
    convert_checkpoint(save(state, tmp_path), path)
    stem = load_model(path, "cpu").state_dict()["lifting.stem.weight"]
    assert torch.equal(stem, state["patch_embed.proj.weight"].float())


@needs_fixtures
def test_one_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = save(checkpoint("dgno_small_cell"), tmp_path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DGNOError, match="damaged"):
        convert_checkpoint(path, tmp_path / "own.safetensors")


@needs_fixtures
def test_a_face_file_without_its_constants_needs_the_variant(tmp_path: Path) -> None:
    path = save(checkpoint("dgno_small_face"), tmp_path)
    done = convert_checkpoint(path, tmp_path / "own.safetensors", variant="face")
    assert isinstance(done.card.config, DGNOConfig)
    assert (done.card.config.formulation, done.card.config.flux) == ("face", "average_jump")
    assert "(1, 1, 1, 1) blocks" in " ".join(done.assumed)
    model = load_model(tmp_path / "own.safetensors", "cpu")
    fixture = load_fixture("dgno_small_face")
    with torch.inference_mode():
        output = model(torch.tensor(fixture["64x64/input"]))[-1]
    np.testing.assert_allclose(output, fixture["64x64/gelu/output2_fp64"], atol=5e-4, rtol=0)


def test_an_interrupted_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Path, content: bytes) -> int:
        with self.open("wb") as handle:
            handle.write(content[:100])
        raise KeyboardInterrupt

    path = save(released_state(build_model(MPTConfig(width=8))), tmp_path)
    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        convert_checkpoint(path, tmp_path / "own.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["released.pth"]


def test_a_model_file_has_the_usual_rights(tmp_path: Path) -> None:
    path = save(released_state(build_model(MPTConfig(width=8))), tmp_path)
    convert_checkpoint(path, tmp_path / "own.safetensors")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "own.safetensors").stat().st_mode == plain.stat().st_mode


def test_a_compressed_archive_is_not_opened(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    with pytest.raises(DGNOError, match="compressed"):
        convert_checkpoint(path, tmp_path / "own.safetensors")


def test_names_that_fall_together_are_refused(tmp_path: Path) -> None:
    path = save({"module.a": torch.ones(2), "a": torch.zeros(2)}, tmp_path)
    with pytest.raises(DGNOError, match="'a' twice"):
        convert_checkpoint(path, tmp_path / "own.safetensors")


def test_a_dictionary_inside_itself_ends(tmp_path: Path) -> None:
    content: dict[str, Any] = {}
    content["params"] = content
    with pytest.raises(DGNOError, match="no named tensors"):
        convert_checkpoint(save(content, tmp_path), tmp_path / "own.safetensors")
