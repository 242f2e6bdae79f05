"""What stands wrong in the catalogue: counted, with examples and the remedy.

It holds the questions of the asset checks. Keep out: how the answers are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.catalogue.drift.drift import list_drift
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.feed.problems import list_problems
from orchestration.observability.findings import SAMPLE, Finding
from orchestration.work_queue.health import dead_letters

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue


def quarantined_documents(connection: sa.Connection) -> Finding:
    """Documents that cannot be used."""
    entries = list_quarantine(connection)
    return Finding(
        len(entries),
        "Ask the supplier to correct the document; `orchestration quarantine replay` imports it again.",
        ("family", "supplier", "reason"),
        [(entry.a_number, entry.supplier, entry.reason) for entry in entries[:SAMPLE]],
    )


def drifted_fields(connection: sa.Connection) -> Finding:
    """Fields that are new, gone, of another type, or odd."""
    entries = list_drift(connection)
    return Finding(
        len(entries),
        "Look at the example, and ask the supplier about what was left out; `orchestration drift accept` takes the "
        "field as it now is.",
        ("supplier", "field", "what", "before", "after", "example", "reason"),
        [
            (one.supplier, one.path, one.kind, "/".join(one.before), "/".join(one.after), one.example, one.reason)
            for one in entries[:SAMPLE]
        ],
    )


def refused_lines(connection: sa.Connection) -> Finding:
    """Lines of Import.txt and rows of CAT.csv that could not be used, or not as they are."""
    problems = list_problems(connection)
    return Finding(
        len(problems),
        "Ask the supplier to correct the line; until then, what it names is neither imported nor removed.",
        ("file", "line", "text", "reason"),
        [(one.file, one.line_number, one.text, one.reason) for one in problems[:SAMPLE]],
    )


def held_back_removals(connection: sa.Connection) -> Finding:
    """Removals that the guard held back at the supplier's last sync."""
    rows = connection.execute(_HELD_BACK).all()
    return Finding(
        sum(row.held_back for row in rows),
        "If the families are really gone, run `orchestration sync --supplier CODE --allow-mass-removal`.",
        ("supplier", "families", "why"),
        [tuple(row) for row in rows],
        is_error=True,
    )


def held_back_variants(connection: sa.Connection) -> Finding:
    """Families with variants that their document no longer lists, and that the guard keeps."""
    rows = connection.execute(_HELD_BACK_VARIANTS).all()
    return Finding(
        sum(row.variants_held_back for row in rows),
        "A whole document releases them. If the variants are really gone, run `orchestration sync --supplier CODE "
        "--allow-mass-removal`.",
        ("family", "supplier", "variants held back", "variants"),
        [tuple(row) for row in rows[:SAMPLE]],
        is_error=True,
    )


def dead_families(connection: sa.Connection, queue: TaskQueue) -> Finding:
    """Families whose tasks are dead."""
    return dead_letters(connection, queue)._replace(is_error=True)


def shared_skus(connection: sa.Connection) -> Finding:
    """Variants whose SKU more than one active family lists."""
    rows = connection.execute(_SHARED_SKUS).all()
    return Finding(
        len(rows),
        "Ask the supplier which family the SKU belongs to; until then each family keeps its own.",
        ("sku", "families"),
        [tuple(row) for row in rows[:SAMPLE]],
    )


_HELD_BACK = sa.text("""
    SELECT supplier, held_back, message FROM (
        SELECT DISTINCT ON (supplier) supplier, held_back, message FROM sync ORDER BY supplier, id DESC
    ) AS newest WHERE held_back > 0 ORDER BY supplier
""")

_HELD_BACK_VARIANTS = sa.text("""
    SELECT f.a_number, f.supplier, f.variants_held_back, count(*)
    FROM product_family AS f JOIN product_variant AS v USING (a_number)
    WHERE f.variants_held_back > 0 AND f.is_active AND v.is_active GROUP BY f.a_number ORDER BY f.a_number
""")

_SHARED_SKUS = sa.text("""
    SELECT v.sku, string_agg(v.a_number, ', ' ORDER BY v.a_number)
    FROM product_variant AS v JOIN product_family AS f USING (a_number)
    WHERE v.is_active AND f.is_active GROUP BY v.sku HAVING count(*) > 1 ORDER BY v.sku
""")
