"""The rows of plates: which tasks may be put on one, and which are on one.

A task is on one plate at most: its id is the key of `print_plate_task`. Keep out: packing, files, and what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.prints.tables import print_plate
from orchestration.prints.tasks.pending import JOINED
from orchestration.prints.tasks.products import StoredFile

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from orchestration.prints.statuses import OrderStatus


class ReadyTask(NamedTuple):
    """A print task whose files are rendered, and that waits to be printed."""

    id: int
    order_number: str
    sku: str
    lines: Sequence[str]
    quantity: int
    ship_by_date: date | None
    body_color: str
    text_color: str
    address: str
    outputs: tuple[StoredFile, ...]

    @property
    def name(self) -> str:
        """What its pieces are called on the plate."""
        return f"{' / '.join(self.lines)} ({self.order_number})"


class NewPlate(NamedTuple):
    """A plate to be written, and how many pieces of each task, with its product's address, it holds."""

    body_color: str
    text_color: str
    file: StoredFile
    picture_key: str
    grams: float
    minutes: float
    density: float
    tasks: Sequence[tuple[ReadyTask, int]]


class StoredPlate(NamedTuple):
    """A plate. `orders` are the numbers of those that have a product on it; `changed` counts what is stale there."""

    id: int
    body_color: str
    text_color: str
    products: int
    pieces: int
    grams: float
    minutes: float
    density: float
    ship_by_date: date | None
    orders: Sequence[str]
    tasks: Sequence[int]
    object_key: str
    picture_key: str
    changed: int
    created_at: datetime


_READY = sa.text(f"""
SELECT t.id, o.order_number, p.sku, m.lines, t.quantity, t.ship_by_date, m.body_color, m.text_color, m.address,
    m.outputs
FROM {JOINED} JOIN print_product AS m ON m.address = t.product_address
WHERE t.stl_render_state = 'completed' AND t.status = 'pending' AND o.order_status = ANY (CAST(:statuses AS text[]))
    AND (CAST(:skus AS text[]) IS NULL OR p.sku = ANY (CAST(:skus AS text[])))
    AND (:with_review OR NOT t.needs_review)
    AND NOT EXISTS (SELECT FROM print_plate_task AS q WHERE q.task_id = t.id)
ORDER BY t.ship_by_date NULLS LAST, t.created_at, t.id LIMIT :most""")  # noqa: S608 - of our own constants
_TAKE = sa.text("""
INSERT INTO print_plate_task (task_id, plate_id, pieces, product_address)
SELECT t.id, :plate, w.pieces, w.address
FROM json_to_recordset(CAST(:rows AS json)) AS w (id bigint, pieces int, address text)
JOIN print_task AS t ON t.id = w.id AND t.product_address = w.address AND t.stl_render_state = 'completed'
ORDER BY t.id ON CONFLICT DO NOTHING RETURNING task_id""")
_LIST = sa.text(f"""
SELECT e.id, e.body_color, e.text_color, count(*), sum(q.pieces), e.grams, e.minutes, e.density, min(t.ship_by_date),
    array_agg(DISTINCT o.order_number), array_agg(t.id ORDER BY t.id), e.object_key, e.picture_key,
    count(*) FILTER (WHERE t.product_address IS DISTINCT FROM q.product_address
        OR t.stl_render_state <> 'completed' OR o.order_status <> ALL (CAST(:statuses AS text[]))),
    e.created_at
FROM {JOINED} JOIN print_plate_task AS q ON q.task_id = t.id JOIN print_plate AS e ON e.id = q.plate_id
WHERE (CAST(:ids AS bigint[]) IS NULL OR e.id = ANY (CAST(:ids AS bigint[])))
GROUP BY e.id ORDER BY e.id""")  # noqa: S608 - as above


def ready_tasks(
    connection: sa.Connection,
    statuses: Sequence[OrderStatus],
    *,
    skus: Collection[str] | None,
    with_review: bool,
    most: int,
) -> list[ReadyTask]:
    """The tasks that wait to be printed and are on no plate, the most urgent first."""
    values = {
        "statuses": list(statuses),
        "skus": None if skus is None else list(skus),
        "with_review": with_review,
        "most": most,
    }
    found = connection.execute(_READY, values)
    return [
        ReadyTask(**{**row, "outputs": msgspec.convert(row["outputs"], tuple[StoredFile, ...])})
        for row in found.mappings()
    ]


def write_plate_rows(connection: sa.Connection, plate: NewPlate) -> int | None:
    """Write a plate; its number, or None when one of its tasks has changed or is on another plate by now."""
    values: dict[str, Any] = {
        "body_color": plate.body_color,
        "text_color": plate.text_color,
        "object_key": plate.file.object_key,
        "sha256": plate.file.sha256,
        "bytes": plate.file.bytes,
        "picture_key": plate.picture_key,
        "grams": plate.grams,
        "minutes": plate.minutes,
        "density": plate.density,
    }
    with connection.begin_nested() as attempt:
        number: int = connection.execute(sa.insert(print_plate).values(values).returning(print_plate.c.id)).scalar_one()
        rows = [{"id": task.id, "pieces": pieces, "address": task.address} for task, pieces in plate.tasks]
        taken = connection.execute(_TAKE, {"plate": number, "rows": msgspec.json.encode(rows).decode()}).all()
        if len(taken) == len(rows):
            return number
        attempt.rollback()
    return None


def list_plates(
    connection: sa.Connection, statuses: Sequence[OrderStatus], ids: Collection[int] | None = None
) -> list[StoredPlate]:
    """The plates, oldest first, or those of the numbers."""
    values = {"statuses": list(statuses), "ids": None if ids is None else list(ids)}
    return [StoredPlate(*row) for row in connection.execute(_LIST, values)]


def undo_plates(connection: sa.Connection, ids: Collection[int]) -> list[int]:
    """Take plates back, so that their tasks can be put on others; the numbers of those that there were."""
    found = sa.delete(print_plate).where(print_plate.c.id.in_(list(ids))).returning(print_plate.c.id)
    return sorted(connection.execute(found).scalars())
