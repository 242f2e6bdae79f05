"""Working on a project in a test, and looking at what has come of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.elements import read_elements
from orchestration.canvas.loading import load, replay_all
from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.operations import apply, settle, with_members
from orchestration.canvas.projects import NewProject, create_projects
from orchestration.canvas.snapshots import save
from orchestration.demo.projects import Board

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.canvas.loading import Loaded
    from orchestration.canvas.log import Applied
    from orchestration.canvas.model import Element, Operation
    from orchestration.storage.database import Database

PROJECT, OWNER, EDITOR, VIEWER = "p-1", "ada", "bruno", "chiara"
NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def add_projects(database: Database, *project_ids: str) -> None:
    """Make further projects of the same owner."""
    with database.begin() as connection:
        create_projects(connection, [NewProject(project_id, project_id, OWNER) for project_id in project_ids])


def work(count: int, seed: int = 1, *, most: int = 60) -> list[Operation]:
    """What someone does on an empty canvas."""
    return Board(Random(seed), ["m-1", "m-2"], most).operations(count)


def made_by(history: Iterable[Operation]) -> dict[str, Element]:
    """The elements that a client's operations make of an empty canvas."""
    elements: dict[str, Element] = {}
    for operation in history:
        settle(elements, apply(elements, with_members(elements, operation)).touched)
    return elements


def do(
    database: Database, operations: Iterable[Operation], project_id: str = PROJECT, *, at: datetime | None = None
) -> list[Applied]:
    """Append operations in the owner's name."""
    with database.begin() as connection:
        return append(connection, project_id, [NewOperation(one, OWNER) for one in operations], at=at)


def snapshot(database: Database, project_id: str = PROJECT, *, now: datetime | None = None) -> int:
    """Save a project; the snapshot's id."""
    with database.begin() as connection:
        saved = save(connection, project_id, now=now)
    assert saved is not None
    return saved.snapshot_id


def loaded(database: Database, project_id: str = PROJECT, *, at: int | None = None) -> Loaded:
    """A project as it loads; it is also checked against the full replay, and the rows if it is asked for as it is."""
    with database.begin() as connection:
        found = load(connection, project_id, at=at)
        assert found.elements == replay_all(connection, project_id, at=at).elements
        if at is None:
            assert found.elements == read_elements(connection, project_id)
    return found


def elements_of(database: Database, project_id: str = PROJECT) -> dict[str, Element]:
    """The rows of a project."""
    with database.connect() as connection:
        return read_elements(connection, project_id)


def rows(database: Database, query: str, **parameters: object) -> Sequence[sa.Row[tuple[object, ...]]]:
    """The rows of a query."""
    with database.begin() as connection:
        return connection.execute(sa.text(query), parameters).all()


def change(database: Database, statement: str, **parameters: object) -> int:
    """Change rows behind the back of the code under test; how many."""
    with database.begin() as connection:
        changed: int = connection.execute(sa.text(statement), parameters).rowcount
    return changed


def flip_byte(database: Database, snapshot_id: int, position: int = 5) -> None:
    """Change one byte of a stored snapshot."""
    statement = """
        UPDATE canvas_snapshot SET elements = set_byte(elements, :position, 255 - get_byte(elements, :position))
        WHERE id = :id
    """
    assert change(database, statement, id=snapshot_id, position=position) == 1
