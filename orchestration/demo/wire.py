"""The supplier's JSON as it goes over the wire, key for key.

The shape of a family document, with the constant nulls of the real feed as defaults. Keep out: where the
values come from (`documents.py`). It stands apart from the catalogue's own decoder on purpose: two readings of one
format check each other.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType, field


class Tier(Struct, rename="pascal"):
    """A step of a price staircase."""

    price: float
    quantity: int
    on_request: bool = False
    valuta: str = "EURO"


class Prices(Struct, rename="pascal"):
    """The prices of one region."""

    recommended_selling_price: list[Tier]
    general_buying_price: list[Tier]
    quantity_increments: int = 1
    vat_percentage: int = 0
    minimum_order_quantity: int = 1
    vat_setting_id: int = 1


class Picture(Struct, rename="pascal"):
    """A picture's address."""

    url: str
    description: str
    file_name: str


class ConfigurationField(Struct, rename="pascal"):
    """What tells a child from its siblings."""

    configuration_name: str
    configuration_name_translated: str
    configuration_value: str


class Information(Struct, rename="pascal"):
    """A labelled value."""

    information_label: str
    information_value: str


class Importance(Struct, rename="pascal"):
    """What a buyer must know."""

    imprint_required: bool
    tron_logo_enabled: bool = False
    tron_logo_reference: str | None = None


class Details(Struct, rename="pascal"):
    """One language of a family or a child."""

    name: str
    description: str
    image: Picture | None
    unstructured_information: dict[str, str]
    web_shop_information: dict[str, Information]
    short_description: None = None
    meta_name: None = None
    meta_description: None = None
    meta_keywords: str | None = None
    media_gallery_images: list[Picture] | None = None
    information_files: None = None
    is_active: bool = True
    configuration_fields: list[ConfigurationField] | None = None
    pimv1_information: None = field(default=None, name="PIMV1Information")
    important_information: Importance | None = None


class Facts(Struct, rename="pascal"):
    """What holds in every language."""

    search_color: str
    category: str
    brand: str
    logo_tool_image_defined: None = None
    hex_color: None = None
    fragile: bool = False
    secondary_categories: list[str] | None = None
    country_of_origin: str | None = None
    product_filters_by_group: dict[str, str] | None = None
    weight: int = 0
    dimensions_length: int = 0
    dimensions_height: int = 0
    dimensions_diameter: int = 0
    dimensions_width: int = 0
    dimensions_depth: int = 0
    usb_item: bool = field(default=False, name="USBItem")
    customs_tariff_number: str | None = None
    outer_carton_length: float | UnsetType = field(default=UNSET, name="OuterCartonLengthCM")
    outer_carton_width: float | UnsetType = field(default=UNSET, name="OuterCartonWidthCM")
    outer_carton_height: float | UnsetType = field(default=UNSET, name="OuterCartonHeightCM")
    outer_carton_weight_net: float | UnsetType = field(default=UNSET, name="OuterCartonWeightNetKG")
    outer_carton_weight_gross: float | UnsetType = field(default=UNSET, name="OuterCartonWeightGrossKG")
    outer_carton_quantity_per_carton: int | UnsetType = UNSET
    web_shop_information: dict[str, str] | UnsetType = UNSET
    sustainability: dict[str, str] | UnsetType = UNSET


class ImprintText(Struct, rename="pascal"):
    """A name in one language."""

    name: str
    description: str | None = None


class PlaceText(Struct, rename="pascal"):
    """A printable place in one language."""

    name: str
    images: None = None
    description: str | None = None


class Requirement(Struct, rename="pascal"):
    """When a cost applies."""

    operator: str = "Always"
    amount: int = 0


class ImprintCost(Struct, rename="pascal"):
    """A cost that comes with a way of printing."""

    sku: str
    texts: dict[str, ImprintText]
    product_price_country_based: dict[str, Prices]
    supplier_sku: str | None = None
    product_price_region_based: None = None
    is_active_region_based: None = None
    is_active_country_based: None = None
    calculation_type: str = "Unique"
    calculation_amount: int = 1
    requirement: Requirement | None = None
    unstructured_information: None = None


class ImprintOption(Struct, rename="pascal"):
    """A way of printing on a place."""

    imprint_texts: dict[str, ImprintText]
    sku: str
    supplier_sku: str
    product_price_country_based: dict[str, Prices]
    imprint_costs: list[ImprintCost] | None
    child_imprints: None = None
    print_color_as_text: str | None = None
    dimension: str | None = None
    dimensions_height: int = 0
    dimensions_diameter: int = 0
    dimensions_width: int = 0
    dimensions_depth: int = 0
    imprint_type: str | None = None
    fast_editor_number_of_colors: str | UnsetType = UNSET
    supplier_print_code: str | UnsetType = UNSET
    unstructured_information: None = None
    product_price_region_based: None = None
    print_color: int = 0
    is_active_region_based: None = None
    is_active_country_based: None = None
    important_information: None = None


class ImprintPosition(Struct, rename="pascal"):
    """A printable place with its ways of printing."""

    position_code: str
    imprint_location_texts: dict[str, PlaceText]
    unstructured_information: dict[str, str] | None
    imprint_options: list[ImprintOption]
    supplier_position_code: str | UnsetType = UNSET


class Child(Struct, rename="pascal"):
    """A variant."""

    product_details: dict[str, Details]
    product_price_country_based: dict[str, Prices]
    non_language_depended_product_details: Facts
    imprint_positions: list[ImprintPosition]
    ean: str
    sku: str
    supplier_sku: str
    a_number: str = field(name="ANumber")
    unstructured_information: dict[str, str]
    product_costs: None = None
    product_price_region_based: None = None
    sample_price_country_based: None = None
    battery_information: None = None
    video_url: UnsetType | None = None
    forbidden_regions: None = None
    required_certificates: None = None
    product_certificates: None = None
    errors: dict[str, Any] = field(default_factory=dict)
    warnings: dict[str, Any] | list[str] = field(default_factory=dict)


class Family(Struct, rename="pascal"):
    """A family with its variants."""

    child_products: list[Child]
    default_products: dict[str, str]
    product_details: dict[str, Details]
    product_price_country_based: dict[str, Prices]
    non_language_depended_product_details: Facts
    sku: str
    supplier_sku: str
    a_number: str = field(name="ANumber")
    unstructured_information: dict[str, str]
    child_has_errors: bool = False
    imprint_references: None = None
    product_costs: None = None
    product_price_region_based: None = None
    sample_price_country_based: None = None
    battery_information: None = None
    imprint_positions: None = None
    ean: None = None
    video_url: UnsetType | None = None
    forbidden_regions: None = None
    required_certificates: None = None
    product_certificates: None = None
    errors: dict[str, Any] = field(default_factory=dict)
    warnings: dict[str, Any] | list[str] = field(default_factory=dict)
