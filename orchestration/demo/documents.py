"""A product line as the supplier's JSON document: one family with its children.

What value goes into which field. Keep out: the keys and their order (`wire.py`), the ways of printing
(`imprints.py`), and faults in documents (`faults.py`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import UNSET

from orchestration.demo import wire
from orchestration.demo.assortment import ChildNames, FileNames, Oddity, Texts
from orchestration.demo.imprints import positions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.demo.assortment import Colour, Language, ProductLine, Supplier

Staircase = tuple[float, ...]

# Price by quantity step as a share of the first, and what the dealer pays of it.
STEPS: Staircase = (1.0, 0.974, 0.948, 0.921, 0.903, 0.885)
DEALER_SHARE = 0.72

COLOUR_LABEL = Texts("Kleur", "Farbe", "Colour", "Couleur")
SIZE_LABEL = Texts("Afmeting", "Größe", "Size", "Taille")
METHOD_LABEL = Texts("Drukmethode", "Druckmethode", "Print method", "Marquage")
METHOD_VALUE = Texts("Tampondruk", "Tampondruck", "Pad print", "Tampographie")
MATERIAL_LABEL = Texts("Materiaal", "Material", "Material", "Matière")
SIZE_CODES = {"XS": "3", "S": "4", "M": "5", "L": "6", "XL": "7", "XXL": "8", "3XL": "9"}


class Variant(NamedTuple):
    """A child of a family."""

    sku: str
    colour: Colour
    size: str | None


def family_sku(line: ProductLine, supplier: Supplier) -> str:
    """The parent SKU, which is the family's key and its file's name."""
    return f"{supplier.code}-{line.sku}"


def variants(line: ProductLine, supplier: Supplier) -> list[Variant]:
    """The children of a line, by colour, then size."""
    parent = family_sku(line, supplier)
    return [
        Variant(_child_sku(parent, line.children, colour, size), colour, size)
        for colour in line.colours
        for size in line.sizes or (None,)
    ]


def _child_sku(parent: str, names: ChildNames, colour: Colour, size: str | None) -> str:
    code = SIZE_CODES[size] if size else ""
    match names:
        case ChildNames.SAME:
            return parent
        case ChildNames.UNDERSCORED:
            return f"{parent}_{colour.code}"
        case ChildNames.MERGED:
            # As K3022 with the children K3022ICC_80204_80187: the parent's SKU runs on without a separator.
            return f"{parent}ICC_80{colour.code}_8018{code}"
        case ChildNames.DASHED:
            return "-".join(filter(None, (parent, colour.code, code)))


def document(line: ProductLine, supplier: Supplier, pictures: Mapping[str, Sequence[str]]) -> wire.Family:
    """The family document; `pictures` has the addresses by colour code, the primary picture first, or none."""
    family = family_sku(line, supplier)
    children = variants(line, supplier)
    best_price = _prices(line, supplier, cheapest_only=True)
    return wire.Family(
        child_products=[_child(line, supplier, child, pictures[child.colour.code]) for child in children],
        default_products={supplier.region: children[0].sku},
        product_details=_family_details(line, supplier, pictures[line.colours[0].code]),
        product_price_country_based={supplier.region: best_price},
        non_language_depended_product_details=wire.Facts(
            search_color="Undefined", category=line.kind.category, brand=line.brand, secondary_categories=[]
        ),
        sku=family,
        supplier_sku=line.sku,
        a_number=supplier.code,
        unstructured_information=_delivery(line, supplier),
    )


def encoded(family: wire.Family) -> bytes:
    """The document as UTF-8 JSON."""
    return msgspec.json.encode(family)


def _family_details(line: ProductLine, supplier: Supplier, urls: Sequence[str]) -> dict[str, wire.Details]:
    return {
        lang: wire.Details(
            name=line.name.of(lang),
            description=line.kind.text.of(lang),
            image=_picture(urls[0], line, supplier, 1) if urls else None,
            unstructured_information={"SupplierMainCategory": line.kind.supplier_category.of(lang)},
            web_shop_information=_material(line, lang),
        )
        for lang in supplier.languages
    }


def _child(line: ProductLine, supplier: Supplier, child: Variant, urls: Sequence[str]) -> wire.Child:
    return wire.Child(
        product_details={lang: _child_details(line, supplier, child, urls, lang) for lang in supplier.languages},
        product_price_country_based={supplier.region: _prices(line, supplier)},
        non_language_depended_product_details=_facts(line, supplier, child),
        imprint_positions=positions(line, supplier),
        ean="" if line.children is ChildNames.SAME else _ean(child.sku),
        sku=child.sku,
        supplier_sku=child.sku.removeprefix(f"{supplier.code}-"),
        a_number=supplier.code,
        unstructured_information=_delivery(line, supplier),
    )


def _child_details(
    line: ProductLine, supplier: Supplier, child: Variant, urls: Sequence[str], lang: Language
) -> wire.Details:
    pictures = [_picture(url, line, supplier, number) for number, url in enumerate(urls, start=1)]
    name = line.name.of(lang)
    if line.children is not ChildNames.SAME:
        name = " ".join(filter(None, (name, child.colour.names.of(lang), child.size)))
    return wire.Details(
        name=name,
        description=line.kind.text.of(lang),
        image=pictures[0] if pictures else None,
        unstructured_information=_colour_information(line, supplier, child.colour, lang),
        web_shop_information=_material(line, lang),
        meta_keywords=",".join(line.name.of(lang).lower().split()),
        # The same gallery stands under every language.
        media_gallery_images=pictures[1:] or None,
        configuration_fields=_configuration(line, child, lang),
        important_information=wire.Importance(imprint_required=line.children is ChildNames.SAME),
    )


def _configuration(line: ProductLine, child: Variant, lang: Language) -> list[wire.ConfigurationField]:
    colour = child.colour.names.of(lang)
    if line.oddity is Oddity.CODED_CONFIGURATION:
        return [
            wire.ConfigurationField("49P_CONFIG_1", METHOD_LABEL.of(lang), METHOD_VALUE.of(lang)),
            wire.ConfigurationField("49P_CONFIG_2", COLOUR_LABEL.of(lang), colour),
        ]
    by_colour = wire.ConfigurationField("Color", COLOUR_LABEL.of(lang), colour)
    if child.size is None:
        return [by_colour]
    return [wire.ConfigurationField("Size", SIZE_LABEL.of(lang), child.size), by_colour]


def _colour_information(line: ProductLine, supplier: Supplier, colour: Colour, lang: Language) -> dict[str, str]:
    information = {"SupplierMainCategory": line.kind.supplier_category.of(lang)}
    if line.children is ChildNames.SAME:
        return information
    information["SupplierSearchColor"] = colour.names.of(lang)
    if supplier.publishes_hex:
        return information | {"PMSValue": colour.pms, "HexColor": colour.hex_code}
    return information | {"SupplierColorCode": colour.code, "PMSValue": colour.pms}


def _facts(line: ProductLine, supplier: Supplier, child: Variant) -> wire.Facts:
    measures = line.kind.measures
    cartons = supplier.publishes_cartons
    return wire.Facts(
        search_color="Undefined" if line.oddity is Oddity.NO_SEARCH_COLOUR else child.colour.search,
        category=line.kind.category,
        brand=line.brand,
        fragile=line.kind.fragile,
        country_of_origin=line.kind.origin,
        product_filters_by_group={"Eco": "True"} if line.kind.eco else None,
        weight=measures.weight,
        dimensions_length=measures.length,
        dimensions_height=measures.height,
        dimensions_diameter=measures.diameter,
        dimensions_width=measures.width,
        customs_tariff_number=line.kind.tariff,
        outer_carton_length=48.5 if cartons else UNSET,
        outer_carton_width=32.0 if cartons else UNSET,
        outer_carton_height=29.5 if cartons else UNSET,
        outer_carton_weight_net=round(measures.weight * 36 / 1000, 2) if cartons else UNSET,
        outer_carton_weight_gross=round(measures.weight * 36 / 1000 + 0.9, 2) if cartons else UNSET,
        outer_carton_quantity_per_carton=36 if cartons else UNSET,
        web_shop_information={"GrossWeight": f"{measures.weight * 1.06:.1f}".replace(".", ",")} if cartons else UNSET,
    )


def _prices(line: ProductLine, supplier: Supplier, *, cheapest_only: bool = False) -> wire.Prices:
    steps = list(zip(supplier.quantities, STEPS, strict=False))
    selling = [wire.Tier(round(line.price * share, 2), quantity) for quantity, share in steps]
    buying = [wire.Tier(round(line.price * share * DEALER_SHARE, 2), quantity) for quantity, share in steps]
    if cheapest_only:
        selling, buying = selling[-1:], buying[-1:]
    elif line.oddity is Oddity.ON_REQUEST:
        selling.append(wire.Tier(0.0, supplier.quantities[-1] * 10, on_request=True))
    return wire.Prices(
        recommended_selling_price=selling,
        general_buying_price=buying if supplier.publishes_buying_prices else [],
        minimum_order_quantity=supplier.quantities[0],
    )


def _picture(url: str, line: ProductLine, supplier: Supplier, number: int) -> wire.Picture:
    content, extension = url.rpartition("/")[2].split(".")
    names = {
        FileNames.CODED: f"{line.sku}__{'B' if number == 1 else 'D'}_{number}__{content[:32]}",
        FileNames.PLAIN: line.sku,
        FileNames.NUMBERED: f"PS_{line.sku}.{number}",
    }
    return wire.Picture(url=url, description="", file_name=f"{names[supplier.file_names]}.{extension}")


def _material(line: ProductLine, lang: Language) -> dict[str, wire.Information]:
    return {"Material": wire.Information(MATERIAL_LABEL.of(lang), line.kind.material.of(lang))}


def _delivery(line: ProductLine, supplier: Supplier) -> dict[str, str]:
    days = "12" if line.children is ChildNames.SAME else "5"
    return {"DeliveryTimeInfoText": days, "DeliveryTimeInDays": days, "SupplierNameToShow": supplier.name}


def _ean(sku: str) -> str:
    """Thirteen digits that belong to the SKU, the last a check digit (GS1: weights 1 and 3)."""
    digits = f"73{int(hashlib.sha256(sku.encode()).hexdigest(), 16) % 10**10:010}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
