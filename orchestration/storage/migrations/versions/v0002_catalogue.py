"""Create the catalogue tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    _create_category()
    _create_supplier()
    _create_document_shape()
    _create_drift()
    _create_feed_entry()
    _create_product_family()
    _create_quarantine()
    _create_sync()
    _create_change()
    _create_family_image()
    _create_product_variant()


def downgrade() -> None:
    """Take it back."""
    op.drop_table("product_variant")
    op.drop_table("family_image")
    op.drop_table("change")
    op.drop_table("sync")
    op.drop_table("quarantine")
    op.drop_table("product_family")
    op.drop_table("feed_entry")
    op.drop_table("drift")
    op.drop_table("document_shape")
    op.drop_table("supplier")
    op.drop_table("category")


def _create_category() -> None:
    op.create_table(
        "category",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("sort_order", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_code"],
            ["category.code"],
            name=op.f("fk_category_parent_code"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_category")),
    )


def _create_supplier() -> None:
    op.create_table(
        "supplier",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("auto_import", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "fingerprint", sa.Text(), nullable=True, comment="SHA-256 over the feed lines that were last planned"
        ),
        sa.Column(
            "documents_seen", sa.BigInteger(), server_default="0", nullable=False, comment="For `document_shape`"
        ),
        sa.Column("discovered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_supplier")),
    )


def _create_document_shape() -> None:
    op.create_table(
        "document_shape",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="JSON path of a field"),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False, comment="JSON types that the field has had"),
        sa.Column("is_required", sa.Boolean(), nullable=False, comment="Whether no document has lacked it so far"),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_document_shape_supplier")),
        sa.PrimaryKeyConstraint("supplier", "path", name=op.f("pk_document_shape")),
    )


def _create_drift() -> None:
    op.create_table(
        "drift",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("after", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("example", sa.Text(), nullable=False, comment="The a_number of a family that shows it"),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('new', 'gone', 'type')", name=op.f("ck_drift_kind")),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_drift_supplier")),
        sa.PrimaryKeyConstraint("supplier", "path", "kind", name=op.f("pk_drift")),
    )


def _create_feed_entry() -> None:
    op.create_table(
        "feed_entry",
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("supplier_hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_feed_entry_supplier")),
        sa.PrimaryKeyConstraint("a_number", name=op.f("pk_feed_entry")),
    )
    op.create_index(op.f("ix_feed_entry_supplier"), "feed_entry", ["supplier"], unique=False)


def _create_product_family() -> None:
    op.create_table(
        "product_family",
        sa.Column("a_number", sa.Text(), nullable=False, comment="The parent SKU, which is the document's file name"),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("supplier_hash", sa.Text(), nullable=False, comment="As Import.txt gives it, in upper case"),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="Ours, over the decoded records"),
        sa.Column("supplier_sku", sa.Text(), nullable=True),
        sa.Column("supplier_name", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("secondary_categories", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("short_description", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("model_name", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("material", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("customization", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("refining", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("refining_dimensions", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("refining_location", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("web_shop_info", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("product_filters", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("price_tiers", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("price_min", sa.Numeric(precision=14, scale=4, asdecimal=False), nullable=True),
        sa.Column("price_max", sa.Numeric(precision=14, scale=4, asdecimal=False), nullable=True),
        sa.Column("dimensions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("imprint_positions", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("variant_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_colors", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("available_sizes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("hex_colors", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("country_of_origin", sa.Text(), nullable=True),
        sa.Column("delivery_time", sa.Text(), nullable=True),
        sa.Column("customs_tariff_number", sa.Text(), nullable=True),
        sa.Column("tax", sa.Text(), server_default="H", nullable=False),
        sa.Column("must_have_imprint", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("max_colors", sa.Integer(), nullable=True),
        sa.Column("print_option_group", sa.Text(), nullable=True),
        sa.Column("default_products", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("battery_information", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("required_certificates", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("main_image", sa.Text(), nullable=True, comment="Source URL"),
        sa.Column("gallery_images", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("model_image", sa.Text(), nullable=True, comment="Source URL"),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True, comment="When the family left the feed"),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True, comment="When it was soft-deleted"),
        sa.Column("synced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_product_family_supplier")),
        sa.PrimaryKeyConstraint("a_number", name=op.f("pk_product_family")),
    )
    op.create_index(op.f("ix_product_family_category"), "product_family", ["category"], unique=False)
    op.create_index(op.f("ix_product_family_supplier"), "product_family", ["supplier"], unique=False)


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("supplier_hash", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "document",
            sa.LargeBinary(),
            nullable=True,
            comment="The bytes as they came; none when the download was refused",
        ),
        sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_quarantine_supplier")),
        sa.PrimaryKeyConstraint("a_number", name=op.f("pk_quarantine")),
    )
    op.create_index(op.f("ix_quarantine_supplier"), "quarantine", ["supplier"], unique=False)


def _create_sync() -> None:
    op.create_table(
        "sync",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("is_full", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("listed", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "settled", sa.Integer(), server_default="0", nullable=False, comment="Planned families that are done"
        ),
        sa.Column("planned", sa.Integer(), server_default="0", nullable=False, comment="Families to download"),
        sa.Column("added", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("removed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held_back", sa.Integer(), server_default="0", nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("documents", sa.Integer(), server_default="0", nullable=False, comment="Documents downloaded"),
        sa.Column("rows_written", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('running', 'completed', 'failed')", name=op.f("ck_sync_status")),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_sync_supplier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync")),
    )
    op.create_index("ix_sync_supplier_id", "sync", ["supplier", "id"], unique=False)
    op.create_index(
        "uq_sync_running", "sync", ["supplier"], unique=True, postgresql_where=sa.text("status = 'running'")
    )


def _create_change() -> None:
    op.create_table(
        "change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sync_id", sa.BigInteger(), nullable=True),
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="The family's a_number or the variant's SKU"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), server_default="", nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("entity IN ('family', 'variant')", name=op.f("ck_change_entity")),
        sa.CheckConstraint("kind IN ('added', 'changed', 'removed', 'restored')", name=op.f("ck_change_kind")),
        sa.ForeignKeyConstraint(["sync_id"], ["sync.id"], name=op.f("fk_change_sync_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change")),
    )
    op.create_index(op.f("ix_change_a_number"), "change", ["a_number"], unique=False)
    op.create_index(op.f("ix_change_sync_id"), "change", ["sync_id"], unique=False)


def _create_family_image() -> None:
    op.create_table(
        "family_image",
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["a_number"], ["product_family.a_number"], name=op.f("fk_family_image_a_number")),
        sa.PrimaryKeyConstraint("a_number", "url", name=op.f("pk_family_image")),
    )
    op.create_index(op.f("ix_family_image_url"), "family_image", ["url"], unique=False)


def _create_product_variant() -> None:
    op.create_table(
        "product_variant",
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("supplier_sku", sa.Text(), nullable=True),
        sa.Column("ean", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("hex_color", sa.Text(), nullable=True),
        sa.Column("supplier_color_code", sa.Text(), nullable=True),
        sa.Column("supplier_search_color", sa.Text(), nullable=True),
        sa.Column("supplier_main_category", sa.Text(), nullable=True),
        sa.Column("size", sa.Text(), nullable=True),
        sa.Column("sizes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("dimensions_length", sa.Float(), nullable=True),
        sa.Column("dimensions_width", sa.Float(), nullable=True),
        sa.Column("dimensions_height", sa.Float(), nullable=True),
        sa.Column("dimensions_diameter", sa.Float(), nullable=True),
        sa.Column("dimensions_depth", sa.Float(), nullable=True),
        sa.Column("weight", sa.Float(), nullable=True),
        sa.Column("embroidery_sizes", sa.Text(), nullable=True),
        sa.Column("imprint_required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("fragile", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("usb_item", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("is_service_base", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tron_logo_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tron_logo_reference", sa.Text(), nullable=True),
        sa.Column("meta_name", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("meta_description", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("meta_keywords", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("primary_image", sa.Text(), nullable=True, comment="Source URL"),
        sa.Column("gallery_images", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("information_files", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("is_primary_for_color", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("outer_carton_length_cm", sa.Float(), nullable=True),
        sa.Column("outer_carton_width_cm", sa.Float(), nullable=True),
        sa.Column("outer_carton_height_cm", sa.Float(), nullable=True),
        sa.Column("outer_carton_weight_net_kg", sa.Float(), nullable=True),
        sa.Column("outer_carton_weight_gross_kg", sa.Float(), nullable=True),
        sa.Column("outer_carton_quantity", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(["a_number"], ["product_family.a_number"], name=op.f("fk_product_variant_a_number")),
        sa.PrimaryKeyConstraint("a_number", "sku", name=op.f("pk_product_variant")),
    )
    op.create_index(op.f("ix_product_variant_sku"), "product_variant", ["sku"], unique=False)
