"""The assets of prints on a real instance: a partition a SKU, with pictures, and checks that say what to do."""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from orchestration.cli.prints_commands import check_prints, print_counts, print_problems, render_prints
from orchestration.errors import StoppedError
from orchestration.prints.defs.stl import PrintConfig, skus, stl
from orchestration.prints.defs.stl_metadata import PrintReport
from orchestration.prints.solid.refusal import Check
from orchestration.prints.solid.request import read
from orchestration.prints.tasks import handler, pool_process
from orchestration.prints.tasks.queue import BATCH
from orchestration.runtime.assets import run_config
from orchestration_tests.prints.printing import STYLE3, TAG, order, renders, rows, run_sql, take_in, tasks
from orchestration_tests.prints.solid.sketching import sketch, sketch_slowly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.cli.job_runner import JobRunner
    from orchestration.prints.solid.request import OrderLine, Request
    from orchestration.prints.tasks.outcomes import PrintedTask
    from orchestration.storage.database import Database

STL = dg.AssetKey(["prints", "stl"])


def statuses(runner: JobRunner) -> dict[str, str]:
    """What the UI's partition view shows, by SKU."""
    keys = skus.get_partition_keys(dynamic_partitions_store=runner.instance)
    found = runner.instance.get_status_by_partition(STL, keys, skus) or {}
    return {key: status.value if status else "MISSING" for key, status in found.items()}


def latest(runner: JobRunner, sku: str) -> dict[str, dg.MetadataValue]:
    """The metadata of a SKU's last materialization."""
    records = runner.instance.fetch_materializations(dg.AssetRecordsFilter(STL, asset_partitions=[sku]), limit=1)
    materialization = records.records[0].asset_materialization
    assert materialization is not None
    return dict(materialization.metadata)


def check(runner: JobRunner, name: str) -> dg.AssetCheckEvaluation:
    """The last outcome of a check."""
    key = dg.AssetCheckKey(STL, name)
    [record] = runner.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data


def test_a_drain_gives_each_sku_a_materialization_with_pictures_and_times(runner: JobRunner) -> None:
    take_in(
        runner.domains.prints,
        order(1, "Jason"),
        order(2, "Jason"),
        order(3, "Mia \U0001f496"),
        order(4, "Oweny", STYLE3),
    )

    outcome = render_prints(runner)

    assert outcome.success
    assert statuses(runner) == {TAG: "MATERIALIZED", STYLE3: "MATERIALIZED"}
    shown = latest(runner, TAG)
    assert [shown[name].value for name in ("rendered", "cached", "refused", "failed")] == [1, 1, 1, 0]
    assert shown["milliseconds"].value == pytest.approx(shown["milliseconds_median"].value, abs=0.1)
    picture = str(shown["sample_1"].value)
    assert picture.startswith("![task 1](data:image/webp;base64,")
    assert len(picture) < 1_000
    assert "leave it out" in str(shown["failures"].value)


def test_a_sku_is_materialized_by_itself_and_with_force_all_of_it(runner: JobRunner, database: Database) -> None:
    take_in(runner.domains.prints, order(1, "Jason"), order(2, "Oweny", STYLE3))
    render_prints(runner)

    assert runner.materialize("prints/stl", [STYLE3]).success
    assert latest(runner, STYLE3)["rendered"].value == 0

    assert render_prints(runner, PrintConfig(keys=[STYLE3], force=True, idle_seconds=None)).success
    assert latest(runner, STYLE3)["rendered"].value == 1
    assert renders(database) == 3


def test_the_ui_materializes_a_partition_by_its_key(runner: JobRunner) -> None:
    take_in(runner.domains.prints, order(1, "Jason"), order(2, "Oweny", STYLE3, order_status="on_hold"))
    render_prints(runner)
    job = runner._definitions.resolve_job_def("prints_render")

    config = run_config(stl, PrintConfig(all_orders=True))
    result = job.execute_in_process(config, runner.instance, partition_key=STYLE3)

    assert result.success
    assert statuses(runner) == {TAG: "MATERIALIZED", STYLE3: "MATERIALIZED"}
    assert latest(runner, STYLE3)["rendered"].value == 1


