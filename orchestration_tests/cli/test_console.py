"""The console of a running system prints what a person needs, and leaves the rest in the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from orchestration.cli.console import Console, Service
from orchestration.demo.server import serve
from orchestration.runtime.drains import DRAIN_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ephemeral() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def service(tmp_path: Path, name: str = "ui", url: str = "http://127.0.0.1:1") -> Service:
    return Service(name, [], tmp_path / f"{name}.jsonl", url, "/ok", "assets")


def write(one: Service, **entry: object) -> None:
    with one.log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def test_of_a_log_only_new_errors_are_shown_and_each_once(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    one = service(tmp_path)
    write(one, level="error", event="before")
    console = Console([one], ephemeral)
    write(one, level="info", event="chatter")
    write(one, level="error", event="request failed", http_request_id="ab12")
    write(one, level="error", event="request failed", http_request_id="ab12")
    with one.log.open("a", encoding="utf-8") as file:
        file.write("no JSON at all\n" + '{"level": "error", "event": "half')
    console.look()
    assert capsys.readouterr().err.split("\n")[0][10:] == "ui         request failed: ab12"
    with one.log.open("a", encoding="utf-8") as file:
        file.write(' a line"}\n')
    console.look()
    assert "half a line" in capsys.readouterr().err


def test_a_log_that_is_rotated_or_removed_ends_nothing(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    one = service(tmp_path)
    write(one, level="error", event="before, and longer than what comes after it")
    console = Console([one], ephemeral)
    one.log.write_text("")
    write(one, level="error", event="after")
    console.look()
    assert "after" in capsys.readouterr().err
    one.log.unlink()
    console.look()
    console.ended(0, 1)
    write(one, level="error", event="new")
    console.look()
    assert "new" in capsys.readouterr().err


def test_an_error_of_a_sensor_is_shown_by_its_cause(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    one = service(tmp_path)
    console = Console([one], ephemeral)
    text = repr("Stack\n\nThe above exception was caused by the following exception:\nFeedError: no answer\n\nStack")
    for event in ("Sensor tick caught an error", "Sensor daemon caught an error for sensor feed"):
        write(one, level="error", event=event, exc_info=["class", text])
    console.look()
    shown = capsys.readouterr().err.strip().split("\n")
    assert [line[10:] for line in shown] == [
        "ui         Sensor daemon caught an error for sensor feed: FeedError: no answer"
    ]


def test_a_service_is_shown_when_it_answers_and_all_when_the_last_does(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "ok").touch()
    with serve(tmp_path / "files", port=0) as url:
        console = Console([service(tmp_path, "api", url), service(tmp_path)], ephemeral)
        console.look()
        shown = capsys.readouterr().err
    assert f"api        ready: {url}  assets" in shown
    assert "Whole logs" not in shown


def test_runs_are_shown_when_they_fail_or_did_something(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    @dg.op
    def work() -> None:
        pass

    @dg.job
    def catalogue_sync() -> None:
        work()

    @dg.op
    def refuse() -> None:
        raise dg.Failure("2 of 9 partitions failed")

    @dg.job
    def prints_render() -> None:
        refuse()

    console = Console([service(tmp_path)], ephemeral)
    catalogue_sync.execute_in_process(instance=ephemeral)
    refused = prints_render.execute_in_process(instance=ephemeral, raise_on_error=False)
    catalogue_sync.execute_in_process(instance=ephemeral, tags={DRAIN_TAG: "x"})
    failed = ephemeral.create_run_for_job(catalogue_sync)
    ephemeral.report_run_failed(failed, "its process was killed")
    console.look()
    shown = capsys.readouterr().err
    assert shown.count("catalogue_sync finished in") == 1
    assert f"catalogue_sync FAILURE: http://127.0.0.1:1/runs/{failed.run_id}  its process was killed\n" in shown
    assert f"prints_render FAILURE: http://127.0.0.1:1/runs/{refused.run_id}  2 of 9 partitions failed\n" in shown


def test_while_all_stops_nothing_is_said_of_those_that_miss_what_ended_before_them(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    code, daemon = service(tmp_path, "code", url=""), service(tmp_path, "daemon", url="")
    console = Console([code, daemon], ephemeral)
    console.stopping()
    write(code, level="error", event="disk full")
    write(daemon, level="error", event="no code server")
    console.look()
    shown = capsys.readouterr().err
    assert "disk full" in shown
    assert "no code server" not in shown


def test_a_service_that_ends_by_itself_shows_its_last_words(
    tmp_path: Path, ephemeral: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    one = service(tmp_path, "api")
    one.log.write_text("first\n" * 9 + "port 3001 is in use\n", encoding="utf-8")
    Console([one], ephemeral).ended(0, 1)
    shown = capsys.readouterr().err
    assert "api        ended by itself with exit code 1" in shown
    assert "port 3001 is in use" in shown
