"""What is said of a failed step names the item and the remedy, and not the exception below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.cli.failures import step_failure
from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable


def unreachable() -> None:
    try:
        raise ConnectionRefusedError(111, "Connect call failed")
    except OSError as error:
        raise TransientError("http://feed/Import.txt could not be fetched") from error


def unforeseen() -> None:
    raise ValueError("two\nlines")


def refused() -> None:
    raise dg.Failure("2 of 9 partitions failed")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (unreachable, "http://feed/Import.txt could not be fetched"),
        (unforeseen, "ValueError: two lines"),
        (refused, "2 of 9 partitions failed"),
    ],
)
@pytest.mark.parametrize("retries", [0, 1])
def test_the_words_are_those_of_whoever_knew_the_item(work: Callable[[], None], said: str, retries: int) -> None:
    @dg.op(retry_policy=dg.RetryPolicy(max_retries=retries) if retries else None)
    def step() -> None:
        work()

    @dg.job
    def job() -> None:
        step()

    result = job.execute_in_process(raise_on_error=False)
    (failed,) = (event for event in result.all_events if event.is_step_failure)
    assert step_failure(failed) == said
