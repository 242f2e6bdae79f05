"""Lists of orders: which there are, and how far their prints are.

It holds the queries of `orders list` and `prints status`. Keep out: how the answers are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.prints.solid.sku import is_supported, meant_sku
from orchestration.prints.tasks.pending import JOINED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from orchestration.prints.statuses import OrderStatus, RenderState


class OrderFilter(NamedTuple):
    """Which print tasks are listed; what is None does not matter. `text` is a part of the text or order number.

    `words` are beginnings of words of the text, or a whole order number: unlike `text`, an index finds them. `after` is
    the task after which the list begins.
    """

    order_status: OrderStatus | None = None
    state: RenderState | None = None
    sku: str | None = None
    marketplace: str | None = None
    text: str | None = None
    limit: int = 100
    after: int | None = None
    task_id: int | None = None
    words: str | None = None


# Of so many tasks with these words, the newest, a list consists at most.
MOST_WITH_WORDS = 2_000
_QUOTES = str.maketrans({"'": "''", "\\": "\\\\"})


class ListedTask(NamedTuple):
    """A print task with its order. `outputs` are its files: kind, pretty path, key, size and link."""

    task_id: int
    marketplace: str
    order_number: str
    order_status: str
    customer_name: str | None
    sku: str
    text: str
    color_1: str | None
    color_2: str | None
    quantity: int
    status: str
    render_state: str
    retries: int
    annotation: str | None
    review_reason: str | None
    stl_path: str | None
    outputs: list[dict[str, Any]]

    def why_pending(self, statuses: Sequence[str]) -> str | None:
        """Why nobody renders it for now, if it is pending and not due: orders in `statuses` are printed."""
        if self.render_state != "pending":
            return None
        if not is_supported(self.sku):
            meant = meant_sku(self.sku)
            return f"not printed here: no design has this SKU{f'; {meant} may be meant' if meant else ''}"
        if self.order_status not in statuses:
            return f"its order is {self.order_status}; it is rendered once that is {' or '.join(statuses)}"
        return None


_LIST = sa.text(f"""
SELECT t.id, o.marketplace, o.order_number, o.order_status, o.customer_name, p.sku, t.custom_text, t.color_1,
    t.color_2, t.quantity, t.status, t.stl_render_state, t.render_retries, t.annotation, t.review_reason, t.stl_path,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('kind', f.kind, 'path', f.pretty_path, 'key', f.object_key,
            'sha256', f.sha256, 'bytes', f.bytes, 'url', f.url, 'url_expires_at', f.url_expires_at) ORDER BY f.position)
        FROM print_output AS f WHERE f.task_id = t.id), '[]')
FROM {JOINED}
WHERE (CAST(:order_status AS text) IS NULL OR o.order_status = :order_status)
    AND (CAST(:state AS text) IS NULL OR t.stl_render_state = :state)
    AND (CAST(:sku AS text) IS NULL OR p.sku = :sku)
    AND (CAST(:marketplace AS text) IS NULL OR o.marketplace = :marketplace)
    AND (CAST(:text AS text) IS NULL OR strpos(lower(t.custom_text), lower(:text)) > 0
        OR strpos(lower(o.order_number), lower(:text)) > 0)
    AND (CAST(:task_id AS bigint) IS NULL OR t.id = :task_id)
    AND (CAST(:words AS text) IS NULL OR t.id = ANY (ARRAY(
        (SELECT w.id FROM print_task AS w
        WHERE to_tsvector('simple'::regconfig, w.custom_text) @@ to_tsquery('simple'::regconfig, :terms)
        ORDER BY w.created_at DESC LIMIT :most)
        UNION ALL
        (SELECT n.id FROM shop_order AS s JOIN order_item AS j ON j.order_id = s.id
            JOIN print_task AS n ON n.order_item_id = j.id
        WHERE s.order_number = :words LIMIT :most))))
    AND (CAST(:after AS bigint) IS NULL
        OR (t.created_at, t.id) < (SELECT created_at, id FROM print_task WHERE id = :after))
ORDER BY t.created_at DESC, t.id DESC LIMIT :limit""")  # noqa: S608 - of our own constants

# One group a state costs half of one aggregate a state: of 200,000 tasks each is looked at once.
_STATUS = sa.text("""
WITH counted AS MATERIALIZED (
    SELECT i.product_id, t.stl_render_state AS state, t.refused_check IS NOT NULL AS is_refused, count(*) AS tasks,
        count(*) FILTER (WHERE t.needs_review) AS to_review, max(t.updated_at) AS changed_at
    FROM print_task AS t JOIN order_item AS i ON i.id = t.order_item_id GROUP BY 1, 2, 3
)
SELECT p.sku, CAST(coalesce(sum(tasks) FILTER (WHERE state = 'pending'), 0) AS bigint),
    CAST(coalesce(sum(tasks) FILTER (WHERE state = 'running'), 0) AS bigint),
    CAST(coalesce(sum(tasks) FILTER (WHERE state = 'completed'), 0) AS bigint),
    CAST(coalesce(sum(tasks) FILTER (WHERE state = 'failed' AND NOT is_refused), 0) AS bigint),
    CAST(coalesce(sum(tasks) FILTER (WHERE is_refused), 0) AS bigint), CAST(sum(to_review) AS bigint),
    max(changed_at) FILTER (WHERE state = 'completed')
FROM counted JOIN product AS p ON p.id = product_id GROUP BY p.sku ORDER BY p.sku""")

# Within a transaction: the lines of all orders are joined in memory rather than in files.
_MEMORY = sa.text("SELECT set_config('work_mem', '32MB', true)")


class SkuStatus(NamedTuple):
    """How many print tasks of a SKU are where."""

    sku: str
    pending: int
    running: int
    completed: int
    failed: int
    refused: int
    to_review: int
    last_completed_at: datetime | None


def list_tasks(connection: sa.Connection, wanted: OrderFilter) -> list[ListedTask]:
    """The print tasks, newest first."""
    terms = " & ".join(f"'{word.translate(_QUOTES)}':*" for word in (wanted.words or "").split())
    values = {**wanted._asdict(), "terms": terms, "most": MOST_WITH_WORDS}
    return [ListedTask(*row) for row in connection.execute(_LIST, values)]


def sku_statuses(connection: sa.Connection) -> list[SkuStatus]:
    """Each SKU that was ever ordered, those without a design too; quickest in a transaction."""
    connection.execute(_MEMORY)
    return [SkuStatus(*row) for row in connection.execute(_STATUS)]
