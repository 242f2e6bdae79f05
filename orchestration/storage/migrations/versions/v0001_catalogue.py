"""Create the queue, media and catalogue tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_worker_number = sa.Sequence("task_worker_number", data_type=sa.Integer, cycle=True)


def upgrade() -> None:
    """Apply the revision."""
    op.execute(sa.schema.CreateSequence(_worker_number))
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
    op.create_table(
        "media",
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of the stored original, in hex"),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column(
            "blur", sa.Text(), nullable=True, comment="A 20-pixel placeholder as a data URL, once the variants are made"
        ),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("content_hash", name=op.f("pk_media")),
        sa.UniqueConstraint("key", name=op.f("uq_media_key")),
    )
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
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="Idempotency key within the queue"),
        sa.Column(
            "grouping",
            sa.Text(),
            nullable=True,
            comment="What counts and cancellation go by, such as a supplier's code",
        ),
        sa.Column("order_key", sa.Text(), nullable=True, comment="Tasks of one order key run one at a time, by id"),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="1", nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "sort_at",
            sa.DateTime(),
            sa.Computed("(run_at AT TIME ZONE 'UTC') + priority * interval '600 seconds'", persisted=True),
            nullable=False,
        ),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="Claims that count for the policy"
        ),
        sa.Column(
            "token", sa.Integer(), server_default="0", nullable=False, comment="All claims ever: the fencing token"
        ),
        sa.Column(
            "crashes", sa.Integer(), server_default="0", nullable=False, comment="Workers lost; above 0 it runs alone"
        ),
        sa.Column(
            "rerun",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Enqueued again while active",
        ),
        sa.Column("worker", sa.Integer(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why it is dead"),
        sa.Column("error", sa.Text(), nullable=True, comment="The last error"),
        sa.CheckConstraint(
            "(state = 'active') = (worker IS NOT NULL) AND (state = 'active') = (lease_until IS NOT NULL)",
            name=op.f("ck_task_owner"),
        ),
        sa.CheckConstraint("(state = 'dead') = (reason IS NOT NULL)", name=op.f("ck_task_reason")),
        sa.CheckConstraint(
            "(state IN ('completed', 'dead')) = (finished_at IS NOT NULL)", name=op.f("ck_task_finished")
        ),
        sa.CheckConstraint("NOT rerun OR state = 'active'", name=op.f("ck_task_rerun")),
        sa.CheckConstraint("state IN ('waiting', 'active', 'completed', 'dead')", name=op.f("ck_task_state")),
        sa.CheckConstraint("priority BETWEEN 0 AND 2", name=op.f("ck_task_priority")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_claim", "task", ["queue", "sort_at", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "ix_task_finished",
        "task",
        ["queue", "state", "finished_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('completed', 'dead')"),
    )
    op.create_index(
        "ix_task_held", "task", ["queue", "worker"], unique=False, postgresql_where=sa.text("state = 'active'")
    )
    op.create_index(
        "ix_task_order",
        "task",
        ["queue", "order_key", "id"],
        unique=False,
        postgresql_where=sa.text("order_key IS NOT NULL AND state IN ('waiting', 'active')"),
    )
    op.create_index(
        "uq_task_order_active",
        "task",
        ["queue", "order_key"],
        unique=True,
        postgresql_where=sa.text("order_key IS NOT NULL AND state = 'active'"),
    )
    op.create_index(
        "uq_task_unfinished_key",
        "task",
        ["queue", "key"],
        unique=True,
        postgresql_where=sa.text("state <> 'completed'"),
    )
    op.create_table(
        "document_shape",
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False, comment="JSON path of a field"),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False, comment="JSON types that the field has had"),
        sa.Column("is_required", sa.Boolean(), nullable=False, comment="Whether no document has lacked it so far"),
        sa.ForeignKeyConstraint(["supplier"], ["supplier.code"], name=op.f("fk_document_shape_supplier")),
        sa.PrimaryKeyConstraint("supplier", "path", name=op.f("pk_document_shape")),
    )
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
    op.create_table(
        "media_source",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["content_hash"], ["media.content_hash"], name=op.f("fk_media_source_content_hash")),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_media_source")),
    )
    op.create_index(op.f("ix_media_source_content_hash"), "media_source", ["content_hash"], unique=False)
    op.create_table(
        "media_variant",
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["content_hash"], ["media.content_hash"], name=op.f("fk_media_variant_content_hash")),
        sa.PrimaryKeyConstraint("content_hash", "name", name=op.f("pk_media_variant")),
    )
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
    op.create_table(
        "family_image",
        sa.Column("a_number", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["a_number"], ["product_family.a_number"], name=op.f("fk_family_image_a_number")),
        sa.PrimaryKeyConstraint("a_number", "url", name=op.f("pk_family_image")),
    )
    op.create_index(op.f("ix_family_image_url"), "family_image", ["url"], unique=False)
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


def downgrade() -> None:
    """Take it back."""
    op.drop_index(op.f("ix_product_variant_sku"), table_name="product_variant")
    op.drop_table("product_variant")
    op.drop_index(op.f("ix_family_image_url"), table_name="family_image")
    op.drop_table("family_image")
    op.drop_index(op.f("ix_change_sync_id"), table_name="change")
    op.drop_index(op.f("ix_change_a_number"), table_name="change")
    op.drop_table("change")
    op.drop_index("uq_sync_running", table_name="sync", postgresql_where=sa.text("status = 'running'"))
    op.drop_index("ix_sync_supplier_id", table_name="sync")
    op.drop_table("sync")
    op.drop_index(op.f("ix_quarantine_supplier"), table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index(op.f("ix_product_family_supplier"), table_name="product_family")
    op.drop_index(op.f("ix_product_family_category"), table_name="product_family")
    op.drop_table("product_family")
    op.drop_table("media_variant")
    op.drop_index(op.f("ix_media_source_content_hash"), table_name="media_source")
    op.drop_table("media_source")
    op.drop_index(op.f("ix_feed_entry_supplier"), table_name="feed_entry")
    op.drop_table("feed_entry")
    op.drop_table("drift")
    op.drop_table("document_shape")
    op.drop_index("uq_task_unfinished_key", table_name="task", postgresql_where=sa.text("state <> 'completed'"))
    op.drop_index(
        "uq_task_order_active",
        table_name="task",
        postgresql_where=sa.text("order_key IS NOT NULL AND state = 'active'"),
    )
    op.drop_index(
        "ix_task_order",
        table_name="task",
        postgresql_where=sa.text("order_key IS NOT NULL AND state IN ('waiting', 'active')"),
    )
    op.drop_index("ix_task_held", table_name="task", postgresql_where=sa.text("state = 'active'"))
    op.drop_index("ix_task_finished", table_name="task", postgresql_where=sa.text("state IN ('completed', 'dead')"))
    op.drop_index("ix_task_claim", table_name="task", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_table("task")
    op.drop_table("supplier")
    op.drop_table("media")
    op.drop_table("category")
    op.execute(sa.schema.DropSequence(_worker_number))
