"""The lasting link of an order: where it leads, and what is found there.

Every print of an order has the same link, so a field that holds one leads to all of them. Its token is random and does
not change; the links to the files are made each time somebody opens it, since those end after a while. Keep out:
the page (`api`), and signing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from orchestration.prints.tasks.pending import JOINED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

PATH: Final = "/prints/"


def order_link(public_url: str, token: str) -> str:
    """The link of the order with this token."""
    return f"{public_url.rstrip('/')}{PATH}{token}"


class OrderPrint(NamedTuple):
    """A print of an order; `files` are kind, object key and path of each, none before it is rendered."""

    sku: str
    text: str
    color_1: str | None
    color_2: str | None
    quantity: int
    ship_by_date: date | None
    render_state: str
    review_reason: str | None
    files: Sequence[dict[str, Any]]


class OrderPrints(NamedTuple):
    """An order with all of its prints, in the order of their lines. It names no customer: a link is passed on."""

    marketplace: str
    order_number: str
    order_status: str
    prints: Sequence[OrderPrint]


_ORDER = sa.text("SELECT id, marketplace, order_number, order_status FROM shop_order WHERE link_token = :token")
_PRINTS = sa.text(f"""
SELECT p.sku, t.custom_text, t.color_1, t.color_2, t.quantity, t.ship_by_date, t.stl_render_state, t.review_reason,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('kind', f.kind, 'key', f.object_key, 'path', f.pretty_path)
            ORDER BY f.position)
        FROM print_output AS f WHERE f.task_id = t.id), '[]')
FROM {JOINED} WHERE o.id = :id ORDER BY i.id, t.task_index""")  # noqa: S608 - of our own constants


def find_order(connection: sa.Connection, token: str) -> OrderPrints | None:
    """The order with this token; None when there is none."""
    if not token.isalnum():
        return None
    order = connection.execute(_ORDER, {"token": token}).one_or_none()
    if order is None:
        return None
    prints = [OrderPrint(*row) for row in connection.execute(_PRINTS, {"id": order.id})]
    return OrderPrints(order.marketplace, order.order_number, order.order_status, prints)
