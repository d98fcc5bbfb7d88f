"""Detectors: the packaged one, and a plain stand-in."""

from __future__ import annotations

import pytest

from dgno_core.detection.models import Detector, load_detector, why_unavailable
from support.nuclei import plain_predict


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Detector:
    """Return a detector that needs no TensorFlow."""
    monkeypatch.setattr("dgno_core.detection.run.predict", plain_predict)
    return Detector("plain", None, 1)


@pytest.fixture(scope="session")
def packaged() -> Detector:
    """Load the packaged model once; needs StarDist (see `nox -s tests`)."""
    if (reason := why_unavailable()) is not None:
        pytest.skip(reason)
    return load_detector()
