"""`orchestration canvas`: saving, loading, going back, reading the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.operations import replay
from orchestration_tests.canvas.boards import (
    PROJECT,
    add_projects,
    change,
    do,
    elements_of,
    flip_byte,
    made_by,
    snapshot,
    work,
)

if TYPE_CHECKING:
    from orchestration.canvas.model import Operation
    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command


@pytest.fixture
def history(database: Database) -> list[Operation]:
    """What was done in the project, 120 operations; another project has one."""
    operations = work(120)
    add_projects(database, PROJECT, "fresh")
    do(database, operations)
    do(database, operations[:1], "fresh")
    return operations


@pytest.mark.usefixtures("history")
def test_the_batch_saves_what_is_due_through_dagster(orchestration: Command, database: Database) -> None:
    dry = orchestration("canvas", "snapshot", "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert [one["project_id"] for one in dry.json["created"]] == [PROJECT]
    assert dry.json["dry_run"] is True
    real = orchestration("canvas", "snapshot", "--json")
    assert real.json["created"][0]["op_index"] == 119
    assert real.json["skipped"] == {"fresh": "1/100 operations, 0.0/24 h"}
    shown = orchestration("canvas", "snapshot", "--project", "fresh")
    assert shown.code == 0, shown.err
    assert "1 saved, 0 not due, 0 snapshots thinned" in shown.out
    gone = orchestration("canvas", "snapshot", "--project", "gone", "--json")
    assert gone.code == 1
    assert "gone was not saved: There is no such project" in gone.err
    change(database, "ALTER TABLE canvas_snapshot ADD CONSTRAINT sick CHECK (project_id <> 'fresh') NOT VALID")
    do(database, [work(2)[1]], "fresh")
    assert orchestration("canvas", "snapshot", "--project", "fresh").code == 1


@pytest.mark.usefixtures("history")
def test_a_state_is_kept_under_a_name_and_restored(
    orchestration: Command, database: Database, history: list[Operation]
) -> None:
    kept = orchestration("canvas", "snapshot", "--project", PROJECT, "--name", "fair", "--json")
    assert (kept.code, kept.json["op_index"], kept.json["name"]) == (0, 119, "fair")
    assert "'fair' already" in orchestration("canvas", "snapshot", "--project", PROJECT, "--name", "fair").err
    assert orchestration("canvas", "snapshot", "--name", "fair").code == 2
    back = orchestration("canvas", "restore", PROJECT, "--at", 40)
    assert back.code == 0, back.err
    assert elements_of(database) == made_by(history[:41])
    assert f"`orchestration canvas restore {PROJECT} --at 119` takes this back" in back.out
    again = orchestration("canvas", "restore", PROJECT, "--snapshot", kept.json["snapshot_id"], "--json")
    assert again.json["op_index"] == 119
    assert elements_of(database) == made_by(history)
    refused = orchestration("canvas", "restore", PROJECT, "--at", 40, "--as", "stranger")
    assert (refused.code, "stranger may not change" in refused.err) == (1, True)
    assert orchestration("canvas", "restore", PROJECT).code == 2


@pytest.mark.usefixtures("history")
def test_a_project_loads_now_and_as_it_was(
    orchestration: Command, database: Database, history: list[Operation]
) -> None:
    flip_byte(database, snapshot(database))
    now = orchestration("canvas", "load", PROJECT, "--json")
    assert now.json["op_index"] == 119
    assert set(now.json["elements"]) == set(made_by(history))
    assert "is corrupt" in now.err
    earlier = orchestration("canvas", "load", PROJECT, "--at", 10)
    assert "after operation 10" in earlier.out
    assert all(key in earlier.out for key in replay({}, history[:11]))
    assert orchestration("canvas", "load", "gone").err == "There is no canvas project gone\n"


@pytest.mark.usefixtures("history")
def test_the_log_lists_operations_and_snapshots(orchestration: Command, database: Database) -> None:
    snapshot_id = snapshot(database)
    told = orchestration("canvas", "log", PROJECT, "--after", 117, "--json").json
    assert [one["op_index"] for one in told["operations"]] == [118, 119]
    assert [one["snapshot_id"] for one in told["snapshots"]] == [snapshot_id]
    shown = orchestration("canvas", "log", PROJECT, "--limit", 3)
    assert shown.code == 0, shown.err
    assert "create" in shown.out


@pytest.mark.usefixtures("history")
def test_a_repair_brings_the_elements_back_in_step_with_the_log(
    orchestration: Command, database: Database, history: list[Operation]
) -> None:
    change(database, "DELETE FROM canvas_element WHERE project_id = 'p-1'")
    repaired = orchestration("canvas", "repair", PROJECT, "--json").json
    assert (repaired["elements"], repaired["snapshots"]) == (len(made_by(history)), [])
    assert elements_of(database) == made_by(history)
    assert f"{PROJECT}: 0 elements, 0 snapshots were wrong" in orchestration("canvas", "repair", PROJECT).out
