"""Snapshots of a project: when one is due, and making it.

The rule, and one consistent snapshot. Keep out: the batch over projects (`saving`), reading a snapshot
(`loading`), or letting old ones go (`retention`).

The index and the elements are read by one statement, which sees the database as it was at one moment, so they belong
together even while others write, and no writer waits for the reading. (Not a REPEATABLE READ transaction: its
update of the project's row would fail for every operation that came in between.) The row is locked for the length of
one small update at the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.elements import COLUMNS, as_elements
from orchestration.canvas.snapshot_form import write_snapshot
from orchestration.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from orchestration.settings import Settings


class Unsaved(NamedTuple):
    """A project with operations that are in no snapshot.

    `since` is when its last snapshot was made, or when its first operation came if there is none; `oldest` is when
    the first of the unsaved operations came.
    """

    project_id: str
    operations: int
    since: datetime
    oldest: datetime


class SnapshotRule(NamedTuple):
    """A snapshot is due after so many operations or so much time, whichever comes first."""

    operations: int
    age: timedelta

    def is_due(self, unsaved: Unsaved, now: datetime) -> bool:
        """Whether a snapshot is due."""
        return unsaved.operations >= self.operations or now - unsaved.since >= self.age

    def shortfall(self, unsaved: Unsaved, now: datetime) -> str:
        """How far a project is from it, in the words of a report."""
        hours, most = (now - unsaved.since) / _HOUR, self.age / _HOUR
        return f"{unsaved.operations}/{self.operations} operations, {hours:.1f}/{most:g} h"

    def stretched(self, operations: float, age: float) -> SnapshotRule:
        """A rule that leaves so many times more room."""
        return SnapshotRule(round(self.operations * operations), self.age * age)


class Saved(NamedTuple):
    """A snapshot that was made: `op_index` is the last operation that is in it."""

    snapshot_id: int
    project_id: str
    op_index: int
    element_count: int
    bytes: int
    name: str | None = None


class Listed(NamedTuple):
    """A snapshot in a list: the last operation that is in it, and why it cannot be used, if so."""

    snapshot_id: int
    op_index: int
    name: str | None
    created_at: datetime
    corrupt_reason: str | None


_HOUR = timedelta(hours=1)


def snapshot_rule(settings: Settings) -> SnapshotRule:
    """The rule of these settings."""
    return SnapshotRule(settings.snapshot_operations, timedelta(hours=settings.snapshot_hours))


def unsaved_projects(connection: sa.Connection, projects: list[str] | None = None) -> list[Unsaved]:
    """The projects with unsaved operations, or those of `projects`; the longest unsaved first."""
    statement = _UNSAVED if projects is None else _UNSAVED_AMONG
    rows = connection.execute(statement, {} if projects is None else {"projects": projects})
    return [Unsaved(*row) for row in rows]


def list_snapshots(connection: sa.Connection, project_id: str) -> list[Listed]:
    """A project's snapshots, the newest first."""
    return [Listed(*row) for row in connection.execute(_LIST, {"project_id": project_id})]


def save(
    connection: sa.Connection,
    project_id: str,
    *,
    name: str | None = None,
    created_by: str | None = None,
    now: datetime | None = None,
) -> Saved | None:
    """Make a snapshot of a project as it is, in the caller's transaction; `now` is the time that it is given.

    None when there is nothing new since the last one, unless it is to have a name. Raises `NotFoundError` for a
    project that is not there, `InvalidInputError` for one that is empty and a blank name, `ConflictError` for a name
    that is taken.
    """
    rows = connection.execute(_STATE, {"project_id": project_id}).all()
    if not rows:
        raise NotFoundError(f"There is no canvas project {project_id}")
    op_index, last_saved, *_ = rows[0]
    if name is not None:
        _check_name(project_id, name, op_index)
    elif op_index <= last_saved:
        return None
    elements = as_elements(row[2:] for row in rows if row[2] is not None)
    written = write_snapshot(elements)
    parameters = written._asdict() | {
        "project_id": project_id, "op_index": op_index, "name": name, "created_by": created_by, "now": now,
    }  # fmt: skip
    made = connection.execute(_INSERT, parameters).one_or_none()
    if made is None:
        if name is None:
            return None  # another process saved this very state meanwhile
        raise ConflictError(f"{project_id} has a snapshot named {name!r} already; give another name")
    connection.execute(_UPDATE_PROJECT, {"project_id": project_id, "op_index": op_index, "at": made.created_at})
    return Saved(made.id, project_id, op_index, len(elements), len(written.elements), name)


def _check_name(project_id: str, name: str, op_index: int) -> None:
    if not name.strip():
        raise InvalidInputError("The snapshot's name is blank; give one to find it by")
    if op_index < 0:
        raise InvalidInputError(f"{project_id} has no operation yet; there is nothing to keep")


UNSAVED = "next_op_index > coalesce(last_snapshot_op_index, '-1'::bigint) + 1"

_SELECT_UNSAVED = f"""
    SELECT p.project_id, p.next_op_index - coalesce(p.last_snapshot_op_index, -1) - 1,
        coalesce(p.last_snapshot_at, o.created_at, p.updated_at), coalesce(o.created_at, p.updated_at) AS oldest
    FROM canvas_project AS p
    LEFT JOIN canvas_operation AS o
        ON o.project_id = p.project_id AND o.op_index = coalesce(p.last_snapshot_op_index, -1) + 1
    WHERE {UNSAVED}
"""  # noqa: S608 - our own text

_UNSAVED = sa.text(f"{_SELECT_UNSAVED} ORDER BY oldest, p.project_id")

_UNSAVED_AMONG = sa.text(
    f"{_SELECT_UNSAVED} AND p.project_id = ANY (CAST(:projects AS text[])) ORDER BY oldest, p.project_id"
)

_LIST = sa.text("""
    SELECT id, op_index, name, created_at, corrupt_reason FROM canvas_snapshot
    WHERE project_id = :project_id ORDER BY op_index DESC, id DESC
""")

_STATE = sa.text(f"""
    SELECT p.next_op_index - 1, coalesce(p.last_snapshot_op_index, -1), {COLUMNS}
    FROM canvas_project AS p LEFT JOIN canvas_element AS e USING (project_id) WHERE p.project_id = :project_id
""")  # noqa: S608 - our own names

_INSERT = sa.text("""
    INSERT INTO canvas_snapshot
        (project_id, op_index, version, checksum, element_count, elements, media_refs, name, created_by, created_at)
    VALUES (:project_id, :op_index, :version, :checksum, :element_count, :elements, ARRAY(
            SELECT DISTINCT name FROM unnest(CAST(:media_texts AS text[])) AS one, media_names_in(one) AS name
        ), :name, :created_by, coalesce(CAST(:now AS timestamptz), clock_timestamp()))
    ON CONFLICT DO NOTHING RETURNING id, created_at
""")

# A snapshot of a later state may have been committed meanwhile.
_UPDATE_PROJECT = sa.text("""
    UPDATE canvas_project SET last_snapshot_op_index = :op_index, last_snapshot_at = :at
    WHERE project_id = :project_id AND coalesce(last_snapshot_op_index, -1) < :op_index
""")
