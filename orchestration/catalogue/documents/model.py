"""The records of the catalogue: a product family and its variants, as they are stored and exported.

It holds fields, their types and units. Keep out: how they are taken from a supplier's document (`decode`), the
tables that hold them (`tables`).

Texts by language are keyed by language code (`nl`, `de`, `en`, `fr`, `es`). Names and labels are plain text, whose
entities are resolved (`&amp;` is `&`); descriptions and values for the shop are HTML, as they are sent. A text that the
supplier left blank is None, or missing from its mapping. Images are source URLs, in order, each once.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

ByLanguage = dict[str, str]
PriceType = Literal["selling", "buying"]


class _Record(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Immutable, compared by value; holds no cycles."""


class PriceTier(_Record, frozen=True, gc=False, kw_only=True):
    """The price of one piece from a quantity on, in one region; None is on request, 0 is free.

    A selling tier carries the buying price of the same quantity. A tier of type `buying` stands alone: no selling
    price begins at its quantity, and both prices are the buying price.
    """

    quantity: int
    price: float | None
    buying_price: float | None = None
    currency: str = "EUR"
    country_code: str | None = None
    price_type: PriceType = "selling"
    region: str


class Dimensions(_Record, frozen=True, gc=False, kw_only=True):
    """The outer size of one piece; None is unknown, and so may be 0."""

    length: float | None = None
    width: float | None = None
    height: float | None = None
    diameter: float | None = None
    depth: float | None = None
    weight: float | None = None
    unit: Literal["mm"] = "mm"
    weight_unit: Literal["g"] = "g"


class ImprintCost(_Record, frozen=True, gc=False, kw_only=True):
    """A cost beside the print itself; `calculation_type` `Unique` is charged once an order."""

    sku: str | None
    supplier_sku: str | None
    name: ByLanguage
    calculation_type: str | None
    calculation_amount: float | None
    operator: str | None
    operator_amount: float | None
    price_tiers: tuple[PriceTier, ...]


class ImprintPosition(_Record, frozen=True, gc=False, kw_only=True):
    """A place on the product together with one technique that can print it; no technique when none is given."""

    position_code: str | None
    position_name: ByLanguage
    sku: str | None = None
    supplier_sku: str | None = None
    ean: str | None = None
    max_colors: int | None = None
    print_technique: str | None = None
    technique_name: ByLanguage = {}
    print_code: str | None = None
    max_dimensions: str | None = None
    setup_costs: tuple[ImprintCost, ...] = ()
    print_costs: tuple[PriceTier, ...] = ()
    is_active: bool = True


class InformationFile(_Record, frozen=True, gc=False, kw_only=True):
    """A document about the product, such as a certificate."""

    url: str
    file_name: str | None = None
    description: str | None = None


class WebShopText(_Record, frozen=True, gc=False, kw_only=True):
    """A labelled text for the shop's page."""

    label: str | None
    value: str


class Family(_Record, frozen=True, gc=False, kw_only=True):
    """A product family, which is one document of the feed; its key is the root's SKU.

    Prices and sizes are those of the first variant. `price_min` and `price_max` cover all regions, selling and buying,
    without zeros. `tax` is H (high) or L (low). `default_products` is a variant's SKU by region, `web_shop_info` by
    language and key, `product_filters` by group.
    """

    a_number: str
    supplier: str
    supplier_sku: str | None
    supplier_name: str | None
    brand: str | None
    category: str | None
    secondary_categories: tuple[str, ...]
    name: ByLanguage
    description: ByLanguage
    short_description: ByLanguage
    model_name: ByLanguage
    material: ByLanguage
    customization: ByLanguage
    refining: ByLanguage
    refining_dimensions: ByLanguage
    refining_location: ByLanguage
    web_shop_info: dict[str, dict[str, WebShopText]]
    product_filters: dict[str, str]
    price_tiers: tuple[PriceTier, ...]
    price_min: float | None
    price_max: float | None
    dimensions: Dimensions
    imprint_positions: tuple[ImprintPosition, ...]
    variant_count: int
    available_colors: tuple[str, ...]
    available_sizes: tuple[str, ...]
    hex_colors: tuple[str, ...]
    country_of_origin: str | None
    delivery_time: str | None
    customs_tariff_number: str | None
    tax: Literal["H", "L"]
    must_have_imprint: bool
    max_colors: int | None
    print_option_group: str | None
    default_products: dict[str, str]
    battery_information: Any
    required_certificates: Any
    main_image: str | None
    gallery_images: tuple[str, ...]
    model_image: str | None
    is_active: bool


class Variant(_Record, frozen=True, gc=False, kw_only=True):
    """One colour and size of a family: a child of its document, at `position` (from 0).

    Sizes are in mm, weight in g, the carton in cm and kg. `hex_color` is `#RRGGBB`. `sizes` are those that the family
    has in this colour. `is_primary_for_color` marks the first variant of each colour.
    """

    sku: str
    a_number: str
    position: int
    supplier_sku: str | None
    ean: str | None
    name: str
    color: str | None
    hex_color: str | None
    supplier_color_code: str | None
    supplier_search_color: str | None
    supplier_main_category: str | None
    size: str | None
    sizes: tuple[str, ...]
    dimensions_length: float | None
    dimensions_width: float | None
    dimensions_height: float | None
    dimensions_diameter: float | None
    dimensions_depth: float | None
    weight: float | None
    embroidery_sizes: str | None
    imprint_required: bool
    fragile: bool
    usb_item: bool
    is_service_base: bool
    tron_logo_enabled: bool
    tron_logo_reference: str | None
    meta_name: ByLanguage
    meta_description: ByLanguage
    meta_keywords: ByLanguage
    primary_image: str | None
    gallery_images: tuple[str, ...]
    information_files: tuple[InformationFile, ...]
    is_primary_for_color: bool
    outer_carton_length_cm: float | None
    outer_carton_width_cm: float | None
    outer_carton_height_cm: float | None
    outer_carton_weight_net_kg: float | None
    outer_carton_weight_gross_kg: float | None
    outer_carton_quantity: int | None
    is_active: bool
