"""A restore brings an earlier state back by ordinary operations, and can itself be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.canvas.restore import Restored, Target, restore
from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError
from orchestration_tests.canvas.boards import (
    EDITOR,
    OWNER,
    PROJECT,
    VIEWER,
    add_projects,
    do,
    elements_of,
    flip_byte,
    loaded,
    made_by,
    rows,
    snapshot,
    work,
)
from orchestration_tests.canvas.histories import histories

if TYPE_CHECKING:
    from orchestration.canvas.model import Operation
    from orchestration.storage.database import Database


def go_back(database: Database, project_id: str = PROJECT, actor: str | None = None, **target: int) -> Restored:
    """Restore to a snapshot or an operation."""
    with database.begin() as connection:
        return restore(connection, project_id, Target(**target), actor)


@pytest.mark.usefixtures("project")
def test_a_restore_brings_a_snapshot_back_and_keeps_the_history(database: Database) -> None:
    history = work(60)
    do(database, history[:30])
    snapshot_id = snapshot(database)
    do(database, history[30:])
    log = rows(database, "SELECT * FROM canvas_operation ORDER BY op_index")
    restored = go_back(database, snapshot_id=snapshot_id)
    assert (restored.op_index, restored.came_from) == (29, 59)
    assert loaded(database).elements == made_by(history[:30])
    after = rows(database, "SELECT * FROM canvas_operation ORDER BY op_index")
    assert after[:60] == log
    assert [row.op_index for row in after[60:]] == [one.op_index for one in restored.applied]
    assert {row.actor_uid for row in after[60:]} == {OWNER}


@pytest.mark.usefixtures("project")
def test_a_restore_of_a_restore_gives_back_what_was(database: Database) -> None:
    history = work(60)
    do(database, history)
    restored = go_back(database, op_index=20, actor=EDITOR)
    assert elements_of(database) == made_by(history[:21])
    again = go_back(database, op_index=restored.came_from)
    assert loaded(database).elements == made_by(history)
    go_back(database, op_index=again.came_from)
    assert loaded(database).elements == made_by(history[:21])


@given(history=histories, first=st.integers(-1, 15), second=st.integers(-1, 15))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_states_can_be_restored_one_after_the_other(
    database: Database, history: list[Operation], first: int, second: int
) -> None:
    project_id = uuid4().hex
    add_projects(database, project_id)
    do(database, history, project_id)
    for target in (first, second):
        at = min(target, len(history) - 1)
        go_back(database, project_id, op_index=at)
        assert loaded(database, project_id).elements == made_by(history[: at + 1])
    go_back(database, project_id, op_index=len(history) - 1)
    assert loaded(database, project_id).elements == made_by(history)


@pytest.mark.usefixtures("project")
def test_a_restore_to_what_is_there_appends_nothing(database: Database) -> None:
    do(database, work(10))
    assert go_back(database, op_index=9).applied == []


@pytest.mark.usefixtures("project")
def test_a_corrupt_snapshot_is_restored_from_the_log(database: Database) -> None:
    history = work(20)
    do(database, history[:10])
    snapshot_id = snapshot(database)
    do(database, history[10:])
    flip_byte(database, snapshot_id)
    go_back(database, snapshot_id=snapshot_id)
    assert elements_of(database) == made_by(history[:10])


@pytest.mark.usefixtures("project")
def test_a_restore_is_refused_to_whom_may_not_edit_and_without_a_target(database: Database) -> None:
    do(database, work(5))
    with pytest.raises(RefusedError, match=f"{VIEWER} may not change"):
        go_back(database, op_index=1, actor=VIEWER)
    with pytest.raises(ConfigurationError, match="either a snapshot or the index"):
        go_back(database)
    with pytest.raises(ConfigurationError, match="either a snapshot or the index"):
        go_back(database, snapshot_id=1, op_index=1)
    with pytest.raises(InvalidInputError, match="no operation 5"):
        go_back(database, op_index=5)
    assert len(rows(database, "SELECT 1 FROM canvas_operation")) == 5
