"""Imprint positions: where a product can be printed, with which technique and at what cost.

It reads the positions of all children and makes one record of each position and technique. Keep out: the imprint of
an order.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from orchestration.catalogue.documents.languages import display_name, in_order, plain_texts
from orchestration.catalogue.documents.model import ByLanguage, ImprintCost, ImprintPosition
from orchestration.catalogue.documents.prices import price_tiers

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from orchestration.catalogue.documents import wire
    from orchestration.catalogue.documents.oddities import Oddities

_PLACE = "$.ChildProducts[*].ImprintPositions[*]"
_SIZE = re.compile(
    r"(?P<width>\d+(?:[.,]\d+)?)\s*[x\u00d7]\s*(?P<height>\d+(?:[.,]\d+)?)\s*(?P<unit>mm|cm)\b", re.IGNORECASE
)
_MILLIMETRES = {"mm": 1, "cm": 10}
_NUMBER = re.compile(r"[1-9][0-9]{0,3}")


def imprint_positions(
    children: Iterable[Sequence[wire.ImprintPosition]],
    references: Mapping[str, wire.ImprintOption | None],
    oddities: Oddities,
) -> tuple[ImprintPosition, ...]:
    """The positions of a family: each position and technique once, as the first child that has it gives it.

    Children repeat each other's positions, and some suppliers give one SKU to several techniques, so that the SKU
    alone is no key. `references` are the root's options by hash, which a position may name instead of, or beside, its
    own. Of two positions of one child with the same code, the first counts.
    """
    found: dict[Hashable, ImprintPosition] = {}
    for positions in children:
        for position in _each_once(positions, oddities):
            for option in _options(position, references, oddities) or (None,):
                key = _key(position, option)
                if key not in found:
                    found[key] = _position(position) if option is None else _printable(position, option)
    return tuple(found.values())


def _each_once(positions: Sequence[wire.ImprintPosition], oddities: Oddities) -> Iterator[wire.ImprintPosition]:
    codes: set[str] = set()
    for position in positions:
        if (code := position.position_code) and code in codes:
            oddities.add(f"{_PLACE}.PositionCode", f"left out: a child has the position {code} twice")
            continue
        codes.add(position.position_code or "")
        yield position


def _options(
    position: wire.ImprintPosition, references: Mapping[str, wire.ImprintOption | None], oddities: Oddities
) -> list[wire.ImprintOption]:
    options = list(position.imprint_options or ())
    for name in position.imprint_options_references or ():
        if (option := references.get(name)) is not None:
            options.append(option)
        else:
            reason = f"left out: ImprintReferences has nothing under {name}"
            oddities.add(f"{_PLACE}.ImprintOptionsReferences", reason)
    return options


def _key(position: wire.ImprintPosition, option: wire.ImprintOption | None) -> Hashable:
    if option is None:
        return (position.position_code,)
    return (
        position.position_code,
        option.sku,
        option.supplier_print_code,
        option.fast_editor_number_of_colors,
        _max_dimensions(position, option),
        tuple(sorted(_names(option.imprint_texts).items())),
    )


def _position(position: wire.ImprintPosition) -> ImprintPosition:
    return ImprintPosition(
        position_code=position.position_code or None,
        position_name=_names(position.imprint_location_texts),
        max_dimensions=_max_dimensions(position, None),
    )


def _printable(position: wire.ImprintPosition, option: wire.ImprintOption) -> ImprintPosition:
    technique = _names(option.imprint_texts)
    return ImprintPosition(
        position_code=position.position_code or None,
        position_name=_names(position.imprint_location_texts),
        sku=option.sku or None,
        supplier_sku=option.supplier_sku or None,
        ean=option.ean or None,
        max_colors=_max_colors(option),
        print_technique=display_name(technique),
        technique_name=technique,
        print_code=option.supplier_print_code or None,
        max_dimensions=_max_dimensions(position, option),
        setup_costs=tuple(map(_cost, option.imprint_costs or ())),
        print_costs=price_tiers(option.prices),
        is_active=_is_active(option.is_active_country_based) and _is_active(option.is_active_region_based),
    )


def _cost(cost: wire.ImprintCost) -> ImprintCost:
    requirement = cost.requirement
    return ImprintCost(
        sku=cost.sku or None,
        supplier_sku=cost.supplier_sku or None,
        name=_names(cost.texts),
        calculation_type=cost.calculation_type or None,
        calculation_amount=cost.calculation_amount,
        operator=requirement.operator if requirement is not None else None,
        operator_amount=requirement.amount if requirement is not None else None,
        price_tiers=price_tiers(cost.prices),
    )


def _names(by_language: Mapping[str, wire.LocalName | None] | None) -> ByLanguage:
    return plain_texts(in_order(by_language or {}), lambda local: local.name if local is not None else None)


def _max_colors(option: wire.ImprintOption) -> int | None:
    """The number that the shop's editor offers, which comes as text, else the option's own."""
    offered = _NUMBER.fullmatch(option.fast_editor_number_of_colors or "")
    return int(offered[0]) if offered is not None else option.print_color or None


def _max_dimensions(position: wire.ImprintPosition, option: wire.ImprintOption | None) -> str | None:
    """As `80 x 50 mm`: by the position's own measures, the printable area in words, the option's size, or the names."""
    if (info := position.position_information) is not None:
        height = info.misspelled_height or info.max_height
        if info.max_width and height:
            return f"{info.max_width:g} x {height:g} mm"
    blocks = (option.unstructured_information if option is not None else None, position.unstructured_information)
    areas = [notes.max_print_area for notes in blocks if notes is not None and notes.max_print_area]
    if areas:
        return areas[0]
    if option is not None and option.dimension:
        return option.dimension
    if option is not None and option.dimensions_width and option.dimensions_height:
        return f"{option.dimensions_width:g} x {option.dimensions_height:g} mm"
    return _size_in_name(position)


def _size_in_name(position: wire.ImprintPosition) -> str | None:
    """A size that stands in the position's name, `Front 10x5cm`, in mm."""
    for local in (position.imprint_location_texts or {}).values():
        if local is not None and local.name and (match := _SIZE.search(local.name)):
            scale = _MILLIMETRES[match["unit"].lower()]
            width, height = (float(match[side].replace(",", ".")) * scale for side in ("width", "height"))
            return f"{width:g} x {height:g} mm"
    return None


def _is_active(flags: object) -> bool:
    """Whether any region or country is active; a form that is not known says nothing against it."""
    return not isinstance(flags, dict) or not flags or any(flags.values())
