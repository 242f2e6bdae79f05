"""Quarantine: documents that cannot be used, kept with the reason until they can.

It reads and writes the table `quarantine`. Keep out: replaying, which is an import like any other.

Only what the bytes say is remembered, under the document's hash: such a document is tried again when the feed shows
another hash for it, at the nightly audit, or by hand. A download that failed is not kept here, and an error page or
half a document, which the transfer may be to blame for, is asked for again at each sync. The import that succeeds takes
a document out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.catalogue.tables import quarantine

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from orchestration.catalogue.documents.faults import DocumentError
    from orchestration.catalogue.feed.entries import Entry

REASON_LENGTH = 2_000


class Quarantined(NamedTuple):
    """A document set aside. `path` is a JSON path. `is_transfer` says that the transfer may be at fault."""

    a_number: str
    supplier: str
    url: str
    supplier_hash: str
    code: str
    path: str
    reason: str
    document: bytes
    is_transfer: bool


class QuarantineEntry(NamedTuple):
    """A quarantined family as operators see it."""

    a_number: str
    supplier: str
    code: str
    path: str
    reason: str
    url: str
    document_bytes: int
    since: datetime


def refusal(entry: Entry, error: DocumentError, document: bytes) -> Quarantined:
    """The quarantine row of a document that `error` is about.

    The feed's hash is mostly the digest of the file. Where it is, the bytes are surely those that the supplier lists.
    """
    return Quarantined(
        a_number=entry.a_number,
        supplier=entry.supplier,
        url=entry.url,
        supplier_hash=entry.supplier_hash,
        code=error.code.value,
        path=error.path,
        reason=str(error)[:REASON_LENGTH],
        document=document,
        is_transfer=error.code.is_of_the_transfer and entry.supplier_hash not in _digests(document),
    )


def _digests(document: bytes) -> set[str]:
    digests = (hashlib.sha1(document, usedforsecurity=False), hashlib.md5(document, usedforsecurity=False))
    return {digest.hexdigest().upper() for digest in digests}


def set_aside(connection: sa.Connection, documents: Sequence[Quarantined]) -> None:
    """Store the documents. One that was in quarantine already keeps its `since`."""
    if not documents:
        return
    statement = pg.insert(quarantine)
    renewed = {name: statement.excluded[name] for name in Quarantined._fields if name != "a_number"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["a_number"], set_=renewed),
        [document._asdict() for document in documents],
    )


def take_out(connection: sa.Connection, a_numbers: Sequence[str]) -> None:
    """Delete the rows of families whose documents could be used."""
    wanted = sa.any_(sa.cast(list(a_numbers), sa.ARRAY(sa.Text)))
    connection.execute(sa.delete(quarantine).where(quarantine.c.a_number == wanted))


def take_out_replaced(connection: sa.Connection, supplier: str, refused: Collection[str]) -> int:
    """Delete the supplier's documents that the feed no longer lists under their hash; returns how many.

    The new document speaks for itself. A family on a `refused` line of the feed keeps its row.
    """
    return connection.execute(_REPLACED, {"supplier": supplier, "refused": list(refused)}).rowcount


def list_quarantine(
    connection: sa.Connection,
    supplier: str | None = None,
    *,
    after: tuple[datetime, str] | None = None,
    begin: int = 0,
    limit: int | None = None,
) -> list[QuarantineEntry]:
    """The documents in quarantine, oldest first, of one supplier or of all.

    At most `limit`: from place `begin` on, or after one, by its `since` and `a_number`.
    """
    size = sa.func.coalesce(sa.func.length(quarantine.c.document), 0)
    names = ("a_number", "supplier", "code", "path", "reason", "url")
    statement = sa.select(*(quarantine.c[name] for name in names), size, quarantine.c.since)
    if supplier:
        statement = statement.where(quarantine.c.supplier == supplier)
    if after is not None:
        last = sa.tuple_(*map(sa.literal, after))
        statement = statement.where(sa.tuple_(quarantine.c.since, quarantine.c.a_number) > last)
    statement = statement.order_by(quarantine.c.since, quarantine.c.a_number).offset(begin).limit(limit)
    rows = connection.execute(statement)
    return [QuarantineEntry(*row) for row in rows]


def kept_document(connection: sa.Connection, a_number: str) -> bytes | None:
    """The bytes of a quarantined document; None when the family is not in quarantine, or no byte came."""
    document = connection.execute(sa.select(quarantine.c.document).where(quarantine.c.a_number == a_number)).scalar()
    return None if document is None else bytes(document)


_REPLACED = sa.text("""
    DELETE FROM quarantine AS q WHERE supplier = :supplier AND a_number <> ALL (CAST(:refused AS text[]))
    AND NOT EXISTS (SELECT FROM feed_entry AS e WHERE e.a_number = q.a_number AND e.supplier_hash = q.supplier_hash)
""")
