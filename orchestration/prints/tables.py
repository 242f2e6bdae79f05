"""The tables of orders, print tasks and what was rendered for them.

`print_product` holds each product that was ever rendered, by the address of everything that decides it; a task points
at its product, so a text that changes leaves the old product, its files and their names where they were. `print_path`
gives each pretty path to one content for good. Letter case does not tell two paths apart, as on the disks of some
shops. Keep out: statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.prints.solid.refusal import Check
from orchestration.prints.statuses import InternalStatus, OrderStatus, PrintStatus, RenderState
from orchestration.storage.schema import metadata

if TYPE_CHECKING:
    from datetime import datetime
    from enum import StrEnum


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(value.value) for value in values)})"


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


shop_order = sa.Table(
    "shop_order",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("marketplace", sa.Text, nullable=False),
    sa.Column("order_number", sa.Text, nullable=False),
    sa.Column("order_status", sa.Text, nullable=False, server_default=OrderStatus.AWAITING_SHIPMENT),
    sa.Column("internal_status", sa.Text, nullable=False, server_default=InternalStatus.NEW),
    sa.Column("shipstation_order_id", sa.BigInteger),
    sa.Column("customer_name", sa.Text),
    sa.Column("customer_email", sa.Text),
    sa.Column("ship_by_date", sa.Date),
    sa.Column(
        "link_token",
        sa.Text,
        nullable=False,
        unique=True,
        server_default=sa.text("replace((gen_random_uuid())::text, '-'::text, ''::text)"),
        comment="Random: names the order in links",
    ),
    _moment("created_at"),
    _moment("updated_at"),
    sa.UniqueConstraint("marketplace", "order_number"),
    sa.Index("ix_shop_order_order_number", "order_number"),
    sa.CheckConstraint(_one_of("order_status", OrderStatus), name="order_status"),
    sa.CheckConstraint(_one_of("internal_status", InternalStatus), name="internal_status"),
)

product = sa.Table(
    "product",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("sku", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text),
)

order_item = sa.Table(
    "order_item",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("order_id", sa.ForeignKey("shop_order.id", ondelete="CASCADE"), nullable=False),
    sa.Column("product_id", sa.ForeignKey("product.id"), nullable=False, index=True),
    sa.Column("line_key", sa.Text, nullable=False, comment="Names the line within its order; ~1 where no file does"),
    sa.Column("quantity", sa.Integer, nullable=False, server_default="1"),
    sa.Column("unit_price", sa.Numeric),
    sa.Column("print_settings", pg.JSONB, nullable=False, server_default="{}"),
    sa.UniqueConstraint("order_id", "line_key"),
    sa.CheckConstraint("quantity > 0", name="quantity"),
)

print_product = sa.Table(
    "print_product",
    metadata,
    sa.Column("address", sa.Text, primary_key=True, comment="Digest of all that decides the files"),
    sa.Column("geometry", sa.Text, nullable=False, comment="Content address of the shape, without colours"),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("lines", pg.ARRAY(sa.Text), nullable=False),
    sa.Column("fonts", pg.JSONB, nullable=False, comment="Files that drew the text, with their SHA-256"),
    sa.Column("body_color", sa.Text, nullable=False),
    sa.Column("text_color", sa.Text, nullable=False),
    sa.Column("outputs", pg.JSONB, nullable=False, comment="Kind, suffix, key, sha256, bytes and facts of each file"),
    sa.Column("renders", sa.Integer, nullable=False, server_default="1", comment="How often it was rendered"),
    sa.Column("milliseconds", sa.Float, nullable=False),
    sa.Column("notes", pg.ARRAY(sa.Text), nullable=False, server_default="{}", comment="What a person should look at"),
    _moment("rendered_at"),
)

print_task = sa.Table(
    "print_task",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("order_item_id", sa.ForeignKey("order_item.id", ondelete="CASCADE"), nullable=False),
    sa.Column("task_index", sa.Integer, nullable=False, server_default="0"),
    sa.Column("custom_text", sa.Text, nullable=False, server_default=""),
    sa.Column("quantity", sa.Integer, nullable=False, server_default="1"),
    sa.Column("color_1", sa.Text),
    sa.Column("color_2", sa.Text),
    sa.Column("ship_by_date", sa.Date),
    sa.Column("status", sa.Text, nullable=False, server_default=PrintStatus.PENDING, comment="Printing, not rendering"),
    sa.Column("needs_review", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("review_reason", sa.Text),
    sa.Column("import_note", sa.Text, comment="Why a person should compare it with an order file"),
    sa.Column("annotation", sa.Text, comment="What went wrong at the last attempt"),
    sa.Column("stl_path", sa.Text, comment="Pretty path of the first STL"),
    sa.Column("stl_render_state", sa.Text, nullable=False, server_default=RenderState.PENDING),
    sa.Column("render_retries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("render_pid", sa.Integer, comment="Process that renders it; until one has begun, the drain's"),
    sa.Column("render_started_at", sa.DateTime(timezone=True), comment="Since when"),
    sa.Column("refused_check", sa.Text),
    sa.Column("refused_problem", sa.Text),
    sa.Column("refused_remedy", sa.Text),
    sa.Column("refused_picture", sa.Text, comment="Object key of a picture of what was refused"),
    sa.Column("product_address", sa.ForeignKey("print_product.address"), index=True),
    sa.Column("revision", sa.Integer, nullable=False, server_default="0", comment="Raised when its files become stale"),
    _moment("created_at"),
    _moment("updated_at"),
    sa.UniqueConstraint("order_item_id", "task_index"),
    sa.CheckConstraint(_one_of("status", PrintStatus), name="status"),
    sa.CheckConstraint(_one_of("stl_render_state", RenderState), name="stl_render_state"),
    sa.CheckConstraint(_one_of("refused_check", Check), name="refused_check"),
    sa.CheckConstraint("quantity > 0 AND task_index >= 0 AND render_retries >= 0", name="counts"),
    sa.CheckConstraint(
        "(stl_render_state = 'running') = (render_pid IS NOT NULL)"
        " AND (stl_render_state = 'running') = (render_started_at IS NOT NULL)",
        name="running",
    ),
    sa.CheckConstraint(
        "stl_render_state <> 'completed'"
        " OR product_address IS NOT NULL AND stl_path IS NOT NULL AND annotation IS NULL AND render_retries = 0",
        name="completed",
    ),
    sa.CheckConstraint(
        "refused_check IS NULL"
        " OR stl_render_state = 'failed' AND refused_problem IS NOT NULL AND refused_remedy IS NOT NULL",
        name="refused",
    ),
)

sa.Index(
    "ix_print_task_pending",
    print_task.c.created_at,
    print_task.c.id,
    postgresql_where=sa.text("stl_render_state = 'pending'"),
)
sa.Index("ix_print_task_stl_render_state", print_task.c.stl_render_state, print_task.c.updated_at)
sa.Index(
    "ix_print_task_words",
    sa.text("to_tsvector('simple'::regconfig, custom_text)"),
    postgresql_using="gin",
    _table=print_task,
)
sa.Index("ix_print_task_newest", print_task.c.created_at, print_task.c.id)
sa.Index("ix_print_task_status", print_task.c.status, print_task.c.updated_at)

print_path = sa.Table(
    "print_path",
    metadata,
    sa.Column("folded", sa.Text, primary_key=True, comment="The path in lower case"),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.CheckConstraint("folded = lower(path)", name="folded"),
)

print_output = sa.Table(
    "print_output",
    metadata,
    sa.Column("task_id", sa.ForeignKey("print_task.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("suffix", sa.Text, primary_key=True),
    sa.Column("position", sa.SmallInteger, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("pretty_path", sa.Text, nullable=False),
    sa.Column("facts", pg.JSONB),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("url_expires_at", sa.DateTime(timezone=True), nullable=False),
)

print_plate = sa.Table(
    "print_plate",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("body_color", sa.Text, nullable=False),
    sa.Column("text_color", sa.Text, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False, comment="The 3MF of the whole plate"),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("picture_key", sa.Text, nullable=False),
    sa.Column("grams", sa.Float, nullable=False),
    sa.Column("minutes", sa.Float, nullable=False),
    sa.Column("density", sa.Float, nullable=False, comment="Share of the bed that is taken"),
    _moment("created_at"),
)

print_plate_task = sa.Table(
    "print_plate_task",
    metadata,
    sa.Column("task_id", sa.ForeignKey("print_task.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("plate_id", sa.ForeignKey("print_plate.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("pieces", sa.Integer, nullable=False),
    sa.Column("product_address", sa.Text, nullable=False, comment="What was put on the plate"),
    sa.CheckConstraint("pieces > 0", name="pieces"),
)
