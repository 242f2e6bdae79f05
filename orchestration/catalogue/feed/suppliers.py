"""Suppliers by code: the names that are known, and the rows that planning needs.

It holds what is true of a supplier as a whole. Keep out: its families.

`auto_import` and `is_active` are an operator's word (`orchestration supplier CODE`). A supplier without `auto_import`
is left out by the sensor, the nightly audit and a sync of all; one that names it syncs it. One that is not active is
not synced at all, and its families stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.catalogue.tables import product_family, supplier

if TYPE_CHECKING:
    from collections.abc import Mapping

# Promidata numbers its suppliers; their names stand in no file of the feed.
KNOWN_NAMES: Mapping[str, str] = {
    "A23": "XD Connects (Xindao)",
    "A24": "Clipper",
    "A30": "Senator",
    "A34": "PF Concept",
    "A36": "Midocean",
    "A53": "Toppoint",
    "A73": "Buttonboss",
    "A113": "Malfini",
    "A360": "Bosscher",
    "A403": "Top Tex (Kariban)",
    "A461": "Texet Promo",
    "A467": "Makito",
}


def supplier_name(code: str) -> str:
    """The supplier's name, or `Supplier <code>`."""
    return KNOWN_NAMES.get(code, f"Supplier {code}")


def register_supplier(connection: sa.Connection, code: str, fingerprint: str) -> int:
    """Insert the supplier, or note the fingerprint of its feed lines; how many rows were written."""
    row = {"code": code, "name": supplier_name(code), "fingerprint": fingerprint}
    statement = pg.insert(supplier).values(row)
    changed = supplier.c.fingerprint.is_distinct_from(statement.excluded.fingerprint)
    result = connection.execute(
        statement.on_conflict_do_update(
            index_elements=["code"], set_={"fingerprint": statement.excluded.fingerprint}, where=changed
        ),
        execution_options={"preserve_rowcount": True},
    )
    return result.rowcount


def know_supplier(connection: sa.Connection, code: str) -> None:
    """Insert the supplier unless it is known. Its feed lines count as never planned."""
    row = {"code": code, "name": supplier_name(code)}
    connection.execute(pg.insert(supplier).values(row).on_conflict_do_nothing())


def known_suppliers(connection: sa.Connection) -> list[str]:
    """The codes of all known suppliers, in order."""
    return list(connection.execute(sa.select(supplier.c.code).order_by(supplier.c.code)).scalars())


def fingerprints(connection: sa.Connection) -> dict[str, str | None]:
    """The fingerprint of the feed lines that each supplier's last plan saw, by code."""
    rows = connection.execute(sa.select(supplier.c.code, supplier.c.fingerprint))
    return {row.code: row.fingerprint for row in rows}


def stopped_suppliers(connection: sa.Connection) -> set[str]:
    """The codes of the suppliers whose newest sync was stopped by hand."""
    return set(connection.execute(_STOPPED).scalars())


def not_imported(connection: sa.Connection) -> set[str]:
    """The codes of the suppliers that no sync takes up by itself: it has to name them."""
    excluded = ~supplier.c.auto_import | ~supplier.c.is_active
    return set(connection.execute(sa.select(supplier.c.code).where(excluded)).scalars())


def inactive_suppliers(connection: sa.Connection) -> set[str]:
    """The codes of the suppliers that are not synced at all."""
    return set(connection.execute(sa.select(supplier.c.code).where(~supplier.c.is_active)).scalars())


def set_supplier(connection: sa.Connection, code: str, **flags: bool) -> bool:
    """Set `auto_import` or `is_active`; whether there is such a supplier."""
    changed = sa.update(supplier).where(supplier.c.code == code).values(flags)
    return connection.execute(changed).rowcount > 0


def suppliers_with_families(connection: sa.Connection) -> list[str]:
    """The codes of the suppliers that have families in the feed's care, in order."""
    rows = sa.select(product_family.c.supplier).where(product_family.c.removed_at.is_(None)).distinct()
    return sorted(connection.execute(rows).scalars())


_STOPPED = sa.text("""
    SELECT supplier FROM (SELECT DISTINCT ON (supplier) supplier, status FROM sync ORDER BY supplier, id DESC) AS newest
    WHERE status = 'stopped'
""")
