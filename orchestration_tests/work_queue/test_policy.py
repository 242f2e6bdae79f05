"""The retry schedules, and what is final at once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import ConfigurationError, InvalidInputError, TransientError
from orchestration.work_queue.model import DeadReason, TaskState
from orchestration.work_queue.policy import LONGEST_RETRY_AFTER, Backoff, QueuePolicy, RetryPolicy, Verdict


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        pytest.param(RetryPolicy(2, 30, Backoff.EXPONENTIAL), (30,), id="supplier"),
        pytest.param(RetryPolicy(3, 10, Backoff.EXPONENTIAL), (10, 20), id="family"),
        pytest.param(RetryPolicy(5, 30, Backoff.FIXED), (30, 30, 30, 30), id="image"),
        pytest.param(RetryPolicy(5, 1, Backoff.EXPONENTIAL), (1, 2, 4, 8), id="preview"),
        pytest.param(RetryPolicy(5, 1, Backoff.EXPONENTIAL, longest_wait=3), (1, 2, 3, 3), id="capped"),
        pytest.param(RetryPolicy(1), (), id="one attempt"),
    ],
)
def test_n_attempts_have_n_minus_one_waits(policy: RetryPolicy, waits: tuple[float, ...]) -> None:
    assert policy.waits() == waits


@pytest.mark.parametrize("attempts", [0, -1])
def test_a_policy_without_attempts_is_refused(attempts: int) -> None:
    with pytest.raises(ConfigurationError, match="at least one attempt"):
        RetryPolicy(attempts)


def test_a_failure_waits_for_its_place_in_the_schedule_and_the_last_one_is_final() -> None:
    policy = RetryPolicy(3, 10, Backoff.EXPONENTIAL)
    verdicts = [policy.judge(attempt, ValueError("broken")) for attempt in (1, 2, 3)]
    assert verdicts == [
        Verdict(TaskState.WAITING, wait=10),
        Verdict(TaskState.WAITING, wait=20),
        Verdict(TaskState.DEAD, reason=DeadReason.EXHAUSTED),
    ]


def test_a_success_is_complete_whatever_the_attempt() -> None:
    assert RetryPolicy(1).judge(7, None) == Verdict(TaskState.COMPLETED)


def test_a_permanent_error_is_final_at_once() -> None:
    assert RetryPolicy(5).judge(1, InvalidInputError("no image")) == Verdict(
        TaskState.DEAD, reason=DeadReason.PERMANENT
    )


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (120, 120),
        (5, 30),
        (None, 30),
        (-1, 30),
        (float("nan"), 30),
        (float("inf"), LONGEST_RETRY_AFTER.total_seconds()),
    ],
)
def test_the_wait_that_the_other_side_asks_for_counts_when_it_is_longer(asked: float | None, wait: float) -> None:
    assert RetryPolicy(2, 30).judge(1, TransientError("busy", retry_after=asked)).wait == wait


@given(
    attempts=st.integers(1, 100),
    first=st.floats(0, 1e6),
    longest=st.floats(0, 1e6),
    backoff=st.sampled_from(Backoff),
)
def test_waits_never_shrink_and_never_exceed_the_longest(
    attempts: int, first: float, longest: float, backoff: Backoff
) -> None:
    waits = RetryPolicy(attempts, first, backoff, longest).waits()
    assert len(waits) == attempts - 1
    assert list(waits) == sorted(waits)
    assert all(wait <= longest for wait in waits)


def test_an_idle_worker_looks_ever_less_often() -> None:
    policy = QueuePolicy("mirror", RetryPolicy(5), poll_seconds=2.5, longest_poll_seconds=15.0)
    waits = [policy.poll(in_vain) for in_vain in range(8)]
    assert waits == pytest.approx([2.5, 3.5, 4.9, 6.86, 9.604, 13.4456, 15.0, 15.0])


def test_a_worker_looks_each_second_unless_told_otherwise() -> None:
    assert {QueuePolicy("mirror", RetryPolicy(5)).poll(in_vain) for in_vain in (0, 1, 50)} == {1.0}


@pytest.mark.parametrize(
    ("asked", "claimed", "following"),
    [(12, 12, 24), (64, 64, 100), (100, 100, 100), (100, 99, 12), (12, 0, 12), (12, 1, 12)],
)
def test_a_claim_that_came_full_makes_the_next_one_larger(asked: int, claimed: int, following: int) -> None:
    policy = QueuePolicy("mirror", RetryPolicy(3), batch=12, largest_batch=100)
    assert policy.next_batch(asked, claimed) == following


def test_without_a_largest_batch_all_claims_are_alike() -> None:
    policy = QueuePolicy("mirror", RetryPolicy(3), batch=12)
    assert policy.next_batch(12, 12) == 12
