"""Log lines: one JSON object each, with what they are about."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from orchestration.observability.logs import about, configure_logging, get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def default_logging() -> Iterator[None]:
    """Leave structlog as it was found."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    """What is logged from here on."""
    stream = io.StringIO()
    configure_logging("INFO", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """The lines that were logged."""
    return [json.loads(line) for line in stream.getvalue().split("\n")[:-1]]


def test_a_line_tells_event_level_time_and_details(stream: io.StringIO) -> None:
    get_logger().warning("family quarantined", url="https://feed/Größe.json")
    (line,) = lines(stream)
    assert line["event"] == "family quarantined"
    assert line["level"] == "warning"
    assert line["url"] == "https://feed/Größe.json"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(line["timestamp"])).total_seconds()) < 60


def test_a_line_stays_one_line_whatever_it_holds(stream: io.StringIO) -> None:
    get_logger().info("two\nlines", value='"quoted"\r\n\u2028 and more')
    assert [line["event"] for line in lines(stream)] == ["two\nlines"]


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    configure_logging("warning", stream)
    get_logger().info("unseen")
    get_logger().error("seen")
    assert [line["event"] for line in lines(stream)] == ["seen"]


def test_an_error_brings_its_traceback_in_the_same_line(stream: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        get_logger().exception("failed")
    (line,) = lines(stream)
    assert line["exception"].endswith("ZeroDivisionError: division by zero")


def test_bound_names_are_in_every_line_of_the_block_and_gone_after_it(stream: io.StringIO) -> None:
    with about(run="r1", supplier="A23"):
        with about(a_number="A23-1", attempt=2):
            get_logger().info("inner")
        get_logger().info("outer")
    get_logger().info("after")
    found = [{name: line.get(name) for name in ("run", "supplier", "a_number", "attempt")} for line in lines(stream)]
    assert found == [
        {"run": "r1", "supplier": "A23", "a_number": "A23-1", "attempt": 2},
        {"run": "r1", "supplier": "A23", "a_number": None, "attempt": None},
        {"run": None, "supplier": None, "a_number": None, "attempt": None},
    ]


async def test_tasks_that_run_at_once_do_not_mix_their_names(stream: io.StringIO) -> None:
    async def work(number: int) -> None:
        with about(a_number=f"A23-{number}"):
            await asyncio.sleep(0)
            get_logger().info("done", number=number)

    with about(run="r1"):
        await asyncio.gather(*(work(number) for number in range(20)))
    assert all(line["a_number"] == f"A23-{line['number']}" and line["run"] == "r1" for line in lines(stream))
    assert len(lines(stream)) == 20


def test_a_logger_that_was_made_at_import_follows_a_later_configuration() -> None:
    logger = get_logger()
    stream = io.StringIO()
    configure_logging("INFO", stream)
    logger.info("seen")
    assert [line["event"] for line in lines(stream)] == ["seen"]


def test_logs_go_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging()
    get_logger().info("seen")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "seen"
