"""Snapshots in Dagster: a run saves and reports, its sensor and schedule ask for it, its checks find faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from orchestration.canvas import defs
from orchestration.canvas.canvas import Canvas
from orchestration.canvas.defs.snapshots import AGAIN_SECONDS, look
from orchestration.errors import ConfigurationError
from orchestration_tests.canvas.boards import HOUR, add_projects, change, do, flip_byte, loaded, rows, snapshot, work
from orchestration_tests.runtime.queued_runs import add_run
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database

SNAPSHOTS = dg.AssetKey(["canvas", "snapshots"])
SENSOR = "canvas_projects_sensor"
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@pytest.fixture
def loaded_definitions(canvas: Canvas) -> dg.Definitions:
    """The definitions over the test's canvas."""
    return defs.definitions(canvas)


@pytest.fixture
def memory() -> Any:  # noqa: ANN401 - a generator of instances
    """An instance in memory, for what does not depend on where it lies."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    job: str,
    **config: object,
) -> dg.ExecuteInProcessResult:
    """Execute a job in this process, whether or not it succeeds."""
    ops = {"canvas__snapshots": {"config": config}} if config else {}
    return definitions.resolve_job_def(job).execute_in_process(
        {"ops": ops, "loggers": _QUIET}, instance, raise_on_error=False
    )


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The values beside the run's materialization."""
    (event,) = result.asset_materializations_for_node("canvas__snapshots")
    return {name: value.value for name, value in event.metadata.items()}


