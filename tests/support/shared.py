"""Where the numeric fixtures and the shared images lie, when they are there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).parents[3] / "shared"
FIXTURES = SHARED / "reference" / "fixtures"
DATA = SHARED / "data"

needs_fixtures = pytest.mark.skipif(
    not FIXTURES.is_dir(), reason="the numeric fixtures (../shared/reference) are not here"
)
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the shared images (../shared/data) are not here"
)


def load_fixture(name: str) -> dict[str, np.ndarray]:
    """All arrays of a fixture file."""
    with np.load(FIXTURES / f"{name}.npz", allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}
