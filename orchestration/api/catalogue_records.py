"""What the catalogue knows, over HTTP: families, variants, images, categories, changes, quarantine.

It holds the endpoints. Keep out: the queries (`catalogue.listing`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from orchestration.api.access import READS
from orchestration.api.models import (
    USUAL_PAGE,
    After,
    AfterNumber,
    ApiModel,
    Limit,
    LongName,
    Name,
    Number,
    Page,
    PathName,
    cursor_of,
    example,
    moment_and_name_of,
    page_of,
    parts_of,
)
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.catalogue.families.quarantine import list_quarantine
from orchestration.catalogue.listing import (
    ChangeFilter,
    FamilyFilter,
    VariantFilter,
    list_categories,
    list_changes,
    list_families,
    list_media,
    list_variants,
    read_family,
)

if TYPE_CHECKING:
    from orchestration.services import Services

PATH = "/api/catalogue"
ByLanguage = dict[str, str]
Text = Annotated[Name | None, Query()]
AfterBoth = Annotated[LongName | None, Query(description="The `next` of the page before")]
_FAMILY = {
    "aNumber": "A23-100804", "supplier": "A23", "supplierHash": "9F2C", "contentHash": "b5e1", "supplierSku": "100804",
    "supplierName": "Ocean Bottle", "brand": "Ocean", "category": "DRINKWARE/BOTTLES", "secondaryCategories": [],
    "name": {"en": "Steel bottle"}, "modelName": {"en": "Core"}, "material": {"en": "steel"}, "priceMin": 9.5,
    "priceMax": 14.0, "dimensions": {"height": 240.0}, "variantCount": 3, "availableColors": ["Blue"],
    "availableSizes": [], "hexColors": ["#1F4E79"], "countryOfOrigin": "CN", "deliveryTime": None,
    "customsTariffNumber": None, "tax": "H", "mustHaveImprint": False, "maxColors": 4, "printOptionGroup": None,
    "mainImage": "https://images.example/100804.jpg", "galleryImages": [], "modelImage": None, "isActive": True,
    "removedAt": None, "deletedAt": None, "syncedAt": "2026-02-01T08:00:00Z",
}  # fmt: skip


class FamilyModel(ApiModel):
    """A product family. Images are named by the address they came from."""

    model_config = example(**_FAMILY)

    a_number: str
    supplier: str
    supplier_hash: str
    content_hash: str
    supplier_sku: str | None
    supplier_name: str | None
    brand: str | None
    category: str | None
    secondary_categories: list[str]
    name: ByLanguage
    model_name: ByLanguage
    material: ByLanguage
    price_min: float | None
    price_max: float | None
    dimensions: dict[str, Any] | None
    variant_count: int
    available_colors: list[str]
    available_sizes: list[str]
    hex_colors: list[str]
    country_of_origin: str | None
    delivery_time: str | None
    customs_tariff_number: str | None
    tax: str
    must_have_imprint: bool
    max_colors: int | None
    print_option_group: str | None
    main_image: str | None
    gallery_images: list[str]
    model_image: str | None
    is_active: bool
    removed_at: datetime | None
    deleted_at: datetime | None
    synced_at: datetime


class WholeFamilyModel(FamilyModel):
    """A product family with all that is known of it."""

    model_config = example(
        **_FAMILY, description={"en": "Keeps drinks cold."}, shortDescription={}, customization={}, refining={},
        refiningDimensions={}, refiningLocation={}, webShopInfo={}, productFilters={}, defaultProducts={},
        priceTiers=[{"price_type": "recommended", "region": "EURO", "quantity": 1, "price": 14.0}],
        imprintPositions=[], batteryInformation=None, requiredCertificates=None,
    )  # fmt: skip

    description: ByLanguage
    short_description: ByLanguage
    customization: ByLanguage
    refining: ByLanguage
    refining_dimensions: ByLanguage
    refining_location: ByLanguage
    web_shop_info: dict[str, Any]
    product_filters: dict[str, Any]
    default_products: dict[str, Any]
    price_tiers: list[dict[str, Any]]
    imprint_positions: list[dict[str, Any]]
    battery_information: Any
    required_certificates: Any


class VariantModel(ApiModel):
    """One colour and size of a family. Sizes in mm, weight in g."""

    model_config = example(
        sku="A23-100804-01", aNumber="A23-100804", supplier="A23", position=0, supplierSku="100804-01",
        ean="8712345678906", name="Steel bottle blue", color="Blue", hexColor="#1F4E79", size=None, sizes=[],
        weight=310.0, dimensionsLength=70.0, dimensionsWidth=70.0, dimensionsHeight=240.0, dimensionsDiameter=70.0,
        dimensionsDepth=None, primaryImage="https://images.example/100804-01.jpg", galleryImages=[],
        informationFiles=[], isPrimaryForColor=True, outerCartonQuantity=24, isActive=True,
    )  # fmt: skip

    sku: str
    a_number: str
    supplier: str
    position: int
    supplier_sku: str | None
    ean: str | None
    name: str
    color: str | None
    hex_color: str | None
    size: str | None
    sizes: list[str]
    weight: float | None
    dimensions_length: float | None
    dimensions_width: float | None
    dimensions_height: float | None
    dimensions_diameter: float | None
    dimensions_depth: float | None
    primary_image: str | None
    gallery_images: list[str]
    information_files: list[dict[str, Any]]
    is_primary_for_color: bool
    outer_carton_quantity: int | None
    is_active: bool


class MediaModel(ApiModel):
    """A stored image, with links to it and to its smaller forms that work for a while. Sizes in pixels and bytes."""

    model_config = example(
        contentHash="ab12", bytes=184_002, mime="image/jpeg", width=1_200, height=1_200, blur=None,
        storedAt="2026-02-01T08:00:00Z", sourceUrls=["https://images.example/100804.jpg"],
        url="http://127.0.0.1:3001/objects/media/ab/ab12.jpg?expires=1&signature=c0", variants={"thumb": "http://..."},
    )  # fmt: skip

    content_hash: str
    bytes: int
    mime: str
    width: int
    height: int
    blur: str | None
    stored_at: datetime
    source_urls: list[str]
    url: str
    variants: dict[str, str]


class CategoryModel(ApiModel):
    """A category, with its name by language."""

    model_config = example(code="DRINKWARE/BOTTLES", name={"en": "Bottles"}, parentCode="DRINKWARE", sortOrder=3)

    code: str
    name: ByLanguage
    parent_code: str | None
    sort_order: int


class ChangeModel(ApiModel):
    """One field that changed, or a family or variant that came, left or came back."""

    model_config = example(
        id=77, syncId=9, supplier="A23", aNumber="A23-100804", entity="family", key="A23-100804", kind="changed",
        field="price_min", before=9.0, after=9.5, at="2026-02-01T08:00:30Z",
    )  # fmt: skip

    id: int
    sync_id: int | None
    supplier: str | None
    a_number: str
    entity: str
    key: str
    kind: str
    field: str
    before: Any
    after: Any
    at: datetime


class QuarantineModel(ApiModel):
    """A document that cannot be used, and why."""

    model_config = example(
        aNumber="A23-100900", supplier="A23", code="json", path="$.ChildProducts", reason="cut short",
        url="https://feed.example/A23/A23-100900.json", documentBytes=812, since="2026-02-01T08:00:30Z",
    )  # fmt: skip

    a_number: str
    supplier: str
    code: str
    path: str
    reason: str
    url: str
    document_bytes: int
    since: datetime


def records_router(services: Services) -> APIRouter:
    """The endpoints of the catalogue's records."""
    api = guarded_router("catalogue")
    _add_families(api, services)
    _add_variants(api, services)
    _add_media(api, services)
    _add_history(api, services)
    return api


