"""What operators read beside an imported family, and in the summary of an import: counts, changes, prices.

It turns the domain's results into Dagster's metadata. Keep out: deciding anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.catalogue.families.changes import FieldChange, price_moves, shown_values
from orchestration.runtime.metadata import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from orchestration.catalogue.documents.oddities import Oddity
    from orchestration.catalogue.families.store import StoredFamily

Metadata = dict[str, Any]

# The names of the observation's metadata that programs read after a run.
VARIANTS_HELD_BACK, LOST, ODD = "variants_held_back", "lost_parts", "odd_parts"
LISTED_ODDITIES = 500


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
    if stored.oddities:
        metadata["oddities"] = dg.MetadataValue.md(oddities_table({family.a_number: stored.oddities}))
    if stored.held_back:
        metadata["variants_held_back"] = stored.held_back
    if stored.changes and stored.effect.value != "added":
        metadata["changes"] = dg.MetadataValue.md(changes_table(stored.changes))
    return metadata


def changes_table(changes: Iterable[FieldChange]) -> str:
    """Field-level changes as a table."""
    rows = ((item.key, item.kind, item.field, *shown_values(item.before, item.after)) for item in changes)
    return markdown_table(("key", "kind", "field", "before", "after"), rows)


def oddities_table(oddities: Mapping[str, Sequence[Oddity]]) -> str:
    """What documents could do without, as a table."""
    rows = ((a_number, one.path, one.reason) for a_number, found in oddities.items() for one in found)
    return markdown_table(("family", "path", "reason"), rows)


def of_doubts(held_back: Mapping[str, str], oddities: Mapping[str, Sequence[Oddity]]) -> Metadata:
    """What was held back and left out, for programs and for people."""
    listed = [(a_number, one) for a_number, found in oddities.items() for one in found][:LISTED_ODDITIES]
    lost = {f"{a_number} {one.path}": one.reason for a_number, one in listed if one.is_loss}
    odd = {f"{a_number} {one.path}": one.reason for a_number, one in listed if not one.is_loss}
    metadata: Metadata = {
        VARIANTS_HELD_BACK: dg.MetadataValue.json(dict(held_back)),
        LOST: dg.MetadataValue.json(lost),
        ODD: dg.MetadataValue.json(odd),
    }
    return metadata | ({"oddities": dg.MetadataValue.md(oddities_table(oddities))} if oddities else {})


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
