"""Models: StarDist missing, no network, damaged folders, fetching; and TensorFlow off the GPU."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import types
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from dgno_core.detection import models as pretrained
from dgno_core.detection.models import FOLDER, PACKAGED, detector_names, load_detector
from dgno_core.detection.run import detect
from dgno_core.detection.stardist_library import import_stardist, why_unavailable
from dgno_core.errors import DGNOError

MODEL = FOLDER / PACKAGED


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packaged model's folder."""
    return Path(shutil.copytree(MODEL, tmp_path / "model"))


def test_the_packaged_model_is_small_and_says_what_it_is() -> None:
    files = [path for path in MODEL.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    card = json.loads((MODEL / "card.json").read_text(encoding="utf-8"))
    weights = (MODEL / "weights_best.h5").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == card["weights_sha256"]
    assert card["data_licence"] == "CC0"
    assert detector_names()[0] == PACKAGED == card["name"]


def test_the_packaged_model_has_seen_no_evaluation_field(shared_data: Path) -> None:
    card = json.loads((MODEL / "card.json").read_text(encoding="utf-8"))
    evaluation = (shared_data / "EVAL.tsv").read_text(encoding="utf-8")
    assert len(card["trained_on_files"]) > 10
    assert not [name for name in card["trained_on_files"] if name in evaluation]


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (["tensorflow"], "TensorFlow, which is not"),
        (["stardist"], "StarDist, which is not"),
        (["tensorflow", "stardist"], "TensorFlow and StarDist, which are not"),
    ],
)
def test_what_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, missing: list[str], words: str
) -> None:
    for name in ("tensorflow", "stardist"):
        module = None if name in missing else types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
    reason = why_unavailable()
    assert reason is not None
    assert words in reason
    assert "pip install stardist tensorflow" in reason
    with pytest.raises(DGNOError, match="pip install stardist tensorflow"):
        load_detector()
    with pytest.raises(DGNOError, match="pip install stardist tensorflow"):
        detect("there-is-no-such-image.tif")


def test_gpus_are_hidden_before_stardist_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    tensorflow = types.ModuleType("tensorflow")
    tensorflow.config = types.SimpleNamespace(  # type: ignore[attr-defined]
        set_visible_devices=lambda *what: calls.append((what, "stardist.models" in sys.modules))
    )
    monkeypatch.delitem(sys.modules, "stardist.models", raising=False)
    package = types.ModuleType("stardist")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    monkeypatch.setitem(sys.modules, "stardist", package)
    with pytest.raises(DGNOError, match="could not be loaded"):  # the fake has no models
        import_stardist()
    assert calls == [(([], "GPU"), False)]


