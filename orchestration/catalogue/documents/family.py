"""From the root of a document, with its first child, to a product family.

It decides which field of root or child goes where. Keep out: reading JSON (`decode`), variants (`variants`).

Texts come from the root, whose names carry no colour or size. Prices, sizes and all that the root leaves null come from
the first child, the base.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.catalogue.documents.attributes import in_size_order
from orchestration.catalogue.documents.image_urls import gallery_urls, primary_url
from orchestration.catalogue.documents.languages import first_text, in_order, plain_text, plain_texts, texts
from orchestration.catalogue.documents.model import ByLanguage, Dimensions, Family, WebShopText
from orchestration.catalogue.documents.prices import price_range, price_tiers
from orchestration.catalogue.documents.variants import is_active

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Literal

    from orchestration.catalogue.documents.model import ImprintPosition, Variant
    from orchestration.catalogue.documents.wire import Child, Details, Document, Notes, Properties

# Rates below it are reduced ones in the European Union (directive 2006/112/EC, articles 97 and 98).
_LOWEST_STANDARD_VAT = 15.0

_Languages = list[tuple[str, "Details"]]


def build_family(
    document: Document, base: Child, variants: Sequence[Variant], imprints: tuple[ImprintPosition, ...]
) -> Family:
    """The family of a document whose first child is `base`."""
    details = in_order(document.product_details)
    blocks = [block for _, block in details]
    root, child = document.properties, base.properties
    tiers = price_tiers(base.prices)
    price_min, price_max = price_range(tiers)
    model_image = primary_url(blocks)
    main_image = next((v.primary_image for v in variants if v.primary_image is not None), model_image)
    return Family(
        a_number=document.sku,
        supplier=document.a_number,
        supplier_sku=document.supplier_sku or None,
        supplier_name=_noted(document, base, lambda notes: notes.supplier_name_to_show),
        brand=first_text((root.brand, child.brand)),
        category=first_text((root.category, child.category)),
        secondary_categories=_secondary_categories(root, child),
        name=plain_texts(details, lambda block: block.name),
        description=texts(details, lambda block: block.description),
        short_description=texts(details, lambda block: block.short_description),
        model_name=_shop_texts(details, "Model"),
        material=_shop_texts(details, "Material"),
        customization=_shop_texts(details, "Customization"),
        refining=_shop_texts(details, "RefiningInfoText"),
        refining_dimensions=_shop_texts(details, "RefiningDimensionText"),
        refining_location=_shop_texts(details, "RefiningLocationText"),
        web_shop_info=_web_shop_info(details),
        product_filters=child.product_filters_by_group or root.product_filters_by_group or {},
        price_tiers=tiers,
        price_min=price_min,
        price_max=price_max,
        dimensions=_dimensions(child),
        imprint_positions=imprints,
        variant_count=len(variants),
        available_colors=_unique(variant.color for variant in variants),
        available_sizes=in_size_order(variant.size for variant in variants if variant.size is not None),
        hex_colors=_unique(variant.hex_color for variant in variants),
        country_of_origin=first_text((root.country_of_origin, child.country_of_origin)),
        delivery_time=_delivery_time(document, base),
        customs_tariff_number=first_text((root.customs_tariff_number, child.customs_tariff_number)),
        tax=_tax(base),
        must_have_imprint=variants[0].imprint_required or _is_imprint_required(blocks),
        max_colors=max((position.max_colors for position in imprints if position.max_colors), default=None),
        print_option_group=first_text(position.print_code for position in imprints),
        default_products={region: sku for region, sku in (document.default_products or {}).items() if sku},
        battery_information=_given(document.battery_information, base.battery_information),
        required_certificates=_given(document.required_certificates, base.required_certificates),
        main_image=main_image,
        gallery_images=gallery_urls(blocks, without=(main_image, model_image)),
        model_image=model_image,
        is_active=is_active(blocks),
    )


def _noted(document: Document, base: Child, pick: Callable[[Notes], str | None]) -> str | None:
    """What the root or, if it is silent, the first child notes."""
    notes = (document.unstructured_information, base.unstructured_information)
    return first_text(pick(note) for note in notes if note is not None)


def _delivery_time(document: Document, base: Child) -> str | None:
    days = _noted(document, base, lambda notes: notes.delivery_time_in_days)
    return days or _noted(document, base, lambda notes: notes.delivery_time_info_text)


def _secondary_categories(root: Properties, child: Properties) -> tuple[str, ...]:
    return _unique((*(root.secondary_categories or ()), *(child.secondary_categories or ())))


def _shop_texts(details: _Languages, key: str) -> ByLanguage:
    """One text for the shop by language. No sample holds `Model` or `Customization`; they are read if they come."""

    def pick(block: Details) -> str | None:
        entry = (block.web_shop_information or {}).get(key)
        return entry.information_value if entry is not None else None

    return texts(details, pick)


def _web_shop_info(details: _Languages) -> dict[str, dict[str, WebShopText]]:
    shown = {
        language: {
            key: WebShopText(label=plain_text(entry.information_label or "") or None, value=entry.information_value)
            for key, entry in (block.web_shop_information or {}).items()
            if entry.information_value
        }
        for language, block in details
    }
    return {language: entries for language, entries in shown.items() if entries}


def _dimensions(properties: Properties) -> Dimensions:
    return Dimensions(
        length=properties.dimensions_length,
        width=properties.dimensions_width,
        height=properties.dimensions_height,
        diameter=properties.dimensions_diameter,
        depth=properties.dimensions_depth,
        weight=properties.weight,
    )


def _tax(base: Child) -> Literal["H", "L"]:
    """High unless a region gives a reduced rate; 0 is no rate."""
    rates = [block.vat_percentage for block in (base.prices or {}).values() if block is not None]
    return "L" if any(rate and rate < _LOWEST_STANDARD_VAT for rate in rates) else "H"


def _is_imprint_required(blocks: Sequence[Details]) -> bool:
    important = (block.important_information for block in blocks)
    return any(info.imprint_required for info in important if info is not None)


def _given(root: object, base: object) -> object:
    """The root's JSON value, else the first child's; null and an empty list or object are none."""
    return root or base or None


def _unique(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
