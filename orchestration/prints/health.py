"""What is wrong with prints now, from any cause: counted, with examples and the remedy.

It holds the questions. Keep out: how the answers are shown, and notifications, which have their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.observability.findings import SAMPLE, Finding
from orchestration.prints.plates.rows import list_plates
from orchestration.prints.solid.sku import meant_sku
from orchestration.prints.tasks.pending import JOINED, SUPPORTED, sku_parameters
from orchestration.prints.tasks.products import FOLDER

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.prints.solid.refusal import Check
    from orchestration.prints.statuses import OrderStatus
    from orchestration.storage.objects import ObjectStore

SHOWN_PICTURES = 3

_REFUSED = sa.text(f"""
SELECT count(*) OVER () AS total, t.id, o.order_number, p.sku, t.custom_text, t.refused_problem, t.refused_remedy,
    t.refused_picture
FROM {JOINED} WHERE t.refused_check = :check ORDER BY t.updated_at DESC, t.id DESC LIMIT :limit""")  # noqa: S608
_DEAD = sa.text(f"""
SELECT count(*) OVER () AS total, t.id, o.order_number, p.sku, t.custom_text, t.render_retries, t.annotation
FROM {JOINED} WHERE t.stl_render_state = 'failed' AND t.refused_check IS NULL
ORDER BY t.updated_at DESC, t.id DESC LIMIT :limit""")  # noqa: S608
_WITHOUT_DESIGN = sa.text(f"""
SELECT p.sku, count(DISTINCT o.id) AS orders, min(o.order_number) AS example
FROM {JOINED} WHERE NOT {SUPPORTED} AND o.order_status = ANY (CAST(:statuses AS text[])) AND t.status = 'pending'
    AND p.sku <> ALL (CAST(:not_printed AS text[]))
GROUP BY p.sku ORDER BY orders DESC, p.sku""")  # noqa: S608
_OUTPUTS = sa.text(f"""
SELECT f.task_id, o.order_number, f.pretty_path, f.object_key, f.bytes
FROM print_output AS f JOIN ({JOINED}) ON t.id = f.task_id ORDER BY f.task_id, f.position""")  # noqa: S608


def refused_tasks(connection: sa.Connection, objects: ObjectStore, check: Check) -> Finding:
    """Tasks that a check refuses, with pictures of the first few that could be drawn."""
    rows = connection.execute(_REFUSED, {"check": check.value, "limit": SAMPLE}).all()
    keys = [(row.id, row.refused_picture) for row in rows if row.refused_picture][:SHOWN_PICTURES]
    pictures = [(f"task {task_id}", picture) for task_id, key in keys if (picture := _picture(objects, key))]
    return Finding(
        rows[0].total if rows else 0,
        "Do what the remedy says and import the order again; `orchestration prints retry --task ID` tries it as it is.",
        ("task", "order", "SKU", "text", "problem", "remedy"),
        [(row.id, row.order_number, row.sku, row.custom_text, row.refused_problem, row.refused_remedy) for row in rows],
        pictures,
    )


def dead_tasks(connection: sa.Connection) -> Finding:
    """Tasks that failed for another reason than a refusal."""
    rows = connection.execute(_DEAD, {"limit": SAMPLE}).all()
    return Finding(
        rows[0].total if rows else 0,
        "Fix what the annotation names; `orchestration prints retry` queues them again.",
        ("task", "order", "SKU", "text", "attempts", "annotation"),
        [(row.id, row.order_number, row.sku, row.custom_text, row.render_retries, row.annotation) for row in rows],
        is_error=True,
    )


def skus_without_design(
    connection: sa.Connection, statuses: Sequence[OrderStatus], not_printed: Collection[str]
) -> Finding:
    """SKUs of orders that wait to be printed, for which there is no design; `not_printed` are known to have none."""
    values = {"statuses": list(statuses), "not_printed": list(not_printed), **sku_parameters()}
    rows = connection.execute(_WITHOUT_DESIGN, values).all()
    return Finding(
        len(rows),
        "Write the SKU that is meant at the marketplace and import the orders again; name the others in "
        "ORCHESTRATION_PRINT_OTHER_SKUS.",
        ("SKU", "meant", "orders", "example"),
        [(row.sku, meant_sku(row.sku) or "", row.orders, row.example) for row in rows[:SAMPLE]],
    )


def changed_plates(connection: sa.Connection, statuses: Sequence[OrderStatus]) -> Finding:
    """Plates with a product that was changed or cancelled after it was put there."""
    plates = [plate for plate in list_plates(connection, statuses) if plate.changed]
    return Finding(
        len(plates),
        "Do not print it: `orchestration prints plates --undo PLATE` takes it back, and `orchestration prints plates` "
        "puts its products on others.",
        ("plate", "changed products", "products", "orders"),
        [(plate.id, plate.changed, plate.products, ", ".join(plate.orders)) for plate in plates[:SAMPLE]],
        is_error=True,
    )


def missing_outputs(connection: sa.Connection, objects: ObjectStore) -> Finding:
    """Files of tasks that the object store does not have, or not whole."""
    outputs = connection.execute(_OUTPUTS).all()
    stored = objects.sizes(FOLDER) if outputs else {}
    missing = [row for row in outputs if stored.get(row.object_key) != row.bytes]
    return Finding(
        len(missing),
        "`orchestration prints refresh --force --task ID` renders them again.",
        ("task", "order", "path", "key", "bytes"),
        [(row.task_id, row.order_number, row.pretty_path, row.object_key, row.bytes) for row in missing[:SAMPLE]],
        is_error=True,
    )


def _picture(objects: ObjectStore, key: str) -> bytes | None:
    try:
        return objects.get(key)
    except OrchestrationError:
        return None  # the finding stands without it
