"""Writing families: all that a batch of decoded documents changes, in the caller's transaction.

It compares records with their stored rows, and writes what differs. Keep out: downloading, decoding, counting,
retrying.

A family and its variants are written together. Rows that are equal are not written. Variants that left the document
are deactivated, never deleted, unless the guard holds that back. A variant that the document lists, but that could not
be read, stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.catalogue.documents.model import Family, Variant
from orchestration.catalogue.families.changes import FieldChange, field_changes
from orchestration.catalogue.families.quarantine import take_out
from orchestration.catalogue.feed.guard import RemovalVerdict, judge_variants
from orchestration.catalogue.tables import change, family_image, product_family, product_variant
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from orchestration.catalogue.documents.decode import Decoded
    from orchestration.catalogue.documents.oddities import Oddity

Row = dict[str, Any]

FAMILY_FIELDS = tuple(Family.__struct_fields__)
VARIANT_FIELDS = tuple(Variant.__struct_fields__)
_FAMILY_COLUMNS = (
    *FAMILY_FIELDS, "supplier_hash", "content_hash", "removed_at", "deleted_at", "synced_at", "variants_held_back",
)  # fmt: skip
# What a family says of its variants as a whole.
_OF_ALL_VARIANTS = ("variant_count", "available_colors", "available_sizes", "hex_colors")


class Effect(StrEnum):
    """What importing a family did; one whose hash is new counts as changed."""

    ADDED = "added"
    CHANGED = "changed"
    RESTORED = "restored"
    UNCHANGED = "unchanged"


class Arrival(NamedTuple):
    """A decoded document, with the hash that the feed gave for it and the sync that asked for it.

    `allow_mass_removal` removes the variants that the guard would hold back.
    """

    decoded: Decoded
    supplier_hash: str
    sync_id: int | None
    allow_mass_removal: bool = False


class StoredFamily(NamedTuple):
    """What happened to one family. `is_audit_finding`: its content changed though the supplier's hash did not.

    `held_back` says which variants the guard kept, and why. `oddities` are what was odd about the document.
    """

    family: Family
    variant_count: int
    effect: Effect
    changes: tuple[FieldChange, ...]
    image_count: int
    rows_written: int
    is_audit_finding: bool = False
    held_back: str = ""
    oddities: tuple[Oddity, ...] = ()


class _Before(NamedTuple):
    families: Mapping[str, Row]
    variants: Mapping[str, Mapping[str, Row]]


class _Difference(NamedTuple):
    """What a document changes. A family under a new hash is changed, even if no field that is kept differs."""

    effect: Effect
    changes: list[FieldChange]
    variants: Sequence[Variant]
    departed: list[tuple[str, str]]
    family: Family
    held_back: int = 0
    reason: str = ""


def store_families(connection: sa.Connection, arrivals: Sequence[Arrival], now: datetime) -> list[StoredFamily]:
    """Write the families and everything that belongs to them; returns what happened to each, in order."""
    before = _read_before(connection, [arrival.decoded.family.a_number for arrival in arrivals])
    differences = [_compare(arrival, before) for arrival in arrivals]
    pairs = list(zip(arrivals, differences, strict=True))
    touched = [(arrival, found) for arrival, found in pairs if found.effect is not Effect.UNCHANGED]
    bulk.upsert(
        connection,
        product_family,
        [_family_row(arrival, found, now) for arrival, found in touched],
        columns=_FAMILY_COLUMNS,
    )
    bulk.upsert(
        connection, product_variant, [row for _, found in touched for row in found.variants], columns=VARIANT_FIELDS
    )
    _deactivate(connection, [key for _, found in touched for key in found.departed])
    images = _set_images(connection, [arrival for arrival, found in touched if found.changes])
    _record_changes(connection, touched)
    take_out(connection, [arrival.decoded.family.a_number for arrival in arrivals])
    written = {arrival.decoded.family.a_number: _rows(found) for arrival, found in touched}
    return [_result(arrival, found, before, images, written) for arrival, found in pairs]


def _read_before(connection: sa.Connection, a_numbers: Sequence[str]) -> _Before:
    families = {row["a_number"]: row for row in _rows_of(connection, product_family, a_numbers)}
    variants: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in _rows_of(connection, product_variant, list(families)):
        variants[row["a_number"]][row["sku"]] = row
    return _Before(families, variants)


def _rows_of(connection: sa.Connection, table: sa.Table, a_numbers: Sequence[str]) -> list[Row]:
    """The rows as JSON, so that both sides of a comparison speak the same types."""
    if not a_numbers:
        return []
    wanted = sa.any_(sa.cast(list(a_numbers), sa.ARRAY(sa.Text)))
    as_text = sa.cast(sa.func.to_jsonb(sa.literal_column(table.name)), sa.Text)
    documents = connection.execute(sa.select(as_text).select_from(table).where(table.c.a_number == wanted)).scalars()
    return [msgspec.json.decode(document) for document in documents]


def _compare(arrival: Arrival, before: _Before) -> _Difference:
    family, variants = arrival.decoded.family, arrival.decoded.variants
    known = before.families.get(family.a_number)
    if known is None:
        return _Difference(Effect.ADDED, field_changes("family", family.a_number, None, {}), variants, [], family)
    is_whole = known["removed_at"] is None and not known["variants_held_back"]
    is_same = known["supplier_hash"] == arrival.supplier_hash
    if known["content_hash"] == arrival.decoded.content_hash and is_whole:
        return _Difference(Effect.UNCHANGED if is_same else Effect.CHANGED, [], [], [], family)
    stored = before.variants.get(family.a_number, {})
    gone, verdict = _departures(arrival, stored)
    if not verdict.allowed:
        family = msgspec.structs.replace(family, **{name: _kept(known[name]) for name in _OF_ALL_VARIANTS})
    after = msgspec.to_builtins(family)
    changes = field_changes("family", family.a_number, _pick(known, FAMILY_FIELDS), after)
    written = []
    for variant in variants:
        earlier = stored.get(variant.sku)
        row = msgspec.to_builtins(variant)
        if found := field_changes("variant", variant.sku, earlier and _pick(earlier, VARIANT_FIELDS), row):
            changes += found
            written.append(variant)
    departed = gone if verdict.allowed else []
    for sku in departed:
        changes += field_changes("variant", sku, _pick(stored[sku], VARIANT_FIELDS), None)
    held_back = len(gone) - len(departed)
    effect = Effect.CHANGED if known["removed_at"] is None else Effect.RESTORED
    if effect is Effect.CHANGED and not changes and is_same and held_back == known["variants_held_back"]:
        effect = Effect.UNCHANGED
    keys = [(family.a_number, sku) for sku in departed]
    return _Difference(effect, changes, written, keys, family, held_back, "" if verdict.allowed else verdict.reason)


def _departures(arrival: Arrival, stored: Mapping[str, Row]) -> tuple[list[str], RemovalVerdict]:
    """The active variants that the document no longer lists, and whether they may go."""
    children = arrival.decoded.children
    listed = {variant.sku for variant in arrival.decoded.variants} | {*children.listed}
    active = [sku for sku, row in stored.items() if row["is_active"]]
    gone = [sku for sku in active if sku not in listed]
    allow = arrival.allow_mass_removal
    return gone, judge_variants(len(active), len(gone), allow=allow, damage=children.damage)


def _kept(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _pick(row: Row, fields: Sequence[str]) -> Row:
    return {name: row[name] for name in fields}


def _family_row(arrival: Arrival, found: _Difference, now: datetime) -> Row:
    return msgspec.structs.asdict(found.family) | {
        "variants_held_back": found.held_back,
        "supplier_hash": arrival.supplier_hash,
        "content_hash": arrival.decoded.content_hash,
        "removed_at": None,
        "deleted_at": None,
        "synced_at": now.isoformat(),
    }


def _deactivate(connection: sa.Connection, keys: Sequence[tuple[str, str]]) -> None:
    if keys:
        departed = sa.tuple_(product_variant.c.a_number, product_variant.c.sku).in_(keys)
        connection.execute(sa.update(product_variant).where(departed).values(is_active=False))


def _set_images(connection: sa.Connection, arrivals: Sequence[Arrival]) -> dict[str, int]:
    """Set each family's list of images whole; how many rows changed, by family."""
    a_numbers = [arrival.decoded.family.a_number for arrival in arrivals]
    rows = [
        {"a_number": arrival.decoded.family.a_number, "url": url, "position": position}
        for arrival in arrivals
        for position, url in enumerate(arrival.decoded.images)
    ]
    if not arrivals:
        return {}
    wanted = sa.any_(sa.cast(a_numbers, sa.ARRAY(sa.Text)))
    connection.execute(sa.delete(family_image).where(family_image.c.a_number == wanted))
    bulk.insert(connection, family_image, rows, columns=("a_number", "url", "position"))
    return {arrival.decoded.family.a_number: len(arrival.decoded.images) for arrival in arrivals}


