"""State machines that the database itself keeps: no statement takes a row along a step that is not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from orchestration.storage.transitions import REFUSED_TRANSITION, attach_transitions, detach_transitions

if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestration.storage.database import Database

STEPS = {"pending": ["running"], "running": ["pending", "completed"]}


@pytest.fixture
def jobs(database: Database) -> Database:
    """A database with a table of jobs, whose states follow `STEPS`."""
    with database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE lamp (id int PRIMARY KEY, state text NOT NULL, \"Review\" text NOT NULL DEFAULT 'open')"
        )
        connection.exec_driver_sql("INSERT INTO lamp VALUES (1, 'pending'), (2, 'running')")
    attach(database)
    return database


def attach(database: Database, *, initial: Collection[str] = ()) -> None:
    """Attach the steps, as a migration does."""
    with database.begin() as connection:
        attach_transitions(operations(connection), "lamp", "state", STEPS, initial=initial)


def operations(connection: sa.Connection) -> Operations:
    return Operations(MigrationContext.configure(connection))


def run(database: Database, statement: str) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql(statement)


def states(database: Database) -> list[str]:
    with database.connect() as connection:
        return list(connection.exec_driver_sql("SELECT state FROM lamp ORDER BY id").scalars())


def test_a_row_goes_along_the_allowed_steps(jobs: Database) -> None:
    for state in ("running", "pending", "running", "completed"):
        run(jobs, f"UPDATE lamp SET state = '{state}' WHERE id = 1")  # noqa: S608 - of our own words
    assert states(jobs) == ["completed", "running"]


def test_an_illegal_step_is_refused_with_the_table_and_both_states(jobs: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError) as raised:
        run(jobs, "UPDATE lamp SET state = 'completed' WHERE id = 1")
    refused = raised.value.orig
    assert getattr(refused, "sqlstate", None) == REFUSED_TRANSITION
    message = str(refused)
    assert 'lamp.state may not go from "pending" to "completed"' in message
    assert "Allowed: running" in message
    assert states(jobs) == ["pending", "running"]


def test_one_illegal_row_refuses_the_whole_statement(jobs: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="may not go from"):
        run(jobs, "UPDATE lamp SET state = 'completed'")
    assert states(jobs) == ["pending", "running"]


def test_a_final_state_and_an_unknown_one_allow_nothing(jobs: Database) -> None:
    run(jobs, "UPDATE lamp SET state = 'completed' WHERE id = 2")
    with pytest.raises(sa.exc.IntegrityError, match=r"(?s)completed.*to \"pending\".*Allowed: nothing"):
        run(jobs, "UPDATE lamp SET state = 'pending' WHERE id = 2")
    with pytest.raises(sa.exc.IntegrityError, match='to "lost"'):
        run(jobs, "UPDATE lamp SET state = 'lost' WHERE id = 1")


def test_the_same_state_may_be_written_again(jobs: Database) -> None:
    run(jobs, "UPDATE lamp SET state = state, \"Review\" = 'closed'")
    assert states(jobs) == ["pending", "running"]


def test_another_trigger_cannot_slip_a_state_past_it(jobs: Database) -> None:
    run(
        jobs,
        "CREATE FUNCTION finish() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.state := 'completed'; RETURN NEW; END $$",
    )
    run(jobs, "CREATE TRIGGER a_finish BEFORE UPDATE ON lamp FOR EACH ROW EXECUTE FUNCTION finish()")
    with pytest.raises(sa.exc.IntegrityError, match="may not go from"):
        run(jobs, "UPDATE lamp SET \"Review\" = 'closed' WHERE id = 1")


def test_a_new_row_begins_as_it_likes_unless_initial_states_are_named(jobs: Database) -> None:
    run(jobs, "INSERT INTO lamp VALUES (3, 'completed')")
    attach(jobs, initial=["pending"])
    run(jobs, "INSERT INTO lamp VALUES (4, 'pending')")
    with pytest.raises(sa.exc.IntegrityError, match='A new row of lamp may not begin with state "completed"'):
        run(jobs, "INSERT INTO lamp VALUES (5, 'completed')")


def test_two_columns_of_one_table_have_machines_of_their_own(jobs: Database) -> None:
    with jobs.begin() as connection:
        attach_transitions(operations(connection), "lamp", "Review", {"open": ["closed"]})
    run(jobs, "UPDATE lamp SET state = 'running', \"Review\" = 'closed' WHERE id = 1")
    with pytest.raises(sa.exc.IntegrityError, match=r'lamp\.Review may not go from "closed" to "open"'):
        run(jobs, "UPDATE lamp SET \"Review\" = 'open' WHERE id = 1")


def test_detached_columns_change_as_they_like(jobs: Database) -> None:
    with jobs.begin() as connection:
        detach_transitions(operations(connection), "lamp", "state")
        left = "SELECT count(*) FROM state_transition WHERE table_name = 'lamp'"
        assert connection.exec_driver_sql(left).scalar_one() == 0
    run(jobs, "UPDATE lamp SET state = 'completed' WHERE id = 1")
    assert states(jobs) == ["completed", "running"]
