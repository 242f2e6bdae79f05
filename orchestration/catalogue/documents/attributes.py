"""What distinguishes a variant from its siblings: colour, hex value and size.

It finds each of them in a child, and orders sizes. Keep out: the records that they go into.

Colour: `SearchColor` unless it is `Undefined`, else the configuration field for colour. Suppliers name these fields as
they like (`Color`, `49P_CONFIG_2`), and translate the name, so that either name may be the one to look for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.catalogue.documents.wire import Details, Properties

_COLOR_FIELDS = frozenset({"color", "colour", "kleur", "farbe", "couleur"})
_SIZE_FIELDS = frozenset(
    word.casefold() for word in ("size", "maat", "afmeting", "größe", "groesse", "taille", "talla")
)
_NO_COLOR = "undefined"
_HEX = re.compile(r"#?([0-9A-Fa-f]{6})")
_NUMBER = re.compile(r"\d+")

_SIZES = {
    size: rank
    for rank, names in enumerate(
        ("XS", "S", "M", "L", "XL", "XXL 2XL", "3XL XXXL", "4XL XXXXL", "5XL XXXXXL"),
    )
    for size in names.split()
}


def color_of(properties: Properties, details: Sequence[Details]) -> str | None:
    """The colour of a child whose languages are given in reading order."""
    found = (properties.search_color or "").strip()
    if found and found.casefold() != _NO_COLOR:
        return found
    return _configured(details, _COLOR_FIELDS)


def size_of(details: Sequence[Details]) -> str | None:
    """The size of a child whose languages are given in reading order."""
    return _configured(details, _SIZE_FIELDS)


def hex_color_of(properties: Properties, details: Sequence[Details]) -> str | None:
    """The colour as `#RRGGBB` in upper case; None for none, or for what is no single colour."""
    notes = (block.unstructured_information for block in details)
    candidates = [properties.hex_color, *(note.hex_color for note in notes if note is not None)]
    for candidate in candidates:
        if candidate and (match := _HEX.fullmatch(candidate.strip())):
            return f"#{match[1].upper()}"
    return None


def in_size_order(sizes: Iterable[str]) -> tuple[str, ...]:
    """Each size once: XS to 5XL, then numbers by value, then the rest by name."""
    return tuple(sorted(set(sizes), key=_size_rank))


def _size_rank(size: str) -> tuple[int, int, str]:
    number = _NUMBER.match(size)
    leading = int(number[0][:9]) if number else 10**9
    return _SIZES.get(size.upper(), len(_SIZES)), leading, size


def _configured(details: Sequence[Details], names: frozenset[str]) -> str | None:
    for block in details:
        for field in block.configuration_fields or ():
            is_named = (field.configuration_name or "").casefold() in names
            is_translated = (field.configuration_name_translated or "").casefold() in names
            value = (field.configuration_value or "").strip()
            if value and (is_named or is_translated):
                return value
    return None
