"""What a step makes of this package's errors: end for good, or ask for another attempt."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.errors import ConfigurationError, InvalidInputError, PermanentError, RefusedError, TransientError
from orchestration.runtime.failures import step_failures


@pytest.mark.parametrize("kind", [PermanentError, ConfigurationError, InvalidInputError, RefusedError])
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_permanent_error_ends_the_step_without_a_retry(kind: type[PermanentError], attempts: int) -> None:
    with pytest.raises(dg.Failure) as raised, step_failures(attempts=attempts):
        raise kind("the feed names no category file")
    assert raised.value.description == "the feed names no category file"
    assert not raised.value.allow_retries
    assert isinstance(raised.value.__cause__, kind)


@pytest.mark.parametrize(
    ("wait_seconds", "retry_after", "waited"), [(30.0, None, 30.0), (30.0, 5.0, 30.0), (30.0, 90.0, 90.0)]
)
def test_a_transient_error_asks_for_the_attempts_that_are_left(
    wait_seconds: float, retry_after: float | None, waited: float
) -> None:
    with pytest.raises(dg.RetryRequested) as raised, step_failures(attempts=3, wait_seconds=wait_seconds):
        raise TransientError("busy", retry_after=retry_after)
    assert (raised.value.max_retries, raised.value.seconds_to_wait) == (2, waited)


def test_a_transient_error_stays_itself_where_one_attempt_is_all() -> None:
    with pytest.raises(TransientError, match="busy"), step_failures():
        raise TransientError("busy")


def test_other_errors_pass_untouched() -> None:
    with pytest.raises(ZeroDivisionError), step_failures(attempts=3):
        _ = 1 / 0


@pytest.mark.parametrize(("failures", "succeeds"), [(0, True), (1, True), (2, False)])
def test_dagster_tries_a_step_as_often_as_it_was_told(failures: int, succeeds: bool) -> None:
    tried: list[int] = []

    @dg.op
    def read() -> None:
        with step_failures(attempts=2):
            tried.append(len(tried))
            if len(tried) <= failures:
                raise TransientError("busy")

    @dg.job(executor_def=dg.in_process_executor)
    def reading() -> None:
        read()

    result = reading.execute_in_process({"loggers": _QUIET}, raise_on_error=False)
    assert result.success is succeeds
    assert len(tried) == min(failures + 1, 2)


def test_the_waits_of_a_step_double_from_the_first_one() -> None:
    @dg.op
    def read() -> None:
        with step_failures(attempts=4, wait_seconds=0.01):
            raise TransientError("busy")

    @dg.job(executor_def=dg.in_process_executor)
    def reading() -> None:
        read()

    result = reading.execute_in_process({"loggers": _QUIET}, raise_on_error=False)
    assert not result.success
    retries = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert [event.step_retry_data.seconds_to_wait for event in retries] == [0.01, 0.02, 0.04]


def test_dagster_does_not_retry_a_permanent_error_whatever_the_ops_policy() -> None:
    tried: list[int] = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=3))
    def read() -> None:
        tried.append(1)
        with step_failures(attempts=3):
            raise PermanentError("no")

    @dg.job(executor_def=dg.in_process_executor)
    def reading() -> None:
        read()

    assert not reading.execute_in_process({"loggers": _QUIET}, raise_on_error=False).success
    assert len(tried) == 1


_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}