def _add_families(api: APIRouter, services: Services) -> None:
    @api.get(f"{PATH}/families", response_model=Page[FamilyModel], dependencies=[READS])
    def read_families(
        *,
        supplier: Text = None,
        category: Text = None,
        brand: Text = None,
        text: Annotated[Name | None, Query(description="Part of the number or of a name")] = None,
        is_active: Annotated[bool | None, Query(alias="isActive")] = None,
        after: After = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """Families by their numbers; `after` goes on."""
        wanted = FamilyFilter(supplier, category, brand, text, is_active)
        with services.database.connect() as connection:
            found = list_families(connection, wanted, after=after, limit=limit + 1)
        return page_of(found, limit, lambda one: str(one["a_number"]))

    @api.get(
        f"{PATH}/families/{{a_number}}",
        response_model=WholeFamilyModel,
        dependencies=[READS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def read_one_family(a_number: PathName) -> sa.RowMapping:
        """One family with all that is known of it; its variants are a list of their own."""
        with services.database.connect() as connection:
            return read_family(connection, a_number)


def _add_variants(api: APIRouter, services: Services) -> None:
    @api.get(f"{PATH}/variants", response_model=Page[VariantModel], dependencies=[READS])
    def read_variants(
        *,
        a_number: Annotated[Name | None, Query(alias="aNumber")] = None,
        sku: Text = None,
        supplier: Text = None,
        color: Text = None,
        size: Text = None,
        is_active: Annotated[bool | None, Query(alias="isActive")] = None,
        after: AfterBoth = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """Variants by family and SKU. One is active when its family is too."""
        wanted = VariantFilter(a_number, sku, supplier, color, size, is_active)
        begin = None if after is None else parts_of(after)
        with services.database.connect() as connection:
            found = list_variants(connection, wanted, after=begin, limit=limit + 1)
        return page_of(found, limit, lambda one: cursor_of(one["a_number"], one["sku"]))

    @api.get(f"{PATH}/categories", response_model=Page[CategoryModel], dependencies=[READS])
    def read_categories() -> dict[str, list[sa.RowMapping]]:
        """All categories in their order."""
        with services.database.connect() as connection:
            return {"items": list_categories(connection)}


def _add_media(api: APIRouter, services: Services) -> None:
    def link(key: str) -> str:
        return services.links.sign(key, now=datetime.now(UTC)).url

    @api.get(f"{PATH}/media", response_model=Page[MediaModel], dependencies=[READS])
    def read_media(
        source_url: Annotated[LongName | None, Query(alias="sourceUrl", description="Where it came from")] = None,
        after: After = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """Stored images by content hash, with links to them."""
        with services.database.connect() as connection:
            found = list_media(connection, source_url=source_url, after=after, limit=limit + 1)
        page = page_of(found, limit, lambda one: str(one["content_hash"]))
        items = [
            {**one, "url": link(one["key"]), "variants": {name: link(key) for name, key in one["variants"].items()}}
            for one in page["items"]
        ]
        return {**page, "items": items}


def _add_history(api: APIRouter, services: Services) -> None:
    @api.get(f"{PATH}/changes", response_model=Page[ChangeModel], dependencies=[READS])
    def read_changes(
        *,
        sync_id: Annotated[Number | None, Query(alias="syncId")] = None,
        a_number: Annotated[Name | None, Query(alias="aNumber")] = None,
        entity: Literal["family", "variant"] | None = None,
        kind: Literal["added", "changed", "removed", "restored"] | None = None,
        field: Text = None,
        since: AwareDatetime | None = None,
        after: AfterNumber = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """Changes in the order in which they were made; a reader goes on from the last `next`."""
        wanted = ChangeFilter(sync_id, a_number, entity, kind, field, since)
        with services.database.connect() as connection:
            found = list_changes(connection, wanted, after=after, limit=limit + 1)
        return page_of(found, limit, lambda one: int(one["id"]))

    @api.get(f"{PATH}/quarantine", response_model=Page[QuarantineModel], dependencies=[READS])
    def read_quarantine(supplier: Text = None, after: AfterBoth = None, limit: Limit = USUAL_PAGE) -> dict[str, Any]:
        """The documents that cannot be used, oldest first; `after` goes on."""
        begin = None if after is None else moment_and_name_of(after)
        with services.database.connect() as connection:
            found = list_quarantine(connection, supplier, after=begin, limit=limit + 1)
        return page_of(found, limit, lambda one: cursor_of(one.since.isoformat(), one.a_number))
