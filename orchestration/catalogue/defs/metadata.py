"""What operators read beside a materialization: counts, tables, prices, pictures.

Belongs here: from the domain's results to Dagster's metadata. Does not: deciding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.catalogue.changes import FieldChange, price_moves, told
from orchestration.catalogue.plan import Difference
from orchestration.runtime.markdown import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestration.catalogue.feed import Feed
    from orchestration.catalogue.images import FamilyImages
    from orchestration.catalogue.pipeline import CategorySync
    from orchestration.catalogue.plan import SupplierPlan
    from orchestration.catalogue.store import StoredFamily

Metadata = dict[str, Any]

SHOWN_KEYS = 20


def of_categories(synced: CategorySync) -> Metadata:
    """A category tree and what it changed."""
    changes = synced.changes
    return {
        "categories": len(synced.tree.categories),
        "added": len(changes.added),
        "changed": len(changes.changed),
        "removed": len(changes.removed),
        "problems": len(synced.tree.problems),
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


def of_family(stored: StoredFamily | None) -> Metadata:
    """An imported family; its changes are shown when it had been there before. None was up to date."""
    if stored is None:
        return {"effect": "unchanged"}
    family = stored.family
    metadata: Metadata = {
        "effect": stored.effect.value,
        "name": next(iter(family.name.values()), family.a_number),
        "variants": stored.variant_count,
        "images": stored.image_count,
        "price_from": family.price_min or 0.0,
        "price_to": family.price_max or 0.0,
    }
    if stored.is_audit_finding:
        metadata["supplier_hash"] = "unchanged, though the content changed"
    if stored.changes and stored.effect.value != "added":
        metadata["changes"] = dg.MetadataValue.md(changes_table(stored.changes))
    return metadata


def changes_table(changes: Iterable[FieldChange]) -> str:
    """Field-level changes as a table."""
    rows = ((item.key, item.kind, item.field, *told(item.before, item.after)) for item in changes)
    return markdown_table(("key", "kind", "field", "before", "after"), rows)


def of_import(stored: Sequence[StoredFamily], failures: Mapping[str, str]) -> Metadata:
    """A whole import: counts, changes and price moves."""
    effects = [family.effect.value for family in stored]
    changes = [change for family in stored if family.effect.value != "added" for change in family.changes]
    moves = price_moves(changes)
    metadata: Metadata = {effect: effects.count(effect) for effect in ("added", "changed", "restored", "unchanged")}
    metadata |= {"failed": len(failures), "variants": sum(family.variant_count for family in stored)}
    if changes:
        metadata["changes"] = dg.MetadataValue.md(changes_table(changes))
    if moves:
        columns = ("family", "price", "region", "from quantity", "before", "after", "%")
        rows = (
            (move.a_number, move.price_type, move.region, move.quantity, move.before, move.after, move.percent)
            for move in moves
        )
        metadata["price_moves"] = dg.MetadataValue.md(markdown_table(columns, rows))
    return metadata


def of_images(state: FamilyImages, picture: str | None = None) -> Metadata:
    """The state of a family's images; `picture` is the main one in Markdown."""
    metadata: Metadata = {"images": state.stored, "of": state.total, "bytes": state.bytes}
    if picture:
        metadata["picture"] = dg.MetadataValue.md(picture)
    return metadata
