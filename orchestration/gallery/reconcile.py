"""Where the mirror is not what the history says: found, and queued for repair.

It compares both sides, and queues what differs. Keep out: the repair itself, which the mirror's tasks do.

What is compared: which items are shown; of each the history's revision, the creator's three fields, and the columns
that readers filter and sort by; and whether the mirror's document is still the one that was written, by its hash.
Image renditions are not compared: the renderer requeues every item that shows an image it has rendered. First come the
numbers of rows and a hash over each of 256 ranges of ids, each computed inside the database in one pass over each
side; then only the items of ranges that differ. Items with a task that has yet to run are behind, which is no drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.gallery.queues import MirrorOp, mirror_task
from orchestration.gallery.shown import PERSONAL
from orchestration.observability.findings import SAMPLE, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.work_queue.queue import TaskQueue


class MirrorDiff(NamedTuple):
    """What differs, by history id. `extra` items are shown though they must not be, which is the most urgent.

    `source` and `mirror` are how many items there should be and are, `ranges` how many ranges of ids differ, those of
    items that are only behind among them.
    """

    source: int
    mirror: int
    ranges: int
    extra: tuple[str, ...]
    missing: tuple[str, ...]
    stale: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many items differ."""
        return len(self.extra) + len(self.missing) + len(self.stale)


def find_drift(connection: sa.Connection) -> MirrorDiff:
    """Compare the mirror with the history. Each of the two statements sees one moment of both sides."""
    rows = connection.execute(_RANGES).all()
    differing = [row.range for row in rows if not row.is_same]
    found: dict[str, list[str]] = {"extra": [], "missing": [], "stale": []}
    if differing:
        for history_id, kind in connection.execute(_ITEMS, {"ranges": differing}):
            found[kind].append(history_id)
    return MirrorDiff(
        sum(row.source for row in rows),
        sum(row.mirror for row in rows),
        len(differing),
        *(tuple(found[kind]) for kind in ("extra", "missing", "stale")),
    )


def repair(connection: sa.Connection, queue: TaskQueue, drift: MirrorDiff) -> int:
    """Queue the items that differ, what must disappear first; returns how many.

    An item that has failed for good and was not changed since would fail again, and lose the record of why: it stays a
    dead letter, unless it is shown and must not be.
    """
    given_up = set(connection.execute(_GIVEN_UP, {"ids": [*drift.missing, *drift.stale]}).scalars())
    kinds: Sequence[tuple[MirrorOp, Sequence[str]]] = (
        (MirrorOp.REMOVE, drift.extra),
        (MirrorOp.UPSERT, drift.missing),
        (MirrorOp.UPDATE, drift.stale),
    )
    tasks = [mirror_task(one, op) for op, ids in kinds for one in ids if one not in given_up]
    queue.enqueue(connection, tasks)
    return len(tasks)


def drifted_items(connection: sa.Connection) -> Finding:
    """Items that the mirror shows and must not, does not show and must, or shows as they no longer are."""
    return drift_finding(find_drift(connection))


def drift_finding(drift: MirrorDiff) -> Finding:
    """What a comparison found, with examples and the remedy."""
    examples = [
        *((one, "shown, and must not be") for one in drift.extra[:SAMPLE]),
        *((one, "missing") for one in drift.missing[:SAMPLE]),
        *((one, "out of date") for one in drift.stale[:SAMPLE]),
    ]
    return Finding(
        drift.total,
        f"Of {drift.source} items that should be shown, {len(drift.missing)} are missing and {len(drift.stale)} out of "
        f"date. Shown and must not be: {len(drift.extra)}. `orchestration gallery drift --repair` asks for all of "
        "them, but for dead letters of the mirror queue whose item is still the same: fix the item, or replay them.",
        ("item", "what"),
        examples[:SAMPLE],
        is_error=bool(drift.extra),
    )


def _name(column: str, field: str, form: str = ".") -> str:
    """What is shown of a user, as SQL; the rules are those of `shown` and of `merge.own_creator`."""
    said = f"""CASE WHEN u.uid IS NOT NULL THEN u.{column}
        WHEN h.document #>> '{{createdBy,uid}}' = h.uid THEN h.document #>> '{{createdBy,{field}}}' END"""
    return f"(SELECT said FROM (SELECT {said} AS said) AS s WHERE said !~ '{PERSONAL}' AND said ~* '{form}')"  # noqa: S608


# Both sides as the same columns, so that equal rows have equal hashes.
_SOURCE = f"""
SELECT h.history_id, left(md5(h.history_id), 2) AS range, hash_record_extended(ROW(
    h.history_id, h.revision, h.uid, {_name("username", "username")}, {_name("display_name", "displayName")},
    {_name("photo_url", "photoURL", "^https?://")},
    h.generation_type, h.nsfw, h.aesthetic_score, h.created_at, true), 0) AS hash
FROM generation_history AS h LEFT JOIN app_user AS u USING (uid)
WHERE h.is_visible AND NOT EXISTS (SELECT FROM gallery_takedown AS t WHERE t.history_id = h.history_id)
"""  # noqa: S608 - our own columns

_MIRROR = """
SELECT p.history_id, left(md5(p.history_id), 2) AS range, hash_record_extended(ROW(
    p.history_id, p.source_revision, p.uid, p.document #>> '{createdBy,username}',
    p.document #>> '{createdBy,displayName}', p.document #>> '{createdBy,photoURL}',
    p.generation_type, p.nsfw, p.aesthetic_score, p.created_at,
    p.content_hash = to_hex(jsonb_hash_extended(p.document, 0))), 0) AS hash
FROM public_generation AS p"""

# Some ranges are empty on both sides; a range that is empty on one side has no hash there, and differs.
_RANGES = sa.text(f"""
SELECT range, coalesce(s.items, 0) AS source, coalesce(m.items, 0) AS mirror,
    (s.items = m.items AND s.hash = m.hash) IS TRUE AS is_same
FROM (SELECT range, count(*) AS items, bit_xor(hash) AS hash FROM ({_SOURCE}) AS rows GROUP BY range) AS s
FULL JOIN (SELECT range, count(*) AS items, bit_xor(hash) AS hash FROM ({_MIRROR}) AS rows GROUP BY range) AS m
    USING (range)
ORDER BY range""")  # noqa: S608 - our own statements

_GIVEN_UP = sa.text("""
SELECT t.key FROM task AS t JOIN generation_history AS h ON h.history_id = t.key
WHERE t.queue = 'mirror' AND t.state = 'dead' AND t.finished_at >= h.updated_at
    AND t.key = ANY (CAST(:ids AS text[]))""")

_ITEMS = sa.text(f"""
SELECT history_id, CASE WHEN s.hash IS NULL THEN 'extra' WHEN m.hash IS NULL THEN 'missing' ELSE 'stale' END AS kind
FROM (SELECT * FROM ({_SOURCE}) AS rows WHERE range = ANY (CAST(:ranges AS text[]))) AS s
FULL JOIN (SELECT * FROM ({_MIRROR}) AS rows WHERE range = ANY (CAST(:ranges AS text[]))) AS m USING (history_id)
LEFT JOIN generation_history AS h USING (history_id)
WHERE s.hash IS DISTINCT FROM m.hash AND NOT EXISTS (
    SELECT FROM task WHERE queue = 'mirror' AND state IN ('waiting', 'active')
        AND key IN (history_id, 'creator:' || h.uid))
ORDER BY history_id""")  # noqa: S608 - our own statements
