"""The record of collections: what each did, what it marked, what it deleted, and undoing its marks.

The rows that operators read. Keep out: collecting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.media_gc.tables import media_gc_mark, media_gc_run, media_tombstone
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.canvas.media_gc.model import Collection, Rules


class Undone(NamedTuple):
    """What happened to a collection's marks: media that are kept now, and those that were deleted before."""

    run_id: int
    kept: list[str]
    deleted: list[str]


def start_run(connection: sa.Connection, rules: Rules, now: datetime, *, dry_run: bool) -> int:
    """Note that a collection begins; its number."""
    statement = sa.insert(media_gc_run).values(
        started_at=now,
        is_dry_run=dry_run,
        is_forced=bool(rules.allowed),
        ttl_days=rules.ttl.total_seconds() / 86_400,
        grace_hours=rules.grace.total_seconds() / 3_600,
    )
    return int(connection.execute(statement.returning(media_gc_run.c.id)).scalar_one())


def finish_run(connection: sa.Connection, collection: Collection) -> None:
    """Note what a collection found and did."""
    survey, plan, result = collection.survey, collection.plan, collection.result
    found = {
        "finished_at": collection.finished_at,
        "media": survey.census.media,
        "media_bytes": survey.census.bytes,
        "places": dict(survey.census.places),
        "candidates": survey.census.candidate_total,
        "refused_reason": plan.why_held_back or None,
    }
    if result is not None:
        found |= {
            "repaired": result.repaired,
            "marked": len(result.marked),
            "revived": len(result.revived),
            "deleted": len(result.deleted),
            "orphans": len(result.orphans),
            "bytes": result.freed,
            "skipped": len(result.skipped),
            "failed": len(result.failed),
        }
    connection.execute(sa.update(media_gc_run).where(media_gc_run.c.id == collection.run_id).values(found))


def undo_run(connection: sa.Connection, run_id: int, now: datetime) -> Undone:
    """Lift the marks of a collection for good: they are not set again before another TTL has passed.

    Raises `NotFoundError` for a number that no collection has.
    """
    read_run(connection, run_id)
    marks = sa.update(media_gc_mark).where(media_gc_mark.c.run_id == run_id, media_gc_mark.c.undone_at.is_(None))
    kept = connection.execute(marks.values(undone_at=now).returning(media_gc_mark.c.media_id)).scalars()
    deleted = connection.execute(
        sa.select(media_tombstone.c.media_id).where(media_tombstone.c.marked_by == run_id)
    ).scalars()
    return Undone(run_id, sorted(kept), sorted(deleted))


def list_runs(connection: sa.Connection, *, before: int | None = None, limit: int = 100) -> list[sa.RowMapping]:
    """The newest collections, those with numbers below `before` if that is given."""
    statement = sa.select(media_gc_run).order_by(media_gc_run.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(media_gc_run.c.id < before)
    return list(connection.execute(statement).mappings())


def read_run(connection: sa.Connection, run_id: int) -> sa.RowMapping:
    """One collection; raises as `undo_run` does."""
    statement = sa.select(media_gc_run).where(media_gc_run.c.id == run_id)
    found = connection.execute(statement).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"There was no collection {run_id}; see the numbers in the metadata of canvas/media_gc")
    return found


def tombstones(connection: sa.Connection, run_id: int) -> list[sa.RowMapping]:
    """What a collection deleted, in its order."""
    chosen = sa.select(media_tombstone).where(media_tombstone.c.run_id == run_id).order_by(media_tombstone.c.id)
    return list(connection.execute(chosen).mappings())
