"""Products that were rendered: finding them, keeping them, and rendering each in one place at a time.

Belongs here: the table `print_product`, and the locks on addresses. Does not: rendering, or who asked for a product.

Two drains that meet on one address must not both render it. Whoever is first holds an advisory lock on the address
until the product's row is committed; the other waits and finds the row. A lock is not left behind: it ends with the
session of a process that dies.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from orchestration.storage.database import Database


FOLDER: Final = "prints"
"""Where the objects of prints are."""


class StoredFile(msgspec.Struct, frozen=True):
    """One stored file of a product; `facts` are those of `product.Facts`, for a printable one."""

    kind: str
    suffix: str
    object_key: str
    sha256: str
    bytes: int
    facts: dict[str, Any] | None = None


class StoredProduct(NamedTuple):
    """A product whose files are stored. `is_new` tells that this process has just rendered it."""

    address: str
    outputs: tuple[StoredFile, ...]
    milliseconds: float = 0.0
    is_new: bool = False

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

    @property
    def stored(self) -> StoredProduct:
        """As those that asked for it see it."""
        return StoredProduct(self.address, self.outputs, self.milliseconds, is_new=True)


_FIND = sa.text("SELECT address, outputs FROM print_product WHERE address = ANY (CAST(:addresses AS text[]))")
_KEEP = sa.text("""
INSERT INTO print_product AS p
    (address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds)
SELECT address, geometry, sku, lines, fonts, body_color, text_color, outputs, milliseconds
FROM json_populate_recordset(NULL::print_product, CAST(:rows AS json))
ON CONFLICT (address) DO UPDATE SET
    geometry = excluded.geometry, fonts = excluded.fonts, outputs = excluded.outputs,
    milliseconds = excluded.milliseconds, renders = p.renders + 1, rendered_at = now()""")
# One 64-bit number an address: queues lock pairs of 32-bit numbers, which PostgreSQL keeps apart from these.
_TRY_LOCKS = sa.text("""
SELECT address FROM unnest(CAST(:addresses AS text[]), CAST(:numbers AS bigint[])) AS a (address, number)
WHERE pg_try_advisory_lock(number)""")
_LOCK = sa.text("SELECT pg_advisory_lock(:number)")
_UNLOCK = sa.text("SELECT pg_advisory_unlock_all()")


def find_products(connection: sa.Connection, addresses: Collection[str]) -> dict[str, StoredProduct]:
    """Those of the products that have been rendered, by address."""
    if not addresses:
        return {}
    rows = connection.execute(_FIND, {"addresses": list(addresses)})
    return {
        address: StoredProduct(address, msgspec.convert(outputs, tuple[StoredFile, ...])) for address, outputs in rows
    }


def keep_products(connection: sa.Connection, products: Sequence[NewProduct]) -> None:
    """Keep what was rendered; a product that was rendered anew takes over, and is counted once more."""
    if products:
        # In order of the address, so that two drains wait for each other and never in a ring.
        ordered = sorted(products, key=lambda product: product.address)
        connection.execute(_KEEP, {"rows": msgspec.json.encode(ordered).decode()})


@contextmanager
def product_locks(database: Database, addresses: Collection[str], *, wait: bool) -> Iterator[frozenset[str]]:
    """Hold the locks on these addresses: all of them with `wait`, else those that nobody else holds.

    Who holds any must not wait for others, or two drains would wait for each other.
    """
    if not addresses:
        yield frozenset()
        return
    with database.connect() as connection:
        try:
            yield frozenset(_lock(connection, sorted(addresses), wait=wait))
        finally:
            with suppress(sa.exc.DBAPIError, TransientError):  # a session that is gone holds none
                connection.execute(_UNLOCK)


def _lock(connection: sa.Connection, addresses: Sequence[str], *, wait: bool) -> Sequence[str]:
    if wait:
        for address in addresses:
            connection.execute(_LOCK, {"number": _number(address)})
        return addresses
    numbers = [_number(address) for address in addresses]
    return connection.execute(_TRY_LOCKS, {"addresses": addresses, "numbers": numbers}).scalars().all()


def _number(address: str) -> int:
    return int.from_bytes(bytes.fromhex(address[:16]), "big", signed=True)
