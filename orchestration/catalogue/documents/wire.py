"""Promidata's family document, level by level as it comes: one struct for each JSON object that is read.

It holds keys, types, lengths and ranges. Keep out: what a value means for the catalogue (`family`, `variants`).

Types are strict, which is fast; a document that they refuse is read again by the tolerant walk (`tolerant`), which
leaves out what is optional. Fields without a default are what a family must have. Keys that are not listed are
tolerated, and so are missing ones where a document may leave them out. `null` and `[]` both mean none. Attribute names
are the document's keys in snake case. `ImprintPositions` is most of a document's bytes and repeats in every child, so
that it stays raw here and is read once for each distinct text (`IMPRINT_POSITIONS`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw, Struct

MAX_INTEGER = 2**31 - 1  # the widest that the tables hold

ShortCode = Annotated[str, Meta(max_length=50)]
Code = Annotated[str, Meta(max_length=200)]
Sku = Annotated[str, Meta(min_length=1, max_length=200)]
Name = Annotated[str, Meta(max_length=2_000)]
Text = Annotated[str, Meta(max_length=200_000)]
# The key of an index, which holds no more than some 2,700 bytes.
Url = Annotated[str, Meta(max_length=2_000, pattern=r"\A(?:[\x00-\x7f]*|.{0,500})\Z")]
Key = Annotated[str, Meta(min_length=1, max_length=50)]
Measure = Annotated[float, Meta(ge=0, le=1e9)]
Price = Annotated[float, Meta(ge=0, le=1e9)]
Count = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]

# The feed writes the word EURO; any other is kept as given (`prices`).
Currency = Annotated[str, Meta(max_length=20)]


class _Wire(Struct, gc=False, rename="pascal"):
    """Keys in Pascal case; no cycles, so nothing for the garbage collector to follow."""


class Picture(_Wire):
    """A picture or a file to download; the URL may be blank."""

    url: Url | None = None
    description: Text | None = None
    file_name: Name | None = None


class ConfigurationField(_Wire):
    """One choice that sets a child apart from its siblings, with its name as the supplier writes it and translated."""

    configuration_name: Name | None = None
    configuration_name_translated: Name | None = None
    configuration_value: Name | None = None


class DetailNotes(_Wire):
    """`UnstructuredInformation` of a language: what a supplier adds to the scheme."""

    supplier_main_category: Name | None = None
    supplier_search_color: Code | None = None
    supplier_color_code: Code | None = None
    hex_color: ShortCode | None = None


class WebShopEntry(_Wire):
    """A labelled text for the shop's page."""

    information_label: Name | None = None
    information_value: Text | None = None


class ImportantInformation(_Wire):
    """What an order must heed."""

    imprint_required: bool | None = None
    tron_logo_enabled: bool | None = None
    tron_logo_reference: Code | None = None


class Details(_Wire):
    """`ProductDetails` in one language, of the root or of a child."""

    name: Name | None = None
    description: Text | None = None
    short_description: Text | None = None
    meta_name: Name | None = None
    meta_description: Text | None = None
    meta_keywords: Text | None = None
    image: Picture | None = None
    media_gallery_images: list[Picture] | None = None
    information_files: list[Picture | Url] | None = None
    is_active: bool = True
    configuration_fields: list[ConfigurationField] | None = None
    unstructured_information: DetailNotes | None = None
    web_shop_information: dict[Key, WebShopEntry] | None = None
    important_information: ImportantInformation | None = None


class Properties(_Wire):
    """`NonLanguageDependedProductDetails`: sizes in mm, weight in g, carton in cm and kg (children only)."""

    search_color: Code | None = None
    hex_color: ShortCode | None = None
    fragile: bool = False
    category: Code | None = None
    secondary_categories: list[Code] | None = None
    country_of_origin: Annotated[str, Meta(max_length=100)] | None = None
    product_filters_by_group: dict[Name, Text] | None = None
    weight: Measure | None = None
    dimensions_length: Measure | None = None
    dimensions_height: Measure | None = None
    dimensions_width: Measure | None = None
    dimensions_diameter: Measure | None = None
    dimensions_depth: Measure | None = None
    brand: Code | None = None
    usb_item: bool = msgspec.field(default=False, name="USBItem")
    customs_tariff_number: Annotated[str, Meta(max_length=20)] | None = None
    outer_carton_length_cm: Measure | None = msgspec.field(default=None, name="OuterCartonLengthCM")
    outer_carton_width_cm: Measure | None = msgspec.field(default=None, name="OuterCartonWidthCM")
    outer_carton_height_cm: Measure | None = msgspec.field(default=None, name="OuterCartonHeightCM")
    outer_carton_weight_net_kg: Measure | None = msgspec.field(default=None, name="OuterCartonWeightNetKG")
    outer_carton_weight_gross_kg: Measure | None = msgspec.field(default=None, name="OuterCartonWeightGrossKG")
    outer_carton_quantity_per_carton: Count | None = None
    web_shop_information: dict[Key, Text] | None = None