INTERRUPTED = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    raise ImportError("numpy.core.multiarray failed to import") from None
"""


def test_an_interrupt_that_a_library_swallows_is_no_broken_installation(tmp_path: Path) -> None:
    for name in ("tensorflow", "stardist"):
        (tmp_path / f"{name}.py").write_text(INTERRUPTED, encoding="utf-8")
    code = (
        "import signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from dgno_core.detection.stardist_library import import_stardist\n"
        "try:\n    import_stardist()\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.stdout.strip() == "interrupted", done.stderr


def test_a_broken_installation_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    monkeypatch.setitem(sys.modules, "stardist", types.ModuleType("stardist"))
    with pytest.raises(DGNOError, match="install it again") as caught:
        import_stardist()
    assert "\n" not in str(caught.value)


# --- from here on with the real StarDist ----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.stardist
class TestFolders:
    @pytest.fixture(autouse=True)
    def _needs_stardist(self, packaged) -> None: ...

    def test_a_copied_folder_is_the_same_model(self, packaged, copy: Path) -> None:
        loaded = load_detector(copy)
        assert loaded.channels == 1
        assert loaded.model.thresholds == packaged.model.thresholds
        for one, other in zip(
            loaded.model.keras_model.get_weights(),
            packaged.model.keras_model.get_weights(),
            strict=True,
        ):
            assert (one == other).all()

    def test_the_weights_are_those_of_the_file(self, packaged) -> None:
        import h5py

        stored: list = []
        with h5py.File(MODEL / "weights_best.h5") as file:
            file.visititems(
                lambda _, item: stored.append(item[()]) if hasattr(item, "dtype") else None
            )
        held = packaged.model.keras_model.get_weights()
        assert sorted(float(part.sum()) for part in stored) == sorted(
            float(part.sum()) for part in held
        )

    def test_a_folder_without_a_model_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DGNOError, match=r"holds no StarDist model"):
            load_detector(tmp_path)

    def test_a_name_that_nobody_knows_is_refused_with_those_that_are(self) -> None:
        with pytest.raises(DGNOError, match="2D_versatile_fluo"):
            load_detector("nothing-of-the-kind")

    def test_settings_without_weights_are_refused(self, copy: Path) -> None:
        (copy / "weights_best.h5").unlink()
        with pytest.raises(DGNOError, match="no weights"):
            load_detector(copy)

    @pytest.mark.parametrize("keep", [0, 1000, 700_000])
    def test_weights_that_are_cut_off_are_refused(self, copy: Path, keep: int) -> None:
        path = copy / "weights_best.h5"
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(DGNOError, match="cannot be loaded") as caught:
            load_detector(copy)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("text", ["{", "[]", '"text"', "{}"])
    def test_damaged_settings_are_refused(self, copy: Path, text: str) -> None:
        (copy / "config.json").write_text(text, encoding="utf-8")
        with pytest.raises(DGNOError, match=r"config\.json"):
            load_detector(copy)

    def test_settings_of_another_network_are_refused(self, copy: Path) -> None:
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        (copy / "config.json").write_text(json.dumps(config | {"n_rays": 64}), encoding="utf-8")
        with pytest.raises(DGNOError, match="cannot be loaded"):
            load_detector(copy)

    def test_a_model_for_volumes_is_refused(self, copy: Path) -> None:
        config = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        volume = config | {"n_dim": 3, "axes": "ZYXC"}
        (copy / "config.json").write_text(json.dumps(volume), encoding="utf-8")
        with pytest.raises(DGNOError, match="planes"):
            load_detector(copy)


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serve files from memory."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None: ...

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", files
    running.shutdown()
    running.server_close()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("config.json", "thresholds.json", "weights_best.h5"):
            archive.write(MODEL / name, f"inner/{name}")
        archive.writestr("../escape.json", "{}")
        archive.writestr("run.py", "")
    return buffer.getvalue()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty place for what is fetched."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


def known_as(monkeypatch: pytest.MonkeyPatch, url: str, body: bytes) -> None:
    details = {"url": url, "hash": hashlib.sha256(body).hexdigest()}
    monkeypatch.setattr(pretrained, "_details", lambda _: ("2D_demo", details))


def test_a_pretrained_model_is_fetched_once(server, home: Path, monkeypatch) -> None:
    url, files = server
    files["/2D_demo.zip"] = zipped()
    known_as(monkeypatch, f"{url}/2D_demo.zip", files["/2D_demo.zip"])
    folder = pretrained.pretrained_folder("2D_demo")
    assert folder is not None
    assert home in folder.parents
    assert (folder / "weights_best.h5").read_bytes() == (MODEL / "weights_best.h5").read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "escape.json", "thresholds.json", "weights_best.h5",
    ]  # fmt: skip
    assert sorted(path.name for path in folder.parent.iterdir()) == [
        "2D_demo.zip", "2D_demo_extracted",
    ]  # fmt: skip
    files.clear()
    assert pretrained.pretrained_folder("2D_demo") == folder


@pytest.mark.parametrize("fault", ["closed port", "404", "checksum", "no zip"])
def test_what_cannot_be_fetched_leaves_nothing(
    server, home: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    url, files = server
    body = b"no zip" if fault == "no zip" else zipped()
    if fault != "404":
        files["/2D_demo.zip"] = body[:-9] if fault == "checksum" else body
    place = "http://127.0.0.1:9" if fault == "closed port" else url
    known_as(monkeypatch, f"{place}/2D_demo.zip", body)
    with pytest.raises(DGNOError) as caught:
        pretrained.pretrained_folder("2D_demo")
    assert "\n" not in str(caught.value)
    if fault != "no zip":
        assert "network" in str(caught.value)
        assert "packaged model" in str(caught.value)
    assert not home.exists()


def test_a_model_that_stardist_has_unpacked_itself_is_found(home: Path, monkeypatch) -> None:
    known_as(monkeypatch, "http://127.0.0.1:9", b"")
    place = home / "models" / "StarDist2D" / "2D_demo" / "2D_demo"
    shutil.copytree(MODEL, place)
    assert pretrained.pretrained_folder("2D_demo") == place


@pytest.mark.slow
@pytest.mark.stardist
def test_stardist_still_knows_the_names_that_are_offered(packaged) -> None:
    for name in detector_names()[1:]:
        known = pretrained._details(name)
        assert known is not None
        assert known[1]["url"].startswith("https://")
    assert pretrained._details("nothing-of-the-kind") is None
