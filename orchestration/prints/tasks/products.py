"""Products that were rendered: finding them, keeping them, and rendering each in one place at a time.

It holds the table `print_product` and the locks on addresses. Keep out: the rendering, and the tasks that ask for it.

Two drains that meet on one address must not both render it. The first holds an advisory lock on the address until the
product's row is committed; the other looks again until it finds the row. A lock is not left behind: it ends with the
session of a process that dies.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.errors import TransientError
from orchestration.wire_types import prepared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from orchestration.storage.database import Database


FOLDER: Final = "prints"
"""The folder of the prints' objects."""


class StoredFile(msgspec.Struct, frozen=True):
    """One stored file of a product; `facts` are those of `renderer.Facts`, for a printable one."""

    kind: str
    suffix: str
    object_key: str
    sha256: str
    bytes: int
    facts: dict[str, Any] | None = None


class StoredProduct(NamedTuple):
    """A product whose files are stored. `is_new` tells that this process has just rendered it.

    `notes` are what a person should look at, in every order of it.
    """

    address: str
    outputs: tuple[StoredFile, ...]
    milliseconds: float = 0.0
    is_new: bool = False
    notes: tuple[str, ...] = ()

    @property
    def preview_key(self) -> str | None:
        """The object that holds its picture."""
        return next((file.object_key for file in self.outputs if file.kind == "png"), None)


class NewProduct(msgspec.Struct, frozen=True):
    """A product as its row has it."""

    address: str
    geometry: str
    sku: str
    lines: tuple[str, ...]
    fonts: dict[str, str]
    body_color: str
    text_color: str
    outputs: tuple[StoredFile, ...]
    milliseconds: float
    notes: tuple[str, ...]

    def stored(self, *, is_new: bool) -> StoredProduct:
        """It as the tasks that asked for it see it; `is_new` for the one that counts as rendering it."""
        return StoredProduct(self.address, self.outputs, self.milliseconds, is_new, self.notes)


_FIND = sa.text("SELECT address, outputs, notes FROM print_product WHERE address = ANY (CAST(:addresses AS text[]))")
_KEEP = sa.text("""
INSERT INTO print_product AS p
    (address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds, notes)
SELECT address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds, notes
FROM json_populate_recordset(NULL::print_product, CAST(:rows AS json))
ON CONFLICT (address) DO UPDATE SET
    geometry = excluded.geometry, fonts = excluded.fonts, outputs = excluded.outputs,
    milliseconds = excluded.milliseconds, notes = excluded.notes, renders = p.renders + 1, rendered_at = now()""")
# One 64-bit number an address: queues lock pairs of 32-bit numbers, which PostgreSQL keeps apart from these.
_TRY_LOCKS = sa.text("""
SELECT address FROM unnest(CAST(:addresses AS text[]), CAST(:numbers AS bigint[])) AS a (address, number)
WHERE pg_try_advisory_lock(number)""")
_UNLOCK = sa.text("SELECT pg_advisory_unlock_all()")


_FILES = prepared(tuple[StoredFile, ...])


def find_products(connection: sa.Connection, addresses: Collection[str]) -> dict[str, StoredProduct]:
    """Those of the products that have been rendered, by address."""
    if not addresses:
        return {}
    rows = connection.execute(_FIND, {"addresses": list(addresses)})
    return {
        address: StoredProduct(address, msgspec.convert(outputs, _FILES), notes=tuple(notes))
        for address, outputs, notes in rows
    }


def keep_products(connection: sa.Connection, products: Sequence[NewProduct]) -> None:
    """Keep what was rendered; a product that was rendered again takes over, and is counted once more."""
    if products:
        # In order of the address, so that two drains wait for each other and never in a ring.
        ordered = sorted(products, key=lambda product: product.address)
        connection.execute(_KEEP, {"rows": msgspec.json.encode(ordered).decode()})


@contextmanager
def product_locks(database: Database, addresses: Collection[str]) -> Iterator[frozenset[str]]:
    """Hold the locks on those of the addresses that no other process holds."""
    if not addresses:
        yield frozenset()
        return
    ordered = sorted(addresses)
    with database.connect() as connection:
        try:
            numbers = [_number(address) for address in ordered]
            yield frozenset(connection.execute(_TRY_LOCKS, {"addresses": ordered, "numbers": numbers}).scalars())
        finally:
            with suppress(sa.exc.DBAPIError, TransientError):  # a session that is gone holds none
                connection.execute(_UNLOCK)


def _number(address: str) -> int:
    return int.from_bytes(bytes.fromhex(address[:16]), "big", signed=True)
