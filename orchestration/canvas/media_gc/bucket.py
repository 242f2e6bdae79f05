"""Database and bucket compared, object by object and to the byte.

The comparison, and reading both sides. Keep out: what is done about a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.canvas.media_gc.model import FOLDER, Bucket
from orchestration.storage.listing import list_objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore


def compare(rows: Mapping[str, int], condemned: Mapping[str, int], objects: Mapping[str, int]) -> Bucket:
    """Compare the sizes in the rows, and those of deleted media, with the objects that are there; by object key."""
    return Bucket(
        database_objects=len(rows),
        database_bytes=sum(rows.values()),
        objects=len(objects),
        bytes=sum(objects.values()),
        orphans={key: size for key, size in objects.items() if key not in rows and key not in condemned},
        missing={key: size for key, size in rows.items() if key not in objects},
        condemned={key: objects[key] for key in condemned if key in objects and key not in rows},
        mismatched={key: (rows[key], size) for key, size in objects.items() if rows.get(key, size) != size},
    )


def read_bucket(database: Database, objects: ObjectStore) -> Bucket:
    """Both sides as they are, while others go on writing.

    The two cannot be read at the same moment: what differs at first is looked up in the database once more, which
    leaves out what was uploaded or deleted in between. Raises `TransientError` when either side does not answer.
    """
    rows, condemned = _read_rows(database)
    found, odd = list_objects(objects, FOLDER)
    rows = _known(rows, odd)
    first = compare(rows, condemned, found)
    again = [*first.orphans, *first.missing, *first.mismatched]
    if again:
        for key in again:
            rows.pop(key, None)
            condemned.pop(key, None)
        found_again, going = _read_rows(database, again)
        rows |= _known(found_again, odd)
        condemned |= going
    return compare(rows, condemned, found)._replace(odd=odd)


def _known(rows: dict[str, int], odd: Mapping[str, str]) -> dict[str, int]:
    """The rows without those in folders that could not be listed, of whose objects nothing is known."""
    return {key: size for key, size in rows.items() if not key.startswith(tuple(f"{name}/" for name in odd))}


def _read_rows(database: Database, keys: list[str] | None = None) -> tuple[dict[str, int], dict[str, int]]:
    parameters = {"folder": f"{FOLDER}/", "every": keys is None, "keys": keys or []}
    with database.connect() as connection:
        rows = [(row.storage_path, row.bytes, row.is_live) for row in connection.execute(_ROWS, parameters)]
    return {path: size for path, size, live in rows if live}, {path: size for path, size, live in rows if not live}


# One statement, since a deletion turns a row into a tombstone.
_ROWS = sa.text("""
    SELECT storage_path, max(bytes) AS bytes, true AS is_live FROM canvas_media
    WHERE starts_with(storage_path, :folder) AND (:every OR storage_path = ANY (:keys)) GROUP BY storage_path
    UNION ALL
    SELECT storage_path, max(bytes), false FROM media_tombstone
    WHERE object_state = 'pending' AND starts_with(storage_path, :folder) AND (:every OR storage_path = ANY (:keys))
    GROUP BY storage_path
""")
