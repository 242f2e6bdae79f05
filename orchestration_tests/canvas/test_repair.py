"""What was written beside the log is found, and made anew from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas import health
from orchestration.canvas.repair import repair
from orchestration_tests.canvas.boards import PROJECT, change, do, elements_of, loaded, made_by, rows, snapshot, work

if TYPE_CHECKING:
    from orchestration.storage.database import Database


@pytest.mark.usefixtures("project")
def test_a_sound_project_needs_no_repair(database: Database) -> None:
    do(database, work(30))
    snapshot(database)
    with database.begin() as connection:
        assert repair(connection, PROJECT) == (PROJECT, 0, ())
        assert health.differing_projects(connection).total == 0


@pytest.mark.usefixtures("project")
def test_elements_and_snapshots_that_differ_from_the_log_are_found_and_mended(database: Database) -> None:
    history = work(60)
    do(database, history[:30])
    good = snapshot(database)
    victim, other, *_ = sorted(elements_of(database))
    change(database, "UPDATE canvas_element SET x = x + 1 WHERE element_id = :id", id=victim)
    change(database, "DELETE FROM canvas_element WHERE element_id = :id", id=other)
    change(database, "INSERT INTO canvas_element (project_id, element_id, type) VALUES ('p-1', 'ghost', 'text')")
    do(database, [operation for operation in history[30:40] if operation.type in {"select", "create"}])
    wrong = snapshot(database)
    with database.connect() as connection:
        found = health.differing_projects(connection)
    assert found.total == 1
    assert "ghost" in str(found.examples[0][1])
    with database.begin() as connection:
        repaired = repair(connection, PROJECT)
    assert (repaired.elements, repaired.snapshots) == (3, (wrong,))
    now = loaded(database)
    assert (now.snapshot_id, now.elements) == (good, elements_of(database))
    assert now.elements.keys() >= made_by(history[:30]).keys()
    with database.begin() as connection:
        assert health.differing_projects(connection).total == 0
        assert health.corrupt_snapshots(connection).total == 1


@pytest.mark.usefixtures("project")
def test_a_gap_in_the_log_is_told(database: Database) -> None:
    do(database, work(9))
    change(database, "DELETE FROM canvas_operation WHERE op_index = 4")
    with database.connect() as connection:
        found = health.differing_projects(connection)
    assert [tuple(one) for one in found.examples] == [
        (PROJECT, "The log of p-1 lacks operation 4; restore the table from a backup")
    ]
    assert rows(database, "SELECT 1 FROM canvas_project")
