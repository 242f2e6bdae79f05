"""A termination request waits for the block's end, and is then obeyed."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from orchestration.work_queue.stopping import StopSignal

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


def test_a_signal_is_held_back_until_the_end_of_the_block(number: signal.Signals, received: list[int]) -> None:
    called: list[str] = []
    with StopSignal() as stop:
        stop.call(lambda: called.append("stop"))
        signal.raise_signal(number)
        assert (called, received) == (["stop"], [])
    assert received == [number]


def test_a_listener_that_comes_late_is_called_at_once(number: signal.Signals, received: list[int]) -> None:
    called: list[str] = []
    with StopSignal() as stop:
        signal.raise_signal(number)
        stop.call(lambda: called.append("stop"))
        assert called == ["stop"]
    assert received == [number]


def test_an_error_of_the_block_wins_over_the_signal(number: signal.Signals, received: list[int]) -> None:
    def fail_after_a_signal() -> None:
        with StopSignal():
            signal.raise_signal(number)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_a_signal()
    assert received == []


def test_without_a_signal_everything_is_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignal():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


def test_outside_the_main_thread_nothing_is_touched(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    seen: list[object] = []

    def work() -> None:
        with StopSignal():
            seen.append(signal.getsignal(number))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