def _record_changes(connection: sa.Connection, touched: Sequence[tuple[Arrival, _Difference]]) -> None:
    rows = [
        {
            "sync_id": arrival.sync_id,
            "a_number": arrival.decoded.family.a_number,
            "entity": item.entity,
            "key": item.key,
            "kind": item.kind,
            "field": item.field,
            "before": item.before,
            "after": item.after,
        }
        for arrival, found in touched
        for item in found.changes
    ]
    columns = ("sync_id", "a_number", "entity", "key", "kind", "field", "before", "after")
    bulk.insert(connection, change, rows, columns=columns)


def _rows(found: _Difference) -> int:
    return 1 + len(found.variants) + len(found.departed) + len(found.changes)


def _result(
    arrival: Arrival, found: _Difference, before: _Before, images: Mapping[str, int], written: Mapping[str, int]
) -> StoredFamily:
    a_number = arrival.decoded.family.a_number
    known = before.families.get(a_number)
    return StoredFamily(
        family=found.family,
        variant_count=len(arrival.decoded.variants),
        effect=found.effect,
        changes=tuple(found.changes),
        image_count=len(arrival.decoded.images),
        rows_written=written.get(a_number, 0) + images.get(a_number, 0),
        is_audit_finding=bool(found.changes) and known is not None and known["supplier_hash"] == arrival.supplier_hash,
        held_back=found.reason,
        oddities=arrival.decoded.oddities,
    )
