"""The stored entries of the feed: where each family's document is, under which hash.

It reads and writes the table `feed_entry`. Keep out: reading Import.txt (`feed`), comparing it (`plan`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.tables import feed_entry, product_family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.feed.lines import FeedEntry


class Entry(NamedTuple):
    """Where a family's document is. `stored_hash` is None for a family that is new or was removed."""

    a_number: str
    supplier: str
    url: str
    supplier_hash: str
    stored_hash: str | None


def read_entries(connection: sa.Connection, a_numbers: Sequence[str]) -> dict[str, Entry]:
    """The entry of each family that the feed lists, by key."""
    stored = sa.case((product_family.c.removed_at.is_(None), product_family.c.supplier_hash))
    statement = (
        sa.select(feed_entry.c.a_number, feed_entry.c.supplier, feed_entry.c.url, feed_entry.c.supplier_hash, stored)
        .outerjoin(product_family, product_family.c.a_number == feed_entry.c.a_number)
        .where(feed_entry.c.a_number == sa.any_(sa.cast(list(a_numbers), sa.ARRAY(sa.Text))))
    )
    return {row[0]: Entry(*row) for row in connection.execute(statement)}


def list_entries(
    connection: sa.Connection, supplier: str, entries: Sequence[FeedEntry], *, keep: Sequence[str] = ()
) -> int:
    """Make the supplier's stored entries equal to `entries`, but for those to `keep`; how many rows were written."""
    values = {
        "supplier": supplier,
        "a_numbers": [entry.a_number for entry in entries],
        "hashes": [entry.supplier_hash for entry in entries],
        "urls": [entry.url for entry in entries],
        "keep": list(keep),
    }
    return sum(connection.execute(statement, values).rowcount for statement in (_LIST, _UNLIST))


_LIST = sa.text("""
    INSERT INTO feed_entry AS e (a_number, supplier, url, supplier_hash)
    SELECT a_number, :supplier, url, supplier_hash
    FROM unnest(CAST(:a_numbers AS text[]), CAST(:urls AS text[]), CAST(:hashes AS text[]))
        AS f (a_number, url, supplier_hash)
    ON CONFLICT (a_number) DO UPDATE
        SET supplier = excluded.supplier, url = excluded.url, supplier_hash = excluded.supplier_hash
        WHERE (e.supplier, e.url, e.supplier_hash) IS DISTINCT FROM
            (excluded.supplier, excluded.url, excluded.supplier_hash)
""")

_UNLIST = sa.text("""
    DELETE FROM feed_entry
    WHERE supplier = :supplier AND a_number <> ALL (CAST(:a_numbers AS text[]) || CAST(:keep AS text[]))
""")
