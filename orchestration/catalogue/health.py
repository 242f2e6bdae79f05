"""What stands wrong in the catalogue: counted, with examples and the remedy.

It holds the questions of the asset checks. Keep out: how the answers are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.catalogue.drift.drift import list_drift
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.feed.problems import list_problems
from orchestration.observability.findings import SAMPLE, Finding, merge_findings
from orchestration.work_queue.health import dead_letters

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue

# A picture that so many families show is hardly one of them.
PLACEHOLDER_FAMILIES = 5


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


# Half an hour more than a day, which a nightly sync may take.
_LATE = sa.text("""
SELECT code, finished_at, coalesce(finished_at, discovered_at) AS since FROM supplier
LEFT JOIN LATERAL (SELECT finished_at FROM sync WHERE supplier = code AND status = 'completed' ORDER BY id DESC LIMIT 1)
    AS last ON true
WHERE is_active AND auto_import AND coalesce(finished_at, discovered_at) < now() - interval '1470 minutes'
ORDER BY since""")


def late_suppliers(connection: sa.Connection) -> Finding:
    """Suppliers that are to be synced, and were not for more than a day."""
    late = connection.execute(_LATE).all()
    return Finding(
        len(late),
        "`orchestration sync --supplier CODE` syncs one now; `orchestration status` says how its last sync ended, and "
        "`orchestration supplier CODE --no-auto-import` leaves it out.",
        ("supplier", "last completed sync"),
        [(one.code, f"{one.finished_at:%Y-%m-%d %H:%M}" if one.finished_at else "none") for one in late[:SAMPLE]],
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


def missing_images(connection: sa.Connection, queue: TaskQueue) -> Finding:
    """Images of active families that are not stored and that nobody is about to fetch, however long ago they failed."""
    values = {"queue": queue.name, "limit": SAMPLE}
    rows = connection.execute(_MISSING_IMAGES, values).all()
    dead = dead_letters(connection, queue)
    missing = Finding(
        rows[0].total if rows else 0,
        "Each sync of the supplier asks for them again; ask the supplier to put back what stays missing.",
        dead.columns,
        [(row.url, row.supplier, row.attempt, row.error) for row in rows],
    )
    # Dead tasks of pictures that are stored failed when they were asked for again.
    stored = dead.total - (rows[0].dead if rows else 0)
    shown = {row.url for row in rows}
    again = dead._replace(total=stored, examples=[one for one in dead.examples if one[0] not in shown])
    return merge_findings(missing, again)


def unknown_categories(connection: sa.Connection) -> Finding:
    """Categories of active families that are not in the tree; none while there is no tree."""
    rows = connection.execute(_UNKNOWN_CATEGORIES).all()
    return Finding(
        len(rows),
        "Compare the key with CAT.csv: ask Promidata for the missing row, or the supplier for the right key. Until "
        "then the families are in no category of the shop.",
        ("category", "families", "for example"),
        [tuple(row) for row in rows[:SAMPLE]],
    )


def positions_without_technique(connection: sa.Connection) -> Finding:
    """Active families that have imprint positions, but nothing to print them with."""
    rows = connection.execute(_NO_TECHNIQUE, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Look at ImprintOptions and ImprintReferences of the document, and ask the supplier for the techniques; until "
        "then the product cannot be ordered with an imprint.",
        ("family", "supplier", "positions"),
        [(row.a_number, row.supplier, row.positions) for row in rows],
    )


def placeholder_images(connection: sa.Connection) -> Finding:
    """Stored images that `PLACEHOLDER_FAMILIES` active families or more show: one that stands for a missing picture."""
    rows = connection.execute(_PLACEHOLDERS, {"families": PLACEHOLDER_FAMILIES}).all()
    return Finding(
        len(rows),
        "Open the picture. If it says that there is none, ask the supplier for the real ones.",
        ("picture", "families", "addresses", "for example"),
        [tuple(row) for row in rows[:SAMPLE]],
    )


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

_MISSING_IMAGES = sa.text("""
    SELECT count(*) OVER () AS total, count(*) FILTER (WHERE m.is_dead) OVER () AS dead, m.* FROM (
        SELECT i.url, min(f.supplier) AS supplier, max(t.attempt) AS attempt, max(t.error) AS error,
            bool_or(t.state = 'dead') AS is_dead
        FROM family_image AS i JOIN product_family AS f USING (a_number)
        LEFT JOIN task AS t ON t.queue = :queue AND t.key = i.url AND t.state IN ('waiting', 'active', 'dead')
        WHERE f.is_active AND NOT EXISTS (SELECT FROM media_source AS s WHERE s.url = i.url)
        GROUP BY i.url HAVING bool_and(t.state IS NULL OR t.state = 'dead')
    ) AS m ORDER BY m.supplier, m.url LIMIT :limit
""")

_UNKNOWN_CATEGORIES = sa.text("""
    SELECT f.category, count(*), min(f.a_number) FROM product_family AS f
    WHERE f.is_active AND f.category IS NOT NULL AND EXISTS (SELECT FROM category)
        AND NOT EXISTS (SELECT FROM category AS c WHERE c.code = f.category)
    GROUP BY f.category ORDER BY count(*) DESC, f.category
""")

_NO_TECHNIQUE = sa.text("""
    SELECT a_number, supplier, jsonb_array_length(imprint_positions) AS positions, count(*) OVER () AS total
    FROM product_family
    WHERE is_active AND imprint_positions <> '[]'
        AND NOT jsonb_path_exists(imprint_positions, '$[*] ? (@.sku != null || @.print_technique != null)')
    ORDER BY a_number LIMIT :limit
""")

_PLACEHOLDERS = sa.text("""
    SELECT s.content_hash, count(DISTINCT f.a_number), count(DISTINCT s.url), min(s.url)
    FROM media_source AS s JOIN family_image AS i USING (url) JOIN product_family AS f USING (a_number)
    WHERE f.is_active GROUP BY s.content_hash HAVING count(DISTINCT f.a_number) >= :families
    ORDER BY count(DISTINCT f.a_number) DESC, s.content_hash
""")

_SHARED_SKUS = sa.text("""
    SELECT v.sku, string_agg(v.a_number, ', ' ORDER BY v.a_number)
    FROM product_variant AS v JOIN product_family AS f USING (a_number)
    WHERE v.is_active AND f.is_active GROUP BY v.sku HAVING count(*) > 1 ORDER BY v.sku
""")
