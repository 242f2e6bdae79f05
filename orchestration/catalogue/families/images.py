"""Images of families: which are due, and how far each family's pictures have come.

It queues images and reads their state. Keep out: mirroring them (`media.fetcher`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.work_queue.model import NewTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.work_queue.queue import TaskQueue


SHOWN_IMAGES = "SELECT url FROM family_image"
"""The URLs of the images that products show, for those who remove images that nothing shows."""


class FamilyImages(NamedTuple):
    """The state of one family's images; `problems` are those of the images that are dead, or missing since."""

    a_number: str
    total: int
    stored: int
    pending: int
    problems: tuple[str, ...]
    bytes: int
    main_key: str | None

    @property
    def is_settled(self) -> bool:
        """Whether every image is stored or dead."""
        return self.pending == 0


def request_images(connection: sa.Connection, queue: TaskQueue, a_numbers: Sequence[str]) -> list[str]:
    """Queue every image of these families, and return the URLs. Stored ones are requested again by ETag."""
    rows = connection.execute(_URLS, {"a_numbers": list(a_numbers)}).all()
    queue.enqueue(connection, [NewTask(url, {"revalidate": True}, grouping=supplier) for url, supplier in rows])
    return [url for url, _ in rows]


def request_stale_images(connection: sa.Connection, queue: TaskQueue, *, older_than_days: float, limit: int) -> int:
    """Queue up to `limit` stored images that were last requested so long ago, oldest first; returns how many."""
    urls = connection.execute(_STALE, {"days": older_than_days, "limit": limit}).scalars().all()
    queue.enqueue(connection, [NewTask(url, {"revalidate": True}) for url in urls])
    return len(urls)


def request_missing_images(connection: sa.Connection, queue: TaskQueue, supplier: str) -> int:
    """Queue the images of the supplier's active families that are not stored, dead ones among them; how many."""
    urls = connection.execute(_MISSING, {"supplier": supplier, "queue": queue.name}).scalars().all()
    queue.enqueue(connection, [NewTask(url, grouping=supplier) for url in urls])
    return len(urls)


def families_showing(connection: sa.Connection, urls: Sequence[str]) -> list[str]:
    """The families that show any of these images."""
    return list(connection.execute(_SHOWING, {"urls": list(urls)}).scalars())


def image_states(connection: sa.Connection, queue: TaskQueue, a_numbers: Sequence[str]) -> list[FamilyImages]:
    """The state of each family's images. A family that is not imported has a problem, and no image."""
    rows = connection.execute(_STATES, {"a_numbers": list(a_numbers), "queue": queue.name})
    states = {row[0]: FamilyImages(row[0], row[1], row[2], row[3], tuple(row[4]), row[5], row[6]) for row in rows}
    return [states.get(key) or FamilyImages(key, 0, 0, 0, (_NOT_IMPORTED,), 0, None) for key in a_numbers]


_NOT_IMPORTED = "The family is not imported; materialize catalogue/product_families for it first"

_URLS = sa.text("""
    SELECT i.url, min(f.supplier)
    FROM family_image AS i JOIN product_family AS f USING (a_number)
    WHERE i.a_number = ANY (CAST(:a_numbers AS text[])) GROUP BY i.url ORDER BY i.url
""")

_STALE = sa.text("""
    SELECT url FROM media_source
    WHERE checked_at < now() - make_interval(secs => 86400 * :days)
        AND EXISTS (SELECT FROM family_image AS i WHERE i.url = media_source.url)
    ORDER BY checked_at LIMIT :limit
""")

_MISSING = sa.text("""
    SELECT DISTINCT i.url FROM family_image AS i JOIN product_family AS f USING (a_number)
    WHERE f.supplier = :supplier AND f.is_active
        AND NOT EXISTS (SELECT FROM media_source AS s WHERE s.url = i.url)
        AND NOT EXISTS (SELECT FROM task AS t
            WHERE t.queue = :queue AND t.key = i.url AND t.state IN ('waiting', 'active'))
    ORDER BY i.url
""")

_SHOWING = sa.text(
    "SELECT DISTINCT a_number FROM family_image WHERE url = ANY (CAST(:urls AS text[])) ORDER BY a_number"
)

# A URL is stored when it has a source row and no task that may still change it. The one unfinished task of each URL is
# looked up: while the statistics are those of an empty queue, a join would compare each URL with each task.
_STATES = sa.text("""
    SELECT f.a_number, count(i.url), count(s.url) FILTER (WHERE t.state IS NULL),
        count(t.id) FILTER (WHERE t.state IN ('waiting', 'active')),
        coalesce(array_agg(i.url || ': ' || coalesce(t.error, 'it could not be had; the next sync asks again')
            ORDER BY i.position)
            FILTER (WHERE t.state = 'dead' OR (t.state IS NULL AND s.url IS NULL AND i.url IS NOT NULL)), '{}'),
        coalesce(sum(m.bytes), 0)::bigint, min(m.key) FILTER (WHERE i.position = 0)
    FROM product_family AS f
    LEFT JOIN family_image AS i USING (a_number)
    LEFT JOIN media_source AS s ON s.url = i.url
    LEFT JOIN media AS m ON m.content_hash = s.content_hash
    LEFT JOIN LATERAL (
        SELECT id, state, error FROM task
        WHERE queue = :queue AND key = i.url AND state IN ('waiting', 'active', 'dead') LIMIT 1
    ) AS t ON true
    WHERE f.a_number = ANY (CAST(:a_numbers AS text[]))
    GROUP BY f.a_number ORDER BY f.a_number
""")