class Tier(_Wire):
    """A step of a price staircase; `price` 0 is on request or free. Suppliers leave parts of it out or blank."""

    price: Price | Literal[""] | None = None
    quantity: Count | Literal[""] | None = None
    on_request: bool | None = None
    valuta: Currency | None = None


class PriceBlock(_Wire):
    """The prices of one region."""

    recommended_selling_price: list[Tier] | None = None
    general_buying_price: list[Tier] | None = None
    vat_percentage: Measure | None = None


class Notes(_Wire):
    """`UnstructuredInformation` of the root or of a child."""

    delivery_time_in_days: ShortCode | None = None
    delivery_time_info_text: Name | None = None
    supplier_name_to_show: Code | None = None


class Item(_Wire, kw_only=True):
    """What root and child have in common. `a_number` is the supplier's code, on both levels."""

    a_number: Code
    sku: Sku
    supplier_sku: Code | None = None
    product_details: dict[Key, Details]
    properties: Properties = msgspec.field(name="NonLanguageDependedProductDetails")
    prices: dict[Key, PriceBlock | None] | None = msgspec.field(default=None, name="ProductPriceCountryBased")
    unstructured_information: Notes | None = None
    battery_information: Any = None
    required_certificates: Any = None
    errors: Any = None
    warnings: Any = None


class Child(Item, kw_only=True):
    """One variant."""

    ean: ShortCode | None = None
    imprint_positions: Raw = Raw(b"null")


class Document(Item, kw_only=True):
    """The root: one family."""

    default_products: dict[Key, Code | None] | None = None
    child_has_errors: bool | None = None
    imprint_references: Raw = Raw(b"null")
    child_products: list[Child] | None


class LocalName(_Wire):
    """The name of an imprint's position, technique or cost in one language."""

    name: Name | None = None


class Requirement(_Wire):
    """When a cost is charged."""

    operator: Code | None = None
    amount: Measure | None = None


class ImprintCost(_Wire):
    """A cost beside the print itself, such as setting up a screen."""

    sku: Code | None = None
    supplier_sku: Code | None = None
    texts: dict[Key, LocalName | None] | None = None
    prices: dict[Key, PriceBlock | None] | None = msgspec.field(default=None, name="ProductPriceCountryBased")
    calculation_type: Code | None = None
    calculation_amount: Measure | None = None
    requirement: Requirement | None = None


class ImprintNotes(_Wire):
    """`UnstructuredInformation` of a position or an option."""

    max_print_area: Name | None = None


class ImprintOption(_Wire):
    """A technique that a position can be printed with."""

    sku: Code | None = None
    supplier_sku: Code | None = None
    ean: ShortCode | None = None
    imprint_texts: dict[Key, LocalName | None] | None = None
    print_color: Count | None = None
    fast_editor_number_of_colors: ShortCode | None = None
    supplier_print_code: Code | None = None
    dimension: Name | None = None
    dimensions_width: Measure | None = None
    dimensions_height: Measure | None = None
    prices: dict[Key, PriceBlock | None] | None = msgspec.field(default=None, name="ProductPriceCountryBased")
    imprint_costs: list[ImprintCost] | None = None
    is_active_country_based: Any = None  # null wherever it was seen, so its type is not known
    is_active_region_based: Any = None
    unstructured_information: ImprintNotes | None = None


class PositionInformation(_Wire):
    """The size of a position in mm; the feed misspells the height."""

    max_width: Measure | None = None
    misspelled_height: Measure | None = msgspec.field(default=None, name="MaxHeigth")
    max_height: Measure | None = None


class ImprintPosition(_Wire):
    """A place on the product that can be printed.

    `imprint_options_references` is an object whose keys are hashes of the root's `ImprintReferences`.
    """

    position_code: Code | None = None
    imprint_location_texts: dict[Key, LocalName | None] | None = None
    position_information: PositionInformation | None = None
    unstructured_information: ImprintNotes | None = None
    imprint_options: list[ImprintOption] | None = None
    imprint_options_references: dict[Name, Any] | None = None


PositionList = list[ImprintPosition] | None
ReferenceTable = dict[Name, ImprintOption | None] | None

DOCUMENT = msgspec.json.Decoder(Document)
IMPRINT_POSITIONS = msgspec.json.Decoder(PositionList)
IMPRINT_REFERENCES = msgspec.json.Decoder(ReferenceTable)
