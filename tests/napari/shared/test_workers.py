"""Events reach the window throttled."""

from __future__ import annotations

from types import SimpleNamespace

from napari_dgno.shared.workers import Throttle


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
