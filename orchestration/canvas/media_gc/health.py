"""What is wrong with canvas media: counted, with examples and the remedy.

The questions. Keep out: how the answers are shown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.media_gc.census import count_references
from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    from orchestration.canvas.media_gc.collector import MediaGarbageCollector
    from orchestration.canvas.media_gc.model import Bucket


def misleading_counts(collector: MediaGarbageCollector) -> Finding:
    """Media in use whose stored count says that they are not, old enough to be taken for garbage.

    Counts are as the last collection left them, so one of a younger medium, or one that is too high, says nothing.
    """
    old = collector.clock() - timedelta(days=collector.settings.gc_ttl_days)
    with collector.database.begin() as connection:
        count_references(connection, collector.sources, collector.clock())
        rows = connection.execute(_MISLEADING, {"old": old}).all()
    return Finding(
        len(rows),
        "The next collection repairs the counts, and never trusts them; look for a program that writes them.",
        ("medium", "stored count", "places that refer to it"),
        [tuple(row) for row in rows[:SAMPLE]],
    )


def live_media_marked(collector: MediaGarbageCollector) -> Finding:
    """Media that are marked for deletion although something refers to them."""
    with collector.database.begin() as connection:
        count_references(connection, collector.sources, collector.clock())
        rows = connection.execute(_LIVE_MARKED).all()
    return Finding(
        len(rows),
        "The next collection lifts these marks and deletes none of them. A writer went around the triggers that do so: "
        "look for `session_replication_role` and disabled triggers.",
        ("medium", "places", "marked", "to be deleted after"),
        [tuple(row) for row in rows[:SAMPLE]],
        is_error=True,
    )


def bucket_differences(collector: MediaGarbageCollector) -> Finding:
    """Objects without a row, rows without their object, sizes that differ, and deletions that are not finished."""
    bucket = collector.reconcile()
    rows = difference_rows(bucket)
    return Finding(
        len(rows),
        "Orphans and unfinished deletions go with one of the next collections. A missing or damaged object has to be "
        "uploaded again: `orchestration gc --reconcile` lists them. A file with an odd name is no medium's; rename or "
        "remove it by hand.",
        ("object", "what", "bytes in the database", "bytes in the bucket"),
        rows[:SAMPLE],
    )


def difference_rows(bucket: Bucket) -> list[tuple[str, str, int | None, int | None]]:
    """Each difference: the object key, what it is, and its bytes on both sides; what is worst comes first."""
    return [
        *((key, "missing", size, None) for key, size in sorted(bucket.missing.items())),
        *((key, "size differs", *sizes) for key, sizes in sorted(bucket.mismatched.items())),
        *((key, "deletion not finished", None, size) for key, size in sorted(bucket.condemned.items())),
        *((key, f"odd name: {why}", None, None) for key, why in sorted(bucket.odd.items())),
        *((key, "orphan", None, size) for key, size in sorted(bucket.orphans.items())),
    ]


def refused_collections(connection: sa.Connection) -> Finding:
    """The last collection, if a guard refused it."""
    rows = connection.execute(_REFUSED).all()
    return Finding(
        len(rows),
        "Find out why so much would go. If that is meant, run `orchestration gc --allow` with the guard that it names.",
        ("collection", "began", "why"),
        [tuple(row) for row in rows],
        is_error=True,
    )


_MISLEADING = sa.text("""
    SELECT media_id, stored, places FROM media_census WHERE stored <= 0 AND places > 0 AND written_at < :old
    ORDER BY media_id
""")

_LIVE_MARKED = sa.text("""
    SELECT media_id, places, marked_at, delete_after FROM media_census WHERE is_marked AND places > 0 ORDER BY media_id
""")

_REFUSED = sa.text("""
    SELECT id, started_at, refused_reason FROM (
        SELECT * FROM media_gc_run WHERE finished_at IS NOT NULL AND NOT is_dry_run ORDER BY id DESC LIMIT 1
    ) AS last WHERE refused_reason IS NOT NULL
""")
