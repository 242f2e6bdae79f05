"""Bringing a project's elements and snapshots back in sync with its log, should anything have written beside it.

The one comparison along the whole log. Keep out: corrupt bytes, which are found where they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.elements import read_elements, write_elements
from orchestration.canvas.loading import mark_corrupt
from orchestration.canvas.log import operations_between
from orchestration.canvas.operations import replay
from orchestration.canvas.projects import lock_project
from orchestration.canvas.snapshot_form import CorruptSnapshotError, read_snapshot

if TYPE_CHECKING:
    from orchestration.canvas.model import Element


class Repaired(NamedTuple):
    """How many elements were written again or deleted, and which snapshots were marked."""

    project_id: str
    elements: int
    snapshots: tuple[int, ...]


def repair(connection: sa.Connection, project_id: str) -> Repaired:
    """Replay the whole log in the caller's transaction; what differs from it is made again, or marked as corrupt.

    Raises `InvalidInputError` for a project that is not there.
    """
    last = lock_project(connection, project_id).last_op_index
    elements: dict[str, Element] = {}
    marked = []
    reached = -1
    for row in connection.execute(_SNAPSHOTS, {"project_id": project_id}).all():
        replay(elements, operations_between(connection, project_id, reached, row.op_index))
        reached = row.op_index
        if why := _fault(row, elements):
            mark_corrupt(connection, project_id, row.id, why)
            marked.append(row.id)
    replay(elements, operations_between(connection, project_id, reached, last))
    stored = read_elements(connection, project_id)
    changed = {key: elements.get(key) for key in {**stored, **elements} if stored.get(key) != elements.get(key)}
    if changed:
        write_elements(connection, project_id, changed, connection.execute(_NOW).scalar_one())
    return Repaired(project_id, len(changed), tuple(marked))


def _fault(row: sa.Row[tuple[object, ...]], elements: dict[str, Element]) -> str:
    """What is wrong with a snapshot of these elements; empty when nothing is."""
    try:
        found = read_snapshot(row.version, row.checksum, row.element_count, row.elements)
    except CorruptSnapshotError as error:
        return str(error)
    return "" if found == elements else "it differs from the log"


_SNAPSHOTS = sa.text("""
    SELECT id, op_index, version, checksum, element_count, elements FROM canvas_snapshot
    WHERE project_id = :project_id AND corrupt_reason IS NULL ORDER BY op_index, id
""")

_NOW = sa.text("SELECT clock_timestamp()")
