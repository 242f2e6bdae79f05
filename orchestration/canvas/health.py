"""What is standing wrong with the canvas: counted, with examples and the remedy.

The questions. Keep out: how the answers are shown, or the questions of media.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.elements import read_elements
from orchestration.canvas.loading import load, mark_corrupt, replay_all
from orchestration.canvas.projects import read_project
from orchestration.canvas.snapshots import unsaved_projects
from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.canvas.model import Element
    from orchestration.canvas.snapshots import SnapshotRule

# How many of the newest snapshots one look verifies; each is verified again whenever it is read or thinned.
VERIFIED = 1_000
COMPARED = 5
LONGEST_REPLAY = 20_000
# A project is overdue when it is so many times beyond the rule: until then the next run takes it.
PATIENCE_OPERATIONS, PATIENCE_AGE = 2.0, 1.5


def corrupt_snapshots(connection: sa.Connection) -> Finding:
    """Snapshots that cannot be used; those whose bytes have changed are marked by the way."""
    for row in connection.execute(_CHANGED, {"limit": VERIFIED}).all():
        mark_corrupt(connection, row.project_id, row.id, "its bytes do not have the checksum stored with them")
    rows = connection.execute(_CORRUPT).all()
    return Finding(
        len(rows),
        "Nothing is lost: an earlier one or the log is read, and the next run makes another. Look at the disk; the "
        "corrupt one goes with the snapshots of its age, a named one when an operator deletes it.",
        ("snapshot", "project", "operation", "name", "since", "why"),
        [tuple(row) for row in rows[:SAMPLE]],
        is_error=True,
    )


def overdue_projects(connection: sa.Connection, rule: SnapshotRule, now: datetime) -> Finding:
    """Projects that should have been saved long ago."""
    patient = rule.stretched(PATIENCE_OPERATIONS, PATIENCE_AGE)
    overdue = [unsaved for unsaved in unsaved_projects(connection) if patient.is_due(unsaved, now)]
    return Finding(
        len(overdue),
        "See the errors of the last run of canvas_snapshot; `orchestration canvas snapshot` saves what is due.",
        ("project", "unsaved"),
        [(unsaved.project_id, rule.shortfall(unsaved, now)) for unsaved in overdue[:SAMPLE]],
    )


def differing_projects(connection: sa.Connection, sample: int = COMPARED) -> Finding:
    """Of a few projects, chosen at random each time, those whose elements, load and full replay are not the same."""
    chosen = connection.execute(_CHOSEN, {"limit": sample, "longest": LONGEST_REPLAY}).scalars().all()
    found = [(project_id, why) for project_id in chosen if (why := _difference(connection, project_id))]
    return Finding(
        len(found),
        "The log is the truth: `orchestration canvas repair ID` rebuilds the elements from it, and marks snapshots "
        "that differ. Find out who wrote to the elements beside the log.",
        ("project", "what differs"),
        found,
        is_error=True,
    )


def _difference(connection: sa.Connection, project_id: str) -> str:
    """What differs in one project; empty when nothing does."""
    try:
        replayed = replay_all(connection, project_id)
        loaded = load(connection, project_id, at=replayed.op_index)
    except Exception as error:  # noqa: BLE001 - what is wrong with one project must not hide the others
        return str(error) or type(error).__name__
    differing = _differing(replayed.elements, loaded.elements)
    stored = read_elements(connection, project_id)
    if read_project(connection, project_id).last_op_index == replayed.op_index:  # else it was worked on meanwhile
        differing += [f"{key} (stored)" for key in _differing(replayed.elements, stored)]
    return ", ".join(differing[:SAMPLE])


def _differing(one: dict[str, Element], other: dict[str, Element]) -> list[str]:
    return sorted(key for key in {**one, **other} if one.get(key) != other.get(key))


_CHANGED = sa.text("""
    SELECT id, project_id FROM (
        SELECT id, project_id, elements, checksum FROM canvas_snapshot
        WHERE corrupt_reason IS NULL ORDER BY id DESC LIMIT :limit
    ) AS newest WHERE encode(sha256(elements), 'hex') <> checksum
""")

_CORRUPT = sa.text("""
    SELECT id, project_id, op_index, name, corrupt_since, corrupt_reason FROM canvas_snapshot
    WHERE corrupt_reason IS NOT NULL ORDER BY corrupt_since DESC
""")

_CHOSEN = sa.text("""
    SELECT project_id FROM canvas_project WHERE next_op_index BETWEEN 1 AND :longest ORDER BY random() LIMIT :limit
""")