def test_a_sku_whose_tasks_were_all_given_up_is_red(runner: JobRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    take_in(runner.domains.prints, order(1, "Jason"), order(2, "Oweny", STYLE3))

    async def broken(*_: object, **__: object) -> bool:
        raise OSError("no room left")

    monkeypatch.setattr(runner.domains.prints.services.objects, "put_once", broken)
    outcome = render_prints(runner)
    check_prints(runner)

    assert not outcome.success
    assert outcome.failed.keys() == {TAG, STYLE3}
    assert all("OSError" in reason and "no room left" in reason for reason in outcome.failed.values())
    annotation = tasks(runner.domains.prints.database)[0]["annotation"]
    assert annotation.startswith("STL render error (2/2): ")
    assert "no room left" in annotation
    assert not check(runner, "no_print_given_up").passed


def test_checks_say_which_character_or_measure_failed_and_show_it(runner: JobRunner, database: Database) -> None:
    long_name = "Annabella Konstantinopoulou-Papadimitriou"
    take_in(runner.domains.prints, order(1, "Mia \U0001f496"), order(2, long_name, STYLE3), order(3, "Jason"))
    render_prints(runner)
    run_sql(database, "UPDATE print_output SET bytes = bytes + 1 WHERE task_id = 3 AND kind = 'stl'")
    check_prints(runner)

    assert "U+1F496" in str(check(runner, "text_printable").metadata["examples"].value)
    bed = check(runner, Check.BED.value)
    assert not bed.passed
    assert "shorten the text" in str(bed.metadata["examples"].value)
    assert str(bed.metadata["task 2"].value).startswith("![task 2](data:image/")
    assert check(runner, Check.STROKES.value).passed
    assert not check(runner, "every_output_is_stored").passed


def test_the_sensor_queues_what_is_pending_and_asks_for_a_drain(runner: JobRunner, database: Database) -> None:
    take_in(runner.domains.prints, order(1, "Jason", order_status="on_hold"))
    definitions = runner._definitions
    sensor = definitions.resolve_sensor_def("prints_tasks_sensor")

    def tick() -> list[dg.RunRequest]:
        context = dg.build_sensor_context(instance=runner.instance, definitions=definitions)
        return list(sensor.evaluate_tick(context).run_requests or ())

    assert tick() == []
    run_sql(database, "UPDATE shop_order SET order_status = 'awaiting_shipment'")
    assert len(tick()) == 1


def test_the_schedule_launches_a_drain_only_when_something_is_due(runner: JobRunner, database: Database) -> None:
    definitions = runner._definitions
    schedule = definitions.resolve_schedule_def("prints_stale_tasks")

    def tick() -> list[dg.RunRequest]:
        context = dg.build_schedule_context(instance=runner.instance)
        return list(schedule.evaluate_tick(context).run_requests or ())

    assert tick() == []
    take_in(runner.domains.prints, order(1, "Jason"))
    run_sql(database, "DELETE FROM task")
    run_sql(database, "UPDATE print_task SET stl_render_state = 'running', render_pid = 1, render_started_at = now()")
    assert len(tick()) == 1
    assert tasks(database)[0]["stl_render_state"] == "pending"


def test_one_order_that_meets_a_bug_fails_alone_and_its_sku_is_red(
    runner: JobRunner, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_process, "make", sketch)
    monkeypatch.setattr(handler, "read", _with_a_bug)
    texts = [f"Name {number}" for number in range(BATCH)]
    texts[20] = "Bug"
    take_in(runner.domains.prints, *(order(number, text) for number, text in enumerate(texts)))

    outcome = render_prints(runner)

    assert not outcome.success
    assert print_counts(outcome) == {"rendered": BATCH - 1, "cached": 0, "skipped": 0, "refused": 0, "failed": 1}
    assert list(print_problems(outcome)) == ["21"]
    assert list(outcome.failed) == [TAG]
    assert "21: KeyError in prints/" in outcome.failed[TAG]
    assert statuses(runner) == {TAG: "FAILED"}
    states = [task["stl_render_state"] for task in tasks(database)]
    assert states == ["completed"] * 20 + ["failed"] + ["completed"] * (BATCH - 21)
    assert "STL render error (2/2): UnexpectedError: KeyError" in tasks(database)[20]["annotation"]
    [dead] = rows(database, "SELECT key, error FROM task WHERE queue = 'print' AND state = 'dead'")
    assert dead["key"] == "21"
    assert "a fault of ours" in dead["error"]


def _with_a_bug(line: OrderLine) -> Request:
    if line.text == "Bug":
        raise KeyError("a fault of ours")
    return read(line)


def test_a_run_that_is_terminated_records_what_is_done_and_is_green(
    runner: JobRunner, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_process, "make", sketch_slowly)
    monkeypatch.setattr(PrintReport, "record", _terminating(PrintReport.record))
    take_in(runner.domains.prints, *(order(number, f"Name {number}") for number in range(10 * BATCH)))

    outcome = render_prints(runner)

    done = Counter(task["stl_render_state"] for task in tasks(database))
    assert outcome.success
    assert 0 < done["completed"] < 10 * BATCH
    assert done["completed"] + done["pending"] == 10 * BATCH
    assert latest(runner, TAG)["rendered"].value == done["completed"]
    with pytest.raises(StoppedError):
        check_prints(runner)


def _terminating(record: Callable[[PrintReport, Sequence[PrintedTask]], None]) -> Any:  # noqa: ANN401 - a method
    """A termination signal comes with the first batch."""
    signals = iter([signal.SIGTERM])

    def with_signal(report: PrintReport, printed: Sequence[PrintedTask]) -> None:
        record(report, printed)
        for number in signals:  # one: a later one would force the end
            os.kill(os.getpid(), number)

    return with_signal
