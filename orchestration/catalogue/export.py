"""Exports: the catalogue's records as rows, for files and other systems.

It decides which rows and columns each export has. Keep out: file formats (`storage.tabular`).

Images appear as the content hash of the stored original, in order; one that is not mirrored yet is left out, and comes
in by itself once it is.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.catalogue.feed.sync_runs import supplier_statuses
from orchestration.storage.database import driver_connection

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_PER_FETCH = 1_000
# What Python makes of PostgreSQL's types; of any other, such as lists and jsonb, something that JSON can carry.
_TYPES = {"text": str, "bool": bool, "int4": int, "int8": int, "float8": float, "timestamptz": datetime}


class Export(StrEnum):
    """What can be exported."""

    SUPPLIERS = "suppliers"
    CATEGORIES = "categories"
    FAMILIES = "families"
    VARIANTS = "variants"
    MEDIA = "media"
    CHANGES = "changes"
    QUARANTINE = "quarantine"


def export_columns(connection: sa.Connection, export: Export) -> dict[str, type]:
    """The names and types of an export's columns, which a file needs even where there is no row, or no value.

    The type is object where a value may be anything that JSON can carry.
    """
    if export is Export.SUPPLIERS:
        return dict(_SUPPLIER_COLUMNS)
    with driver_connection(connection).execute(f"{_QUERIES[export].text} LIMIT 0") as cursor:
        return {one.name: _TYPES.get(one.type_display, object) for one in cursor.description or ()}


def export_rows(connection: sa.Connection, export: Export) -> Iterator[dict[str, Any]]:
    """The rows of an export, streamed, as plain mappings; values are what JSON can carry, and datetimes."""
    if export is Export.SUPPLIERS:
        yield from _suppliers(connection)
        return
    # A server-side cursor, so that memory does not grow with the size.
    result = connection.execution_options(yield_per=ROWS_PER_FETCH).execute(_QUERIES[export])
    for row in result.mappings():
        yield dict(row)


def _suppliers(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    sizes = {code: (families, active) for code, families, active in connection.execute(_SIZES)}
    for status in supplier_statuses(connection):
        families, active = sizes.get(status.supplier, (0, 0))
        cells = (
            status.supplier,
            status.name,
            families,
            active,
            status.status,
            status.message,
            status.finished_at,
            status.counts,
            status.progress._asdict(),
        )
        yield dict(zip(_SUPPLIER_COLUMNS, cells, strict=True))


_SUPPLIER_COLUMNS = {
    "code": str,
    "name": str,
    "families": int,
    "active_families": int,
    "last_sync_status": str,
    "last_sync_message": str,
    "last_sync_date": datetime,
    "counts": object,
    "progress": object,
}
_SIZES = sa.text("SELECT supplier, count(*), count(*) FILTER (WHERE is_active) FROM product_family GROUP BY supplier")

_QUERIES = {
    Export.CATEGORIES: sa.text("SELECT code, name, parent_code, sort_order FROM category ORDER BY sort_order, code"),
    Export.FAMILIES: sa.text("""
        SELECT f.a_number, f.supplier, f.name, f.brand, f.category, f.is_active, f.supplier_hash, f.content_hash,
            f.variant_count, f.price_min::float8, f.price_max::float8, m.content_hash AS main_image,
            ARRAY(SELECT s.content_hash FROM unnest(f.gallery_images) WITH ORDINALITY AS g (url, position)
                JOIN media_source AS s USING (url) ORDER BY g.position) AS gallery_images,
            f.supplier_sku, coalesce(f.supplier_name, p.name) AS supplier_name,
            f.description, f.short_description, f.model_name, f.material,
            f.customization, f.refining, f.refining_dimensions, f.refining_location, f.web_shop_info,
            f.product_filters, f.secondary_categories, f.price_tiers, f.dimensions, f.imprint_positions,
            f.available_colors, f.available_sizes, f.hex_colors, f.country_of_origin, f.delivery_time,
            f.customs_tariff_number, f.tax, f.must_have_imprint, f.max_colors, f.print_option_group,
            f.default_products, f.battery_information, f.required_certificates, f.main_image AS main_image_url,
            f.removed_at, f.deleted_at, f.synced_at
        FROM product_family AS f JOIN supplier AS p ON p.code = f.supplier
        LEFT JOIN media_source AS m ON m.url = f.main_image
        ORDER BY f.a_number
    """),
    Export.VARIANTS: sa.text("""
        SELECT v.sku, v.a_number, v.color, v.hex_color, v.size, v.is_active AND f.is_active AS is_active,
            m.content_hash AS primary_image,
            ARRAY(SELECT s.content_hash FROM unnest(v.gallery_images) WITH ORDINALITY AS g (url, position)
                JOIN media_source AS s USING (url) ORDER BY g.position) AS gallery_images,
            v.position, v.name, v.ean, v.supplier_sku, v.supplier_color_code, v.supplier_search_color,
            v.supplier_main_category, v.sizes, v.dimensions_length, v.dimensions_width, v.dimensions_height,
            v.dimensions_diameter, v.dimensions_depth, v.weight, v.embroidery_sizes, v.imprint_required, v.fragile,
            v.usb_item, v.is_service_base, v.tron_logo_enabled, v.tron_logo_reference, v.meta_name,
            v.meta_description, v.meta_keywords, v.information_files, v.is_primary_for_color,
            v.outer_carton_length_cm, v.outer_carton_width_cm, v.outer_carton_height_cm,
            v.outer_carton_weight_net_kg, v.outer_carton_weight_gross_kg, v.outer_carton_quantity
        FROM product_variant AS v JOIN product_family AS f USING (a_number)
        LEFT JOIN media_source AS m ON m.url = v.primary_image
        ORDER BY v.a_number, v.position, v.sku
    """),
    Export.MEDIA: sa.text("""
        SELECT m.content_hash, m.key, m.bytes, m.mime, m.width, m.height,
            ARRAY(SELECT s.url FROM media_source AS s WHERE s.content_hash = m.content_hash ORDER BY s.url)
                AS source_urls,
            coalesce((SELECT jsonb_object_agg(v.name, v.key) FROM media_variant AS v
                WHERE v.content_hash = m.content_hash), '{}') AS variants
        FROM media AS m ORDER BY m.content_hash
    """),
    Export.CHANGES: sa.text("""
        SELECT c.sync_id, s.supplier, c.a_number, c.entity, c.key, c.kind, c.field, c.before, c.after, c.at
        FROM change AS c LEFT JOIN sync AS s ON s.id = c.sync_id ORDER BY c.id
    """),
    Export.QUARANTINE: sa.text("""
        SELECT a_number, supplier, code, path, reason, url, supplier_hash, length(document) AS document_bytes, since
        FROM quarantine ORDER BY a_number
    """),
}
