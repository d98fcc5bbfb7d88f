"""Events reach the window throttled, and a stopped generator is closed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dgno_core.errors import DGNOError
from dgno_core.io import as_source
from napari_dgno._workers import Throttle, check_fits


def test_progress_is_thinned_and_nothing_else() -> None:
    now = [0.0]
    throttle = Throttle(0.1, clock=lambda: now[0])
    passed = []
    for done in range(1, 101):
        now[0] += 0.01
        if throttle.passes(SimpleNamespace(done=done, total=100)):
            passed.append(done)
    assert passed[-1] == 100  # the last one always
    assert 9 <= len(passed) <= 12
    assert throttle.passes(SimpleNamespace(message="news"))


def test_a_result_larger_than_memory_is_refused_before_anything_is_done() -> None:
    source = as_source(np.zeros((4, 50, 50), np.uint16), name="cells")
    check_fits(source, free=40_000)
    with pytest.raises(DGNOError, match=r"'cells'.*Copy command"):
        check_fits(source, free=20_000)