def failed_checks(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks that do not pass, by name."""
    evaluations = run(definitions, instance, "canvas_check").get_asset_check_evaluations()
    assert len(evaluations) == 3
    return {one.check_name: one for one in evaluations if not one.passed}


def test_a_run_saves_what_is_due_and_tells_so(
    loaded_definitions: dg.Definitions, database: Database, instance: dg.DagsterInstance
) -> None:
    add_projects(database, "busy", "fresh")
    do(database, work(120), "busy")
    do(database, work(10), "fresh")
    result = run(loaded_definitions, instance, "canvas_snapshot")
    told = metadata(result)
    (row,) = rows(database, "SELECT project_id, op_index, length(elements) AS bytes FROM canvas_snapshot")
    assert (row.project_id, row.op_index) == ("busy", 119)
    counts = ("processed", "created", "skipped", "errors", "bytes", "thinned", "dry_run")
    assert [told[name] for name in counts] == [2, 1, 1, 0, row.bytes, 0, False]
    assert "| busy | 119 |" in told["projects"]
    assert "| fresh | 10/100 operations, 0.0/24 h |" in told["skipped_because"]
    event = instance.get_latest_materialization_event(SNAPSHOTS)
    assert event is not None
    assert loaded(database, "busy").replayed == 0


def test_the_run_config_limits_names_and_tries(
    loaded_definitions: dg.Definitions, database: Database, memory: dg.DagsterInstance
) -> None:
    add_projects(database, "a", "b", "c")
    for name in ("a", "b"):
        do(database, work(100), name)
    do(database, work(1), "c")
    dry = metadata(run(loaded_definitions, memory, "canvas_snapshot", dry_run=True))
    assert (dry["created"], dry["dry_run"]) == (2, True)
    assert rows(database, "SELECT 1 FROM canvas_snapshot") == []
    assert metadata(run(loaded_definitions, memory, "canvas_snapshot", limit=1))["created"] == 1
    named = metadata(run(loaded_definitions, memory, "canvas_snapshot", projects=["c", "gone"]))
    assert (named["created"], named["errors"]) == (1, 1)
    assert "| gone | There is no such project |" in named["failed_because"]


def test_many_reasons_are_still_shown_in_place(
    loaded_definitions: dg.Definitions, database: Database, memory: dg.DagsterInstance
) -> None:
    names = [f"a-project-with-rather-a-long-name-{number}" for number in range(30)]
    add_projects(database, *names)
    for name in names:
        do(database, work(1), name)
    told = metadata(run(loaded_definitions, memory, "canvas_snapshot"))
    assert told["skipped"] == 30
    assert len(told["skipped_because"]) < 1_000
    told = metadata(run(loaded_definitions, memory, "canvas_snapshot", projects=names))
    assert told["created"] == 30
    assert len(told["projects"]) < 1_000


def test_the_sensor_asks_for_one_run_when_a_project_is_busy(
    loaded_definitions: dg.Definitions, database: Database, memory: dg.DagsterInstance
) -> None:
    add_projects(database, "p", "q")
    do(database, work(99), "p")
    assert not tick(loaded_definitions, SENSOR, memory).requests
    do(database, work(100), "q")
    first = tick(loaded_definitions, SENSOR, memory)
    assert len(first.requests) == 1
    again = tick(loaded_definitions, SENSOR, memory, first.cursor)
    assert again[:2] == ([], "1 due projects, none that no run was just asked for")
    run(loaded_definitions, memory, "canvas_snapshot")
    assert not tick(loaded_definitions, SENSOR, memory).requests, "it has been saved"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_the_sensor_waits_while_a_run_is_queued_or_under_way(
    loaded_definitions: dg.Definitions, database: Database, memory: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    add_projects(database, "p")
    do(database, work(100), "p")
    add_run(memory, status, "canvas_snapshot")
    assert tick(loaded_definitions, SENSOR, memory)[:2] == ([], "1 due projects, and a run is under way")
    (run,) = memory.get_runs()
    memory.report_run_failed(run, "its process was killed")
    assert len(tick(loaded_definitions, SENSOR, memory).requests) == 1


def test_a_project_that_stays_busy_is_asked_for_again_after_a_while() -> None:
    asked = look(["p"], {}, 1_000.0)
    assert asked == (True, {"p": 1_000.0})
    assert look(["p"], asked.at, 999.0 + AGAIN_SECONDS) == (False, {"p": 1_000.0})
    assert look(["p", "q"], asked.at, 1_001.0) == (True, {"p": 1_001.0, "q": 1_001.0})
    assert look(["p"], asked.at, 1_000.0 + AGAIN_SECONDS).is_new
    assert look([], asked.at, 1_001.0) == (False, {}), "one that is saved is forgotten"


def test_the_checks_pass_on_sound_projects_and_show_what_is_wrong_with_others(
    loaded_definitions: dg.Definitions, database: Database, memory: dg.DagsterInstance
) -> None:
    add_projects(database, "p", "late", "drifted")
    for name in ("p", "drifted"):
        do(database, work(30), name)
    snapshot_id = snapshot(database, "p")
    assert failed_checks(loaded_definitions, memory) == {}

    flip_byte(database, snapshot_id)
    do(database, work(200), "late")
    change(database, "UPDATE canvas_element SET x = x + 1 WHERE project_id = 'drifted'")
    failed = failed_checks(loaded_definitions, memory)
    assert set(failed) == {"no_snapshot_is_corrupt", "snapshots_are_up_to_date", "replay_equals_load"}
    examples = {name: str(one.metadata["examples"].value) for name, one in failed.items()}
    assert f"| {snapshot_id} | p | 29 |" in examples["no_snapshot_is_corrupt"]
    assert "| late | 200/100 operations" in examples["snapshots_are_up_to_date"]
    assert "| drifted |" in examples["replay_equals_load"]
    assert "orchestration canvas repair" in str(failed["replay_equals_load"].metadata["remedy"].value)
    assert failed["snapshots_are_up_to_date"].severity is dg.AssetCheckSeverity.WARN


def test_a_project_is_overdue_only_when_runs_should_have_come(services: Services, database: Database) -> None:
    now = datetime.now(UTC)
    add_projects(database, "p")
    do(database, work(150), "p", at=now)
    for age, overdue in ((timedelta(0), 0), (35 * HOUR, 0), (36 * HOUR, 1)):
        canvas = Canvas(services, clock=lambda age=age: now + age)  # type: ignore[misc]  # the loop's own age
        with dg.DagsterInstance.ephemeral() as instance:
            assert len(failed_checks(defs.definitions(canvas), instance)) == overdue


def test_settings_reach_the_definitions(services: Services) -> None:
    services.settings = services.settings.model_copy(
        update={"snapshot_cron": "15 2 * * *", "snapshot_operations": 7, "snapshot_hours": 6.0}
    )
    definitions = defs.definitions(Canvas(services))
    schedule = definitions.resolve_schedule_def("canvas_regular_snapshot")
    assert (schedule.cron_schedule, schedule.job_name) == ("15 2 * * *", "canvas_snapshot")
    assert "7 operations" in str(definitions.resolve_sensor_def(SENSOR).description)
    policy = definitions.resolve_asset_graph().get(SNAPSHOTS).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=6 * HOUR, warn_window=3 * HOUR)


def test_a_cron_that_is_none_names_its_variable(services: Services) -> None:
    services.settings = services.settings.model_copy(update={"snapshot_cron": "now and then"})
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_SNAPSHOT_CRON 'now and then'"):
        defs.definitions(Canvas(services))
