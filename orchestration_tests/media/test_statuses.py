"""What HTTP statuses and Retry-After headers mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import TransientError
from orchestration.media.statuses import (
    MAX_RETRY_AFTER_SECONDS,
    NotFoundError,
    UnexpectedStatusError,
    error_for_status,
    parse_retry_after,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_a_passing_trouble_is_transient(status: int) -> None:
    error = error_for_status("http://x/a", status, "7", now=NOW)
    assert isinstance(error, TransientError)
    assert error.retry_after == 7


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_not_found(status: int) -> None:
    error = error_for_status("http://x/a", status, None, now=NOW)
    assert isinstance(error, NotFoundError)
    assert error.status == status


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 305, 400, 401, 403, 451])
def test_any_other_status_is_permanent_and_keeps_its_number(status: int) -> None:
    error = error_for_status("http://x/a", status, "7", now=NOW)
    assert isinstance(error, UnexpectedStatusError)
    assert not isinstance(error, NotFoundError)
    assert error.status == status
    assert f"http://x/a answered with status {status}" in str(error)


@pytest.mark.parametrize("value", [None, "", "soon", "-5", "1.5", "²", "Sun, 99 Foo 2026 00:00:00 GMT"])
def test_an_unusable_wait_is_none(value: str | None) -> None:
    assert parse_retry_after(value, now=NOW) is None


@pytest.mark.parametrize(
    "value",
    ["Sun, 01 Mar 2026 12:01:30 GMT", "Sunday, 01-Mar-26 12:01:30 GMT", "Sun Mar  1 12:01:30 2026"],
)
def test_each_form_of_an_http_date_is_a_wait_until_then(value: str) -> None:
    assert parse_retry_after(value, now=NOW) == 90


def test_a_date_in_the_past_means_now() -> None:
    assert parse_retry_after("Sun, 01 Mar 2020 12:00:00 GMT", now=NOW) == 0


@given(st.integers(min_value=0, max_value=10**400))
def test_seconds_are_capped_however_many(seconds: int) -> None:
    assert parse_retry_after(str(seconds), now=NOW) == min(seconds, MAX_RETRY_AFTER_SECONDS)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9000)))
def test_a_date_is_capped_however_far(ahead: timedelta) -> None:
    ahead = timedelta(seconds=int(ahead.total_seconds()))
    wait = parse_retry_after(format_datetime(NOW + ahead, usegmt=True), now=NOW)
    assert wait == min(ahead.total_seconds(), MAX_RETRY_AFTER_SECONDS)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ (GMT|[+-]\d+)", fullmatch=True))
def test_no_header_breaks_the_parser(value: str) -> None:
    wait = parse_retry_after(value, now=NOW)
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER_SECONDS
