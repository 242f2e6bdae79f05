"""What changed between two versions of a record, field by field, and what that means for prices.

It compares JSON values, and reads price moves out of changes. Keep out: reading or writing rows.

Records come as mappings of field to JSON value, from the decoder or from the database, so that tuples and lists, and
numbers of any kind, are compared by value. A field that is missing is null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Entity = Literal["family", "variant"]
_LIMITS = {"price_min": "lowest", "price_max": "highest"}


class FieldChange(NamedTuple):
    """One field that differs, as JSON values; or a whole record that came or went, with a blank field and no values."""

    entity: Entity
    key: str
    field: str
    kind: Literal["added", "changed", "removed"]
    before: Any = None
    after: Any = None


class PriceMove(NamedTuple):
    """A price of a family that moved, in the region's currency; `percent` of the earlier price, to two digits.

    `price_type` is `selling` or `buying` at a quantity in a region, or `lowest` or `highest` over all of them. A price
    that began or ended has None on the other side.
    """

    a_number: str
    price_type: str
    region: str | None
    quantity: int | None
    before: float | None
    after: float | None
    percent: float | None


_Place = tuple[str, str, int]


def field_changes(
    entity: Entity, key: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[FieldChange]:
    """The fields that differ, by name. None is no record: one that comes or goes is a single change."""
    if before is None or after is None:
        if before is after:
            return []
        return [FieldChange(entity, key, "", "removed" if after is None else "added")]
    fields = sorted(before.keys() | after.keys())
    pairs = [(name, before.get(name), after.get(name)) for name in fields]
    return [FieldChange(entity, key, name, "changed", old, new) for name, old, new in pairs if not _is_same(old, new)]


def price_moves(changes: Iterable[FieldChange]) -> list[PriceMove]:
    """The prices that moved, in the order of the changes, then by type, region and quantity."""
    return [move for change in changes if change.entity == "family" for move in _moves(change)]


def _moves(change: FieldChange) -> Iterator[PriceMove]:
    if change.field in _LIMITS:
        percent = _percent(change.before, change.after)
        yield PriceMove(change.key, _LIMITS[change.field], None, None, change.before, change.after, percent)
    if change.field == "price_tiers":
        before, after = _by_place(change.before), _by_place(change.after)
        for place in sorted(before.keys() | after.keys()):
            old, new = before.get(place), after.get(place)
            if old != new:
                yield PriceMove(change.key, *place, old, new, _percent(old, new))


def _by_place(tiers: Iterable[Mapping[str, Any]] | None) -> dict[_Place, float]:
    """The prices of a staircase by type, region and quantity; the first counts where a quantity repeats."""
    prices: dict[_Place, float] = {}
    for tier in tiers or ():
        for kind, price in ((tier["price_type"], tier["price"]), ("buying", tier["buying_price"])):
            if price is not None:
                prices.setdefault((kind, tier["region"], tier["quantity"]), price)
    return prices


def _percent(before: float | None, after: float | None) -> float | None:
    return round((after - before) / before * 100, 2) if before and after is not None else None


def _is_same(before: object, after: object) -> bool:
    """Equality as JSON values: true is not 1, but 1 is 1.0, and a tuple is a list."""
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(_is_same(value, after[key]) for key, value in before.items())
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(_is_same, before, after))
    return isinstance(before, bool) == isinstance(after, bool) and before == after


def shown_values(before: object, after: object) -> tuple[str, str]:
    """Both sides of a change as short texts for people; a blank text is no value.

    Of two mappings only the keys that differ are shown; of records the first that differ, or how many there are when
    that is what differs.
    """
    if _are_records(before) and _are_records(after) and len(before) == len(after):
        differing = [pair for pair in zip(before, after, strict=True) if not _is_same(*pair)]
        more = f", and {len(differing) - 1} more" if len(differing) > 1 else ""
        old, new = shown_values(*differing[0]) if differing else (_shown_value(before), _shown_value(after))
        return f"{old}{more}", f"{new}{more}"
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in sorted(before.keys() | after.keys()) if not _is_same(before.get(key), after.get(key))]
        return _shown_entries(before, keys), _shown_entries(after, keys)
    return _shown_value(before), _shown_value(after)


def _are_records(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value)


def _shown_entries(values: Mapping[str, object], keys: Iterable[str]) -> str:
    return ", ".join(f"{key}: {_shown_value(values[key])}" for key in keys if key in values)


def _shown_value(value: object) -> str:
    if value is None:
        return ""
    if _are_records(value):
        return f"{len(value)} record{'s' if len(value) > 1 else ''}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown_value(item)}" for key, item in value.items())
    return str(value)
