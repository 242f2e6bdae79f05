"""The tables of the catalogue.

This module holds columns, keys and constraints. Keep out: how rows are made (`documents`) or written (`families`).

Images are named by their source URL, in order, in the row of the family or variant that shows them. The relation is
written whole with its row, and `media_source` says which stored object a URL has become.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.storage.schema import metadata

_TIME = sa.DateTime(timezone=True)
_PRICE = sa.Numeric(14, 4, asdecimal=False)


def _by_language(name: str) -> sa.Column[object]:
    return sa.Column(name, pg.JSONB, nullable=False, server_default="{}")


def _records(name: str) -> sa.Column[object]:
    return sa.Column(name, pg.JSONB, nullable=False, server_default="[]")


def _texts(name: str) -> sa.Column[object]:
    return sa.Column(name, pg.ARRAY(sa.Text), nullable=False, server_default="{}")


def _flag(name: str, *, default: bool = False) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


supplier = sa.Table(
    "supplier",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    _flag("is_active", default=True),
    _flag("auto_import", default=True),
    sa.Column("fingerprint", sa.Text, comment="SHA-256 over the feed lines that were last planned"),
    sa.Column("documents_seen", sa.BigInteger, nullable=False, server_default="0", comment="For `document_shape`"),
    sa.Column("discovered_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("last_listed", pg.ARRAY(sa.Text), comment="The families of its last plan, in the feed's order"),
    sa.Column(
        "tail_gone_in", sa.Text, comment="SHA-256 of the Import.txt that first lacked the last lines of the one before"
    ),
)

sync = sa.Table(
    "sync",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("supplier", sa.ForeignKey("supplier.code"), nullable=False),
    _flag("is_full"),
    sa.Column("status", sa.Text, nullable=False, server_default="running"),
    sa.Column("step", sa.Text, nullable=False, server_default="importing_families"),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    _count("listed"),
    sa.Column("settled", sa.Integer, nullable=False, server_default="0", comment="Planned families that are done"),
    sa.Column("planned", sa.Integer, nullable=False, server_default="0", comment="Families to download"),
    _count("added"),
    _count("changed"),
    _count("unchanged"),
    _count("removed"),
    _count("restored"),
    _count("held_back"),
    _count("quarantined"),
    _count("failed"),
    sa.Column("documents", sa.Integer, nullable=False, server_default="0", comment="Documents downloaded"),
    sa.Column("rows_written", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("variants", sa.Integer, nullable=False, server_default="0", comment="Of the imported families"),
    sa.Column("images", sa.Integer, nullable=False, server_default="0", comment="To be mirrored"),
    sa.Column(
        "images_settled", sa.Integer, nullable=False, server_default="0", comment="Images that are mirrored or dead"
    ),
    sa.Column("images_failed", sa.Integer, nullable=False, server_default="0", comment="Images that are dead"),
    sa.Column("started_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("finished_at", _TIME),
    sa.CheckConstraint("status IN ('running', 'completed', 'failed', 'stopped')", name="status"),
    sa.CheckConstraint(
        "step IN ('parsing_import', 'hash_check', 'importing_families', 'mirroring_images', 'complete')", name="step"
    ),
    sa.Index("ix_sync_supplier_id", "supplier", "id"),
    # One sync of a supplier at a time: a newer plan takes over from one that never ended.
    sa.Index("uq_sync_running", "supplier", unique=True, postgresql_where=sa.text("status = 'running'")),
)

sync_item = sa.Table(
    "sync_item",
    metadata,
    sa.Column("sync_id", sa.ForeignKey("sync.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True, comment="The family's a_number or the image's source URL"),
    _flag("is_failed"),
    sa.CheckConstraint("kind IN ('family', 'image')", name="kind"),
    sa.Index("ix_sync_item_kind_key", "kind", "key"),
    comment="What a sync waits for, and what failed in it",
)

category = sa.Table(
    "category",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    _by_language("name"),
    sa.Column("parent_code", sa.ForeignKey("category.code", deferrable=True, initially="DEFERRED")),
    _count("sort_order"),
)

feed_entry = sa.Table(
    "feed_entry",
    metadata,
    sa.Column("a_number", sa.Text, primary_key=True),
    sa.Column("supplier", sa.ForeignKey("supplier.code"), nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("supplier_hash", sa.Text, nullable=False),
)

feed_problem = sa.Table(
    "feed_problem",
    metadata,
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("line_number", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("supplier", sa.Text, comment="None for a line that shows none"),
    sa.Column("is_refused", sa.Boolean, nullable=False, comment="False for a line that was taken all the same"),
    comment="Lines of the feed's files with something wrong, as they were last read",
)

product_family = sa.Table(
    "product_family",
    metadata,
    sa.Column("a_number", sa.Text, primary_key=True, comment="The parent SKU, which is the document's file name"),
    sa.Column("supplier", sa.ForeignKey("supplier.code"), nullable=False, index=True),
    sa.Column("supplier_hash", sa.Text, nullable=False, comment="As Import.txt gives it, in upper case"),
    sa.Column("content_hash", sa.Text, nullable=False, comment="Ours, over the decoded records"),
    sa.Column("supplier_sku", sa.Text),
    sa.Column("supplier_name", sa.Text),
    sa.Column("brand", sa.Text),
    sa.Column("category", sa.Text, index=True),
    _texts("secondary_categories"),
    *map(_by_language, ("name", "description", "short_description", "model_name", "material", "customization")),
    *map(_by_language, ("refining", "refining_dimensions", "refining_location", "web_shop_info", "product_filters")),
    _records("price_tiers"),
    sa.Column("price_min", _PRICE),
    sa.Column("price_max", _PRICE),
    sa.Column("dimensions", pg.JSONB),
    _records("imprint_positions"),
    _count("variant_count"),
    _texts("available_colors"),
    _texts("available_sizes"),
    _texts("hex_colors"),
    sa.Column("country_of_origin", sa.Text),
    sa.Column("delivery_time", sa.Text),
    sa.Column("customs_tariff_number", sa.Text),
    sa.Column("tax", sa.Text, nullable=False, server_default="H"),
    _flag("must_have_imprint"),
    sa.Column("max_colors", sa.Integer),
    sa.Column("print_option_group", sa.Text),
    _by_language("default_products"),
    sa.Column("battery_information", pg.JSONB),
    sa.Column("required_certificates", pg.JSONB),
    sa.Column("main_image", sa.Text, comment="Source URL"),
    _texts("gallery_images"),
    sa.Column("model_image", sa.Text, comment="Source URL"),
    _flag("is_active", default=True),
    sa.Column("removed_at", _TIME, comment="When the family left the feed"),
    sa.Column("deleted_at", _TIME, comment="When it was soft-deleted"),
    sa.Column("synced_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column(
        "variants_held_back",
        sa.Integer,
        nullable=False,
        server_default="0",
        comment="Variants that the document no longer lists, and that the guard keeps",
    ),
    sa.Index("ix_product_family_words", sa.text("to_tsvector('simple'::regconfig, name)"), postgresql_using="gin"),
    sa.Index("ix_product_family_beginning", "a_number", postgresql_ops={"a_number": "text_pattern_ops"}),
    sa.Index("ix_product_family_supplier_a_number", "supplier", "a_number"),
    sa.Index("ix_product_family_category_a_number", "category", "a_number"),
    sa.Index("ix_product_family_brand_a_number", "brand", "a_number"),
    sa.Index("ix_product_family_inactive", "a_number", postgresql_where=sa.text("NOT is_active")),
)

product_variant = sa.Table(
    "product_variant",
    metadata,
    sa.Column("a_number", sa.ForeignKey("product_family.a_number"), primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True, index=True),
    _count("position"),
    sa.Column("supplier_sku", sa.Text),
    sa.Column("ean", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("color", sa.Text),
    sa.Column("hex_color", sa.Text),
    sa.Column("supplier_color_code", sa.Text),
    sa.Column("supplier_search_color", sa.Text),
    sa.Column("supplier_main_category", sa.Text),
    sa.Column("size", sa.Text),
    _texts("sizes"),
    *(sa.Column(f"dimensions_{side}", sa.Float) for side in ("length", "width", "height", "diameter", "depth")),
    sa.Column("weight", sa.Float),
    sa.Column("embroidery_sizes", sa.Text),
    *map(_flag, ("imprint_required", "fragile", "usb_item", "is_service_base", "tron_logo_enabled")),
    sa.Column("tron_logo_reference", sa.Text),
    _by_language("meta_name"),
    _by_language("meta_description"),
    _by_language("meta_keywords"),
    sa.Column("primary_image", sa.Text, comment="Source URL"),
    _texts("gallery_images"),
    _records("information_files"),
    _flag("is_primary_for_color"),
    *(sa.Column(f"outer_carton_{side}_cm", sa.Float) for side in ("length", "width", "height")),
    *(sa.Column(f"outer_carton_weight_{kind}_kg", sa.Float) for kind in ("net", "gross")),
    sa.Column("outer_carton_quantity", sa.Integer),
    _flag("is_active", default=True),
)

family_image = sa.Table(
    "family_image",
    metadata,
    sa.Column("a_number", sa.ForeignKey("product_family.a_number"), primary_key=True),
    sa.Column("url", sa.Text, primary_key=True, index=True),
    sa.Column("position", sa.Integer, nullable=False),
)

change = sa.Table(
    "change",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("sync_id", sa.ForeignKey("sync.id"), index=True),
    sa.Column("a_number", sa.Text, nullable=False, index=True),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, comment="The family's a_number or the variant's SKU"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("field", sa.Text, nullable=False, server_default=""),
    sa.Column("before", pg.JSONB),
    sa.Column("after", pg.JSONB),
    sa.Column("at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint("entity IN ('family', 'variant')", name="entity"),
    sa.CheckConstraint("kind IN ('added', 'changed', 'removed', 'restored')", name="kind"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("a_number", sa.Text, primary_key=True),
    sa.Column("supplier", sa.ForeignKey("supplier.code"), nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("supplier_hash", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.LargeBinary, comment="The bytes as they came; none when the download was refused"),
    sa.Column(
        "is_transfer",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        comment="Whether the transfer may be at fault, so that each sync asks again",
    ),
    sa.Column("since", _TIME, nullable=False, server_default=sa.func.now()),
)

document_shape = sa.Table(
    "document_shape",
    metadata,
    sa.Column("supplier", sa.ForeignKey("supplier.code"), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True, comment="JSON path of a field"),
    sa.Column("types", pg.ARRAY(sa.Text), nullable=False, comment="JSON types that the field has had"),
    sa.Column("is_required", sa.Boolean, nullable=False, comment="Whether no document has lacked it so far"),
)

drift = sa.Table(
    "drift",
    metadata,
    sa.Column("supplier", sa.ForeignKey("supplier.code"), primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("before", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("after", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("example", sa.Text, nullable=False, comment="The a_number of a family that shows it"),
    sa.Column("seen_at", _TIME, nullable=False, server_default=sa.func.now()),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("kind IN ('new', 'gone', 'type', 'oddity')", name="kind"),
)
