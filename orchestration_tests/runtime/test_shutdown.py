"""A termination signal asks the block to end, and interrupts nothing."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from orchestration.runtime.shutdown import FORCE_SECONDS, GracefulShutdown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> signal.Signals:
    """Either way of asking a process to end."""
    chosen: signal.Signals = request.param
    return chosen


@pytest.fixture
def received(number: signal.Signals) -> Iterator[list[int]]:
    """What reaches whoever listened before the block."""
    heard: list[int] = []

    def hear(arrived: int, _frame: FrameType | None) -> None:
        heard.append(arrived)

    before = signal.signal(number, hear)
    yield heard
    signal.signal(number, before)


def test_a_signal_asks_the_block_to_end_and_raises_nothing(number: signal.Signals, received: list[int]) -> None:
    called: list[str] = []
    with GracefulShutdown() as stop:
        stop.call(lambda: called.append("stop"))
        assert not stop.is_requested
        signal.raise_signal(number)
        assert (called, received, stop.is_requested) == (["stop"], [], True)
    assert received == []


def test_a_listener_that_comes_late_is_called_at_once(number: signal.Signals, received: list[int]) -> None:
    called: list[str] = []
    with GracefulShutdown() as stop:
        signal.raise_signal(number)
        stop.call(lambda: called.append("stop"))
        assert called == ["stop"]
    assert received == []


def test_a_block_in_another_thread_hears_of_it_also_when_it_is_entered_later(
    number: signal.Signals, received: list[int]
) -> None:
    entered, requested = threading.Event(), threading.Event()
    heard: list[bool] = []

    def work() -> None:
        with GracefulShutdown() as early:
            entered.set()
            assert requested.wait(10)
            with GracefulShutdown() as late:
                heard.extend([early.is_requested, late.is_requested])

    thread = threading.Thread(target=work)
    with GracefulShutdown():
        thread.start()
        assert entered.wait(10)
        signal.raise_signal(number)
        requested.set()
        thread.join()
    assert (heard, received) == ([True, True], [])


def test_the_blocks_around_it_hear_of_the_request_as_well(number: signal.Signals, received: list[int]) -> None:
    with GracefulShutdown() as outer, GracefulShutdown() as inner:
        signal.raise_signal(number)
        assert (inner.is_requested, outer.is_requested) == (True, True)
    assert received == []


def test_a_second_signal_that_comes_at_once_is_the_same_request(number: signal.Signals, received: list[int]) -> None:
    with GracefulShutdown() as stop:
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert stop.is_requested
    assert received == []


def test_a_second_signal_after_a_while_goes_to_the_handler_before(number: signal.Signals, received: list[int]) -> None:
    now = 0.0
    with GracefulShutdown(clock=lambda: now):
        signal.raise_signal(number)
        now = FORCE_SECONDS
        signal.raise_signal(number)
    assert received == [number]


def test_an_error_of_the_block_wins_over_the_signal(number: signal.Signals, received: list[int]) -> None:
    def fail_after_a_signal() -> None:
        with GracefulShutdown():
            signal.raise_signal(number)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_signal()
    assert received == []


def test_without_a_signal_everything_is_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with GracefulShutdown():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


def test_outside_the_main_thread_nothing_is_touched(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    seen: list[object] = []

    def work() -> None:
        with GracefulShutdown():
            seen.append(signal.getsignal(number))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_handler_of_somebody_else_between_two_blocks_keeps_neither_from_hearing(
    number: signal.Signals, received: list[int]
) -> None:
    foreign: list[int] = []
    with GracefulShutdown() as outer:
        before = signal.signal(number, lambda arrived, _frame: foreign.append(arrived))  # as Dagster does
        with GracefulShutdown() as inner:
            signal.raise_signal(number)
            assert (inner.is_requested, outer.is_requested) == (True, True)
        signal.signal(number, before)
    assert (received, foreign) == ([], [])
