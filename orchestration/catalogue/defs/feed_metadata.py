"""What operators read beside categories and a supplier's plan: counts, first keys, refused lines.

It turns the domain's results into Dagster's metadata. Keep out: deciding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.catalogue.feed.plan import Difference
from orchestration.runtime.metadata import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.catalogue.catalogue import CategorySync, PlannedSupplier
    from orchestration.catalogue.feed.feed import Feed
    from orchestration.catalogue.feed.plan import SupplierPlan

Metadata = dict[str, Any]

SHOWN_KEYS = 20
# The names of the observation's metadata that programs read after a run.
PLANNED, HELD_BACK, SYNCS = "planned", "removals_held_back", "syncs"


def of_categories(synced: CategorySync) -> Metadata:
    """A category tree and what it changed."""
    changes = synced.changes
    return {
        "categories": len(synced.tree.categories),
        "added": len(changes.added),
        "changed": len(changes.changed),
        "removed": len(changes.removed),
        "kept": len(changes.kept),
        "file": "CAT.csv" if synced.has_file else "none: Import.txt has no line for CAT.csv",
        "problems": len(synced.tree.problems),
        "rows_written": changes.rows_written,
        "tree": dg.MetadataValue.md(
            markdown_table(
                ("code", "name", "parent"),
                ((item.code, item.name.get("en"), item.parent_code) for item in synced.tree.categories),
            )
        ),
    } | _problems(
        ("line", "code", "reason"), [(item.line_number, item.code, item.reason) for item in synced.tree.problems]
    )


def of_plan(plan: SupplierPlan, feed: Feed) -> Metadata:
    """A supplier's plan: counts, the first families of each kind, and the lines that were refused."""
    kinds = [
        (kind.value, plan.count(kind), ", ".join(plan.differences.get(kind, ())[:SHOWN_KEYS])) for kind in Difference
    ]
    refused: list[tuple[object, ...]] = [
        (problem.line_number, problem.text, problem.reason)
        for problem in feed.problems
        if problem.supplier in {plan.supplier, None}
    ]
    return {
        "listed": plan.listed,
        "added": plan.count(Difference.ADDED),
        "changed": plan.count(Difference.CHANGED),
        "restored": plan.count(Difference.RESTORED),
        "removed": plan.removed,
        "held_back": plan.held_back,
        "unchanged": plan.unchanged,
        "quarantined": plan.count(Difference.QUARANTINED),
        "queued": len(plan.queued),
        "skipped_percent": round(100 * plan.unchanged / plan.listed, 1) if plan.listed else 0.0,
        "guard": plan.removals.reason or "nothing held back",
        "difference": dg.MetadataValue.md(markdown_table(("kind", "families", "first"), kinds)),
    } | _problems(("line", "text", "reason"), refused)


def _problems(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Metadata:
    return {"refused_lines": dg.MetadataValue.md(markdown_table(columns, rows))} if rows else {}


def of_run(planned: Sequence[PlannedSupplier]) -> Metadata:
    """All plans of a run together, for programs.

    The counts beside that of the suppliers are those of plans that wrote no sync; the rows of the others have theirs.
    """
    plans = [one.plan for one in planned if one.plan]
    unlisted = [plan for plan in plans if plan.sync_id is None]
    counts = {
        "suppliers": len(plans),
        "unchanged": sum(plan.unchanged for plan in unlisted),
        "quarantined": sum(plan.count(Difference.QUARANTINED) for plan in unlisted),
        "held_back": sum(plan.held_back for plan in unlisted),
    }
    held_back = {plan.supplier: plan.removals.reason for plan in plans if plan.held_back}
    return {
        PLANNED: dg.MetadataValue.json(counts),
        HELD_BACK: dg.MetadataValue.json(held_back),
        SYNCS: dg.MetadataValue.json([one.sync_id for one in planned if one.sync_id is not None]),
    }
