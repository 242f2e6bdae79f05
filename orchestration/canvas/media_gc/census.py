"""Counting every medium's references in one scan, and reading off what a collection needs to know.

It holds the scan, and queries over its result. Keep out: the bucket, and any change of a medium.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.media_gc.model import Census, Medium, Tombstone, WrongCount
from orchestration.canvas.media_gc.references import all_references, names_of_media

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from orchestration.canvas.media_gc.references import ReferenceSource

# Wrong counts that one collection repairs.
MOST_DRIFT = 100_000


def take_census(
    connection: sa.Connection, sources: Sequence[ReferenceSource], now: datetime, ttl: timedelta, most: int
) -> Census:
    """Scan all sources once; needs a transaction, whose end drops what it has counted."""
    count_references(connection, sources, now)
    moment = {"now": now, "young": now - ttl, "most": most}
    totals = connection.execute(_TOTALS, moment).one()
    return Census(
        media=totals.media,
        bytes=totals.bytes,
        places={
            source.name: 0 for source in sources} | {row.source: row.places for row in connection.execute(_PLACES)
        },
        former_places=connection.execute(_FORMER_PLACES).scalar() or {},
        drift=[WrongCount(*row) for row in connection.execute(_DRIFT, {"most": MOST_DRIFT})],
        drifted=totals.drifted,
        candidates=_media(connection, _CANDIDATES, moment),
        candidate_total=totals.candidates,
        marked=totals.marked,
        revived=_media(connection, _REVIVED, moment),
        due=_media(connection, _DUE, moment),
        due_total=totals.due,
        unsettled=[Tombstone(*row) for row in connection.execute(_UNSETTLED)],
    )  # fmt: skip


def prepare_scan(connection: sa.Connection) -> None:
    """Let the transaction count a million references in memory, and join what it joins by hash.

    What a reference names is found by a function, of whose results the planner knows nothing, and marks are made by
    the thousand just before they are read; left to itself it may compare everything with everything.
    """
    connection.execute(sa.text("SET LOCAL work_mem = '256MB'"))
    connection.execute(sa.text("SET LOCAL enable_nestloop = off"))


def count_references(connection: sa.Connection, sources: Sequence[ReferenceSource], now: datetime) -> None:
    """Make the temporary table `media_census`: each medium, how many places refer to it, and since when none does."""
    prepare_scan(connection)
    connection.execute(sa.text(_FOUND.format(names=names_of_media(), references=all_references(sources))))
    connection.execute(_CENSUS, {"now": now})


def referenced_media(
    connection: sa.Connection, sources: Sequence[ReferenceSource], media_ids: Sequence[str]
) -> set[str]:
    """Which of these media anything refers to, as of this moment; one scan, however many they are."""
    prepare_scan(connection)
    names = names_of_media("media_id = ANY (:ids)")
    scan = f"SELECT DISTINCT media_id FROM ({all_references(sources)}) AS r JOIN ({names}) AS n USING (name)"  # noqa: S608 - our own sources
    return set(connection.execute(sa.text(scan), {"ids": list(media_ids)}).scalars())


def referenced_objects(connection: sa.Connection, sources: Sequence[ReferenceSource], keys: Sequence[str]) -> set[str]:
    """Which of these objects anything names."""
    names = "SELECT key, unnest(media_names('-', NULL, key)) AS name FROM unnest(CAST(:keys AS text[])) AS key"
    scan = (
        f"SELECT DISTINCT key FROM ({all_references(sources)}) AS r "  # noqa: S608 - our own sources
        f"JOIN ({names}) AS n USING (name) WHERE name <> '-'"
    )
    return set(connection.execute(sa.text(scan), {"keys": list(keys)}).scalars())


def _media(connection: sa.Connection, statement: sa.TextClause, moment: Mapping[str, object]) -> list[Medium]:
    return [Medium(*row) for row in connection.execute(statement, moment)]


# A place that names a medium by its id, its URL and its key refers to it once.
_FOUND = """
    CREATE TEMPORARY TABLE media_found ON COMMIT DROP AS
    SELECT media_id, source, count(*) AS places FROM (
        SELECT DISTINCT media_id, source, place FROM ({references}) AS r JOIN ({names}) AS n USING (name)
    ) AS place GROUP BY media_id, source
"""

_CENSUS = sa.text("""
    CREATE TEMPORARY TABLE media_census ON COMMIT DROP AS
    SELECT media_id, storage_path, bytes, referenced_by_count AS stored, coalesce(places, 0) AS places,
        count(*) OVER (PARTITION BY storage_path) AS sharers, greatest(created_at, updated_at) AS written_at,
        CASE WHEN referenced_by_count > 0 AND places IS NULL THEN CAST(:now AS timestamptz)
            ELSE greatest(created_at, updated_at, u.since) END AS unused_since,
        k.marked_at, k.delete_after, k.undone_at, k.marked_at IS NOT NULL AND k.undone_at IS NULL AS is_marked
    FROM canvas_media LEFT JOIN media_gc_mark AS k USING (media_id) LEFT JOIN media_unreferenced AS u USING (media_id)
    LEFT JOIN (SELECT media_id, CAST(sum(places) AS bigint) AS places FROM media_found GROUP BY media_id) AS f
        USING (media_id)
""")

# A medium whose stored count says that it was in use, and that is not any more, has been without since this moment.
_IS_CANDIDATE = "places = 0 AND NOT is_marked AND unused_since < :young AND (undone_at IS NULL OR undone_at < :young)"
_IS_DUE = "places = 0 AND is_marked AND delete_after <= :now"

_TOTALS = sa.text(f"""
    SELECT count(*) AS media, CAST(coalesce(sum(bytes), 0) AS bigint) AS bytes,
        count(*) FILTER (WHERE stored <> places) AS drifted,
        count(*) FILTER (WHERE {_IS_CANDIDATE}) AS candidates,
        count(*) FILTER (WHERE is_marked AND places = 0) AS marked,
        count(*) FILTER (WHERE {_IS_DUE}) AS due
    FROM media_census
""")  # noqa: S608 - our own conditions

_PLACES = sa.text("SELECT source, CAST(sum(places) AS bigint) AS places FROM media_found GROUP BY source")

_FORMER_PLACES = sa.text("""
    SELECT places FROM media_gc_run WHERE finished_at IS NOT NULL AND NOT is_dry_run AND refused_reason IS NULL
    ORDER BY id DESC LIMIT 1
""")

_DRIFT = sa.text("""
    SELECT media_id, stored, places FROM media_census WHERE stored <> places ORDER BY media_id LIMIT :most
""")

_MEDIUM = "SELECT media_id, storage_path, bytes, sharers FROM media_census"

_CANDIDATES = sa.text(f"{_MEDIUM} WHERE {_IS_CANDIDATE} ORDER BY written_at, media_id LIMIT :most")
_REVIVED = sa.text(f"{_MEDIUM} WHERE places > 0 AND marked_at IS NOT NULL ORDER BY media_id")
# Rows of one object stand together, so that a limit seldom cuts between them.
_DUE = sa.text(f"{_MEDIUM} WHERE {_IS_DUE} ORDER BY delete_after, storage_path, media_id LIMIT :most + 1")

# An object that has got a row again will stay, and frees nothing.
_UNSETTLED = sa.text("""
    SELECT id, media_id, storage_path,
        CASE WHEN EXISTS (SELECT FROM canvas_media AS m WHERE m.storage_path = t.storage_path) THEN 0 ELSE bytes END
    FROM media_tombstone AS t WHERE object_state = 'pending' ORDER BY id
""")
