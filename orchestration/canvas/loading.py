"""Loading a project: the newest snapshot that can be read, and the operations after it.

Which snapshot is read, and what becomes of one that cannot be. Keep out: its form (`snapshot_form`).

A loaded project equals a full replay of its log, with any snapshots: one that is corrupt is marked, so that
a check shows it and the next run makes another, and the one before is read instead; in the end the log alone is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.log import operations_between
from orchestration.canvas.operations import replay
from orchestration.canvas.projects import read_project
from orchestration.canvas.snapshot_form import CorruptSnapshotError, read_snapshot
from orchestration.errors import ConfigurationError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from orchestration.canvas.model import Element


class Loaded(NamedTuple):
    """A project after the operation `op_index`, which is -1 before the first.

    `snapshot_id` is the snapshot that was read, None when the log was replayed from its start; `replayed` is how many
    operations followed it; `corrupt` are the snapshots that could not be read.
    """

    project_id: str
    op_index: int
    elements: dict[str, Element]
    snapshot_id: int | None
    replayed: int
    corrupt: tuple[int, ...] = ()


def load(connection: sa.Connection, project_id: str, *, at: int | None = None) -> Loaded:
    """A project as it is, or as it was after the operation `at`.

    Raises `NotFoundError` for a project that is not there, `InvalidInputError` for an operation that is not, and
    `ConfigurationError` for a snapshot of a newer version of this package.
    """
    until = _last_operation(connection, project_id, at)
    base, corrupt = _newest_readable(connection, project_id, until)
    snapshot_id, start, elements = base or (None, -1, {})
    replay(elements, operations_between(connection, project_id, start, until))
    return Loaded(project_id, until, elements, snapshot_id, until - start, tuple(corrupt))


def replay_all(connection: sa.Connection, project_id: str, *, at: int | None = None) -> Loaded:
    """The same from the log alone; raises as `load` does."""
    until = _last_operation(connection, project_id, at)
    elements = replay({}, operations_between(connection, project_id, -1, until))
    return Loaded(project_id, until, elements, None, until + 1)


def load_snapshot(connection: sa.Connection, project_id: str, snapshot_id: int) -> Loaded:
    """The project as it was at a snapshot; one that cannot be read is marked, and its state replayed from the log."""
    parameters = {"project_id": project_id, "id": snapshot_id}
    op_index = connection.execute(_OP_INDEX, parameters).scalar_one_or_none()
    if op_index is None:
        raise NotFoundError(f"{project_id} has no snapshot {snapshot_id}; see `orchestration canvas log`")
    return load(connection, project_id, at=op_index)


def mark_corrupt(connection: sa.Connection, project_id: str, snapshot_id: int, reason: str) -> None:
    """Note that a snapshot cannot be used, so that it is not read again, and another is made."""
    connection.execute(_MARK, {"id": snapshot_id, "reason": reason})
    connection.execute(_FALL_BACK, {"project_id": project_id})


def _last_operation(connection: sa.Connection, project_id: str, at: int | None) -> int:
    last = read_project(connection, project_id).last_op_index
    if at is None:
        return last
    if not -1 <= at <= last:
        raise InvalidInputError(f"{project_id} has no operation {at}; its last one is {last}")
    return at


def _newest_readable(
    connection: sa.Connection, project_id: str, until: int
) -> tuple[tuple[int, int, dict[str, Element]] | None, list[int]]:
    """The id, index and elements of the newest snapshot up to `until` that can be read, and those that could not."""
    corrupt: list[int] = []
    while True:
        row = connection.execute(_NEWEST, {"project_id": project_id, "until": until}).one_or_none()
        if row is None:
            return None, corrupt
        try:
            elements = read_snapshot(row.version, row.checksum, row.element_count, row.elements)
        except CorruptSnapshotError as error:
            mark_corrupt(connection, project_id, row.id, str(error))
            corrupt.append(row.id)
        except ConfigurationError as error:
            raise ConfigurationError(f"Snapshot {row.id} of {project_id}: {error}") from error
        else:
            return (row.id, row.op_index, elements), corrupt


_NEWEST = sa.text("""
    SELECT id, op_index, version, checksum, element_count, elements FROM canvas_snapshot
    WHERE project_id = :project_id AND op_index <= :until AND corrupt_reason IS NULL
    ORDER BY op_index DESC, id DESC LIMIT 1
""")

_OP_INDEX = sa.text("SELECT op_index FROM canvas_snapshot WHERE project_id = :project_id AND id = :id")

_MARK = sa.text("""
    UPDATE canvas_snapshot SET corrupt_reason = :reason, corrupt_since = clock_timestamp()
    WHERE id = :id AND corrupt_reason IS NULL
""")

_FALL_BACK = sa.text("""
    UPDATE canvas_project AS p SET last_snapshot_op_index = s.op_index, last_snapshot_at = s.created_at
    FROM (SELECT 1) AS one LEFT JOIN (
        SELECT op_index, created_at FROM canvas_snapshot
        WHERE project_id = :project_id AND corrupt_reason IS NULL ORDER BY op_index DESC, id DESC LIMIT 1
    ) AS s ON true
    WHERE p.project_id = :project_id AND p.last_snapshot_op_index IS DISTINCT FROM s.op_index
""")
