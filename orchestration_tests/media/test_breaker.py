"""When a failing endpoint is left alone, and when it is asked again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import PermanentError, TransientError
from orchestration.media.breaker import BreakerPolicy, EndpointBreaker

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = BreakerPolicy(failures=3, wait_seconds=30)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The wall clock, which the library reads itself."""
    clock = Clock()
    monkeypatch.setattr("time.time", clock)
    return clock


def fail(breaker: EndpointBreaker, error: BaseException, *, times: int = 1) -> None:
    for _ in range(times):
        with suppress(type(error)), breaker:
            raise error


def succeed(breaker: EndpointBreaker) -> None:
    with breaker:
        pass


def opened() -> EndpointBreaker:
    breaker = EndpointBreaker("http://x", POLICY)
    fail(breaker, TransientError("down"), times=POLICY.failures)
    return breaker


def test_it_opens_after_so_many_failures_in_a_row(clock: Clock) -> None:
    breaker = opened()
    clock.now += 10
    with pytest.raises(TransientError, match="http://x keeps failing") as caught, breaker:
        pytest.fail("an open breaker lets nobody in")
    assert caught.value.retry_after == pytest.approx(20)


def test_a_success_between_failures_starts_the_count_anew() -> None:
    breaker = EndpointBreaker("http://x", POLICY)
    fail(breaker, TransientError("down"), times=2)
    succeed(breaker)
    fail(breaker, TransientError("down"), times=2)
    succeed(breaker)


@pytest.mark.parametrize(
    "error", [PermanentError("404"), asyncio.CancelledError(), KeyError("ours")], ids=["permanent", "cancelled", "bug"]
)
def test_what_is_not_the_hosts_trouble_does_not_count(error: BaseException) -> None:
    breaker = EndpointBreaker("http://x", POLICY)
    fail(breaker, error, times=10)
    succeed(breaker)


def test_after_the_wait_a_success_closes_it(clock: Clock) -> None:
    breaker = opened()
    clock.now += 30.5
    succeed(breaker)
    fail(breaker, TransientError("down"), times=2)
    succeed(breaker)


def test_after_the_wait_one_failure_opens_it_again(clock: Clock) -> None:
    breaker = opened()
    clock.now += 30.5
    fail(breaker, TransientError("still down"))
    with pytest.raises(TransientError, match="keeps failing") as caught, breaker:
        pytest.fail("an open breaker lets nobody in")
    assert caught.value.retry_after == pytest.approx(30)


def test_a_late_success_from_before_the_opening_does_not_close_it() -> None:
    breaker = EndpointBreaker("http://x", POLICY)
    with breaker:
        fail(breaker, TransientError("down"), times=3)
    with pytest.raises(TransientError, match="keeps failing"), breaker:
        pytest.fail("an open breaker lets nobody in")


def test_many_refusals_hold_on_to_nothing() -> None:
    def depth(enter: Callable[[], None]) -> int:
        with pytest.raises(TransientError) as caught:
            enter()
        return len(caught.traceback)

    breaker = opened()
    assert {depth(lambda: succeed(breaker)) for _ in range(50)} == {depth(lambda: succeed(breaker))}
