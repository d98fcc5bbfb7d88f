from __future__ import annotations

import pytest

from dgno_core.cli import progress
from dgno_core.cli.progress import Bar, Pace


class Clock:
    """A time that only passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    return clock


def lines(clock: Clock, seconds_a_step: float, total: int) -> list[tuple[int, str]]:
    pace, found = Pace(), []
    for done in range(1, total + 1):
        clock.now += seconds_a_step
        if (left := pace.due(done, total)) is not None:
            found.append((done, left))
    return found


def test_short_work_is_silent(clock: Clock) -> None:
    assert lines(clock, 0.09, 100) == []


def test_work_in_one_step_is_silent_however_slow(clock: Clock) -> None:
    pace = Pace()
    for done in (0, 0, 1):  # loading, beginning, done
        assert pace.due(done, 1) is None
        clock.now += 100


def test_the_last_step_has_no_line(clock: Clock) -> None:
    assert [done for done, _ in lines(clock, 100, 4)] == [2, 3]


def test_a_line_for_each_tenth_but_not_too_often(clock: Clock) -> None:
    found = lines(clock, 1.0, 100)
    assert [done for done, _ in found] == list(range(11, 100, 10))
    assert found[0] == (11, "about 0:01:29 left")
    assert len(lines(clock, 0.2, 100)) == 1


def test_slow_work_has_a_line_a_minute(clock: Clock) -> None:
    assert [done for done, _ in lines(clock, 6.0, 1000)][:3] == [11, 21, 31]


def test_the_time_left_counts_from_where_the_counting_began(clock: Clock) -> None:
    pace = Pace()
    pace.due(5000, 10000)
    clock.now += 100
    assert pace.due(6000, 10000) == "about 0:06:40 left"
    clock.now += 5
    assert pace.due(1, 2001) is None  # something else is counted now
    clock.now += 100
    assert pace.due(201, 2001) == "about 0:15:00 left"


def test_without_a_terminal_lines_are_plain(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bar("a.tif") as bar:
        bar.update(1, 20, "plane 0/2")
        clock.now += 20
        bar.update(5, 20, "plane 1/2")
    assert capsys.readouterr().err == "a.tif: 5 of 20, 25 %, plane 1/2, about 0:01:15 left\n"


def test_quiet_means_silent(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("a.tif", is_quiet=True) as bar:
        bar.update(1, 20)
        clock.now += 100
        bar.update(5, 20)
        bar.say("something")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
