"""Mirrored images that nothing shows any more: which they are, since when, and taking their rows away.

Which URLs are shown is each domain's own; a domain gives them by a SELECT of `url`. Keep out: when images go and how
their objects are deleted, which the collection of media decides, and keeping images (`fetcher`, `renditions`).

An object may be found in place at the moment at which it is deleted. So who has found one holds its key, shared,
while its row is written, and looks whether it is still there; who deletes one takes the key for itself alone, and
looks for a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from orchestration.storage.objects import ObjectStore

# Where originals and renditions lie.
MIRRORED = "media"


class UnshownImage(NamedTuple):
    """An image that nothing shows, with its original and its renditions; `since` is None when that is new."""

    content_hash: str
    keys: Sequence[str]
    bytes: int
    since: datetime | None = None


class UnshownImages(NamedTuple):
    """How many images are mirrored, how many of these nothing has shown since a moment, and the first of the latter."""

    images: int = 0
    unshown: int = 0
    first: Sequence[UnshownImage] = ()


def find_unshown(connection: sa.Connection, shown: Sequence[str], before: datetime, most: int) -> UnshownImages:
    """Which images nothing has shown since `before`, the longest first; none when no domain says what is shown."""
    if not shown:
        return UnshownImages()
    values = {"before": before, "most": most}
    images = connection.execute(sa.text("SELECT count(*) FROM media")).scalar_one()
    rows = connection.execute(sa.text(_UNSHOWN.format(shown=_shown(shown))), values).all()
    first = [UnshownImage(row.content_hash, row.keys, row.bytes, row.unused_since) for row in rows]
    return UnshownImages(images, rows[0].total if rows else 0, first)


def note_unshown(connection: sa.Connection, shown: Sequence[str], now: datetime) -> None:
    """Remember since when nothing shows an image, and forget it of those that something shows again."""
    if shown:
        connection.execute(sa.text(_NOTE.format(shown=_shown(shown))), {"now": now})


def forget_unshown(connection: sa.Connection, shown: Sequence[str], hashes: Collection[str]) -> list[str]:
    """Take away the rows of those of the images that nothing shows at this moment; the keys of their objects.

    An image that somebody is using at this moment stays. An object that another image has as well is not among them.
    """
    held = set(connection.execute(_LOCK, {"hashes": sorted(hashes)}).scalars())
    # A statement of its own, and so of a later moment than the locks.
    still = connection.execute(sa.text(_STILL.format(shown=_shown(shown))), {"hashes": sorted(held)}).scalars()
    going = {"hashes": sorted(held - set(still))}
    keys = set(connection.execute(_FORGET_RENDITIONS, going).scalars())
    connection.execute(_FORGET_SOURCES, going)
    keys |= set(connection.execute(_FORGET_ORIGINALS, going).scalars())
    return sorted(keys - mirrored_keys(connection, keys))


def mirrored_keys(connection: sa.Connection, keys: Collection[str]) -> set[str]:
    """Which of these objects are those of mirrored images."""
    return set(connection.execute(_MIRRORED_KEYS, {"keys": sorted(keys)}).scalars())


def hold_found(connection: sa.Connection, objects: ObjectStore, keys: Collection[str]) -> None:
    """Keep objects that were found in place until the transaction ends; raises `TransientError` when one is gone."""
    if not keys:
        return
    connection.execute(_HOLD, {"keys": sorted(keys)})
    for key in sorted(keys):
        if objects.size(key) is None:
            raise TransientError(f"The object {key} was deleted at this moment; it is made again")


def _shown(shown: Sequence[str]) -> str:
    """A SELECT of the content hashes of the images that something shows."""
    urls = " UNION ALL ".join(f"SELECT url FROM ({query}) AS q" for query in shown)  # noqa: S608 - our own domains'
    return f"SELECT content_hash FROM media_source WHERE url IN ({urls})"  # noqa: S608 - as above


# Joined, and not `NOT IN`: of more hashes than fit into its memory for one step, the server would look through the
# whole list for every image.
_UNSHOWN = """
    SELECT m.content_hash, m.unused_since, count(*) OVER () AS total,
        array_prepend(m.key, ARRAY(SELECT key FROM media_variant AS v WHERE v.content_hash = m.content_hash)) AS keys,
        m.bytes + coalesce((SELECT CAST(sum(bytes) AS bigint) FROM media_variant AS v
            WHERE v.content_hash = m.content_hash), 0) AS bytes
    FROM media AS m WHERE m.unused_since < :before
        AND NOT EXISTS (SELECT FROM ({shown}) AS s WHERE s.content_hash = m.content_hash)
    ORDER BY m.unused_since, m.content_hash LIMIT :most
"""

_NOTE = """
    WITH changed AS MATERIALIZED (
        SELECT m.content_hash FROM media AS m LEFT JOIN (SELECT DISTINCT content_hash FROM ({shown}) AS s) AS shown
            USING (content_hash)
        WHERE (m.unused_since IS NULL) = (shown.content_hash IS NULL)
        ORDER BY m.content_hash FOR NO KEY UPDATE OF m SKIP LOCKED)
    UPDATE media AS m SET unused_since = CASE WHEN unused_since IS NULL THEN CAST(:now AS timestamptz) END
    FROM changed WHERE m.content_hash = changed.content_hash
"""

_LOCK = sa.text("""
    SELECT content_hash FROM media WHERE content_hash = ANY (CAST(:hashes AS text[])) AND unused_since IS NOT NULL
    ORDER BY content_hash FOR UPDATE SKIP LOCKED
""")

_STILL = """
    SELECT content_hash FROM media WHERE content_hash = ANY (CAST(:hashes AS text[])) AND content_hash IN ({shown})
"""

_OF_THESE = "WHERE content_hash = ANY (CAST(:hashes AS text[]))"
_FORGET_RENDITIONS = sa.text(f"DELETE FROM media_variant {_OF_THESE} RETURNING key")  # noqa: S608 - our own constant
_FORGET_SOURCES = sa.text(f"DELETE FROM media_source {_OF_THESE}")  # noqa: S608 - as above
_FORGET_ORIGINALS = sa.text(f"DELETE FROM media {_OF_THESE} RETURNING key")  # noqa: S608 - as above

_MIRRORED_KEYS = sa.text("""
    SELECT key FROM media WHERE key = ANY (CAST(:keys AS text[]))
    UNION SELECT key FROM media_variant WHERE key = ANY (CAST(:keys AS text[]))
""")

_HOLD = sa.text("""
    SELECT pg_advisory_xact_lock_shared(hashtextextended(key, 0))
    FROM unnest(CAST(:keys AS text[])) AS key ORDER BY key
""")
