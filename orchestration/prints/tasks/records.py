"""Recording how the print tasks of a batch ended: their rows, their files, and the notices.

Everything is written in the transaction that settles the queue's tasks. Rows are locked in one order everywhere: print
tasks by id, products, paths, then the queue. Keep out: products and paths themselves (`products`, `paths`), and whether
a task is tried again (the queue's policy).
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.notifications.notice import Notice
from orchestration.prints.orders.order_links import order_link
from orchestration.prints.solid.naming import base_name, pretty_path
from orchestration.prints.tables import print_output
from orchestration.prints.tasks.paths import WantedPath, take_paths
from orchestration.prints.tasks.pending import NOT_REFUSED, NOT_RENDERING
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from orchestration.prints.solid.refusal import Refusal
    from orchestration.prints.solid.request import Request
    from orchestration.prints.statuses import RenderState
    from orchestration.prints.tasks.products import StoredFile, StoredProduct
    from orchestration.prints.tasks.rows import TaskRow
    from orchestration.storage.links import SignedLink

    Sign = Callable[[str, str], SignedLink]

ANNOTATION_LENGTH = 1_000
PRINT_COMPLETED = "print.completed"


class Completed(NamedTuple):
    """A task with its product."""

    row: TaskRow
    request: Request
    product: StoredProduct

    @property
    def review(self) -> str | None:
        """What a person should look at: in the order, in the product, in an order file."""
        note = self.row.import_note
        return "; ".join([*self.request.review, *self.product.notes, *([note] if note else [])]) or None


class Failure(NamedTuple):
    """A task whose attempt failed, with the refusal if that is why."""

    task_id: int
    state: RenderState
    annotation: str
    attempt: int
    refusal: Refusal | None = None


class _Named(NamedTuple):
    """A file of a task under its pretty path."""

    done: Completed
    file: StoredFile
    path: str


# A locked row is passed over, so that it does not hold up the others; its revision is unknown then.
_LOCK = sa.text("""
WITH held AS MATERIALIZED (
    SELECT id, revision FROM print_task WHERE id = ANY (CAST(:ids AS bigint[])) ORDER BY id FOR UPDATE SKIP LOCKED
)
SELECT t.id, held.revision FROM print_task AS t LEFT JOIN held USING (id) WHERE t.id = ANY (CAST(:ids AS bigint[]))""")
_NO_OUTPUTS = sa.text("DELETE FROM print_output WHERE task_id = ANY (CAST(:ids AS bigint[]))")
_COMPLETE = sa.text(f"""
UPDATE print_task AS t SET
    stl_render_state = 'completed', annotation = NULL, render_retries = 0, {NOT_RENDERING}, {NOT_REFUSED},
    stl_path = r.stl_path, product_address = r.product_address, needs_review = r.needs_review,
    review_reason = r.review_reason, updated_at = :now
FROM json_populate_recordset(NULL::print_task, CAST(:rows AS json)) AS r WHERE t.id = r.id""")  # noqa: S608 - our own
_KEEP_FILES = sa.text(f"""
UPDATE print_task AS t SET
    stl_render_state = 'completed', annotation = NULL, render_retries = 0, {NOT_RENDERING}, updated_at = :now
WHERE t.id = ANY (CAST(:ids AS bigint[]))""")  # noqa: S608 - as above
# A task that is completed was completed by another attempt, which counts.
_FAIL = sa.text(f"""
UPDATE print_task AS t SET
    stl_render_state = r.stl_render_state, annotation = r.annotation, render_retries = r.render_retries,
    {NOT_RENDERING}, refused_check = r.refused_check, refused_problem = r.refused_problem,
    refused_remedy = r.refused_remedy, refused_picture = r.refused_picture, updated_at = :now
FROM json_populate_recordset(NULL::print_task, CAST(:rows AS json)) AS r
WHERE t.id = r.id AND t.stl_render_state IN ('pending', 'running')""")  # noqa: S608 - as above
_LEAVE = sa.text(f"""
UPDATE print_task SET stl_render_state = 'pending', {NOT_RENDERING}, updated_at = :now
WHERE id = ANY (ARRAY(
    SELECT id FROM print_task WHERE id = ANY (CAST(:ids AS bigint[])) AND stl_render_state = 'running'
    ORDER BY id FOR UPDATE SKIP LOCKED))""")  # noqa: S608 - as above


class Locked(NamedTuple):
    """The ids of the tasks that this transaction has locked and whose revision is unchanged, and those of others."""

    unchanged: set[int]
    elsewhere: set[int]


def lock_tasks(connection: sa.Connection, rows: Collection[TaskRow]) -> Locked:
    """Lock the tasks; `elsewhere` are those that another transaction has locked."""
    found = connection.execute(_LOCK, {"ids": [row.id for row in rows]})
    revisions = {one.id: one.revision for one in found}
    unchanged = {row.id for row in rows if revisions.get(row.id) == row.revision}
    return Locked(unchanged, {task_id for task_id, revision in revisions.items() if revision is None})


def complete(
    connection: sa.Connection, done: Sequence[Completed], sign: Sign, now: datetime, public_url: str
) -> list[Notice]:
    """Write the tasks' files under their pretty paths, with links; returns the notices.

    `sign` makes the link to a key that is saved under a file name. The notices lead to all prints of their orders.
    """
    if not done:
        return []
    files = _named(connection, done)
    links = {id(one): sign(one.file.object_key, PurePosixPath(one.path).name) for one in files}
    connection.execute(_NO_OUTPUTS, {"ids": [one.row.id for one in done]})
    rows = [_output_row(one, links[id(one)]) for one in files]
    bulk.insert(connection, print_output, rows, columns=tuple(rows[0]))
    stl = {one.done.row.id: one for one in reversed(files) if one.file.kind == "stl"}
    tasks = [_task_row(one, stl[one.row.id].path) for one in done]
    connection.execute(_COMPLETE, {"rows": _json(tasks), "now": now})
    return [_notice(stl[one.row.id], order_link(public_url, one.row.link_token)) for one in done]


def keep_files(connection: sa.Connection, ids: Collection[int], now: datetime) -> None:
    """Complete tasks that keep the files they have."""
    if ids:
        connection.execute(_KEEP_FILES, {"ids": list(ids), "now": now})


def fail(connection: sa.Connection, failures: Sequence[Failure], now: datetime) -> None:
    """Write why the tasks' attempts failed."""
    rows = [
        {
            "id": one.task_id,
            "stl_render_state": one.state,
            "annotation": one.annotation,
            "render_retries": one.attempt,
            **({f"refused_{name}": value for name, value in one.refusal._asdict().items()} if one.refusal else {}),
        }
        for one in failures
    ]
    if rows:
        connection.execute(_FAIL, {"rows": _json(rows), "now": now})


def leave(connection: sa.Connection, ids: Collection[int], now: datetime) -> None:
    """Set running tasks back to pending: their orders changed while they were rendered, or the drain ends first."""
    if ids:
        connection.execute(_LEAVE, {"ids": list(ids), "now": now})


def error_annotation(attempt: int, attempts: int, error: Exception) -> str:
    """The annotation of a failed attempt, in the form of the system before this one."""
    # PostgreSQL stores neither NUL nor lone surrogates.
    text = f"{type(error).__name__}: {error}".replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    reason = text[:ANNOTATION_LENGTH]
    return f"STL render error ({attempt}/{attempts}): {reason}"


def _named(connection: sa.Connection, done: Sequence[Completed]) -> list[_Named]:
    """Every file of the tasks with its path, in the order of the tasks and of their outputs."""
    wanted: list[tuple[Completed, StoredFile, WantedPath]] = []
    for one in done:
        base = base_name(one.request.text, one.row.id)
        for file in one.product.outputs:
            path = pretty_path(one.request.product.folder, base, file.suffix)
            wanted.append((one, file, WantedPath(path, file.sha256, file.object_key)))
    paths = take_paths(connection, [path for _, _, path in wanted])
    return [_Named(one, file, paths[path]) for one, file, path in wanted]


def _output_row(named: _Named, link: SignedLink) -> dict[str, Any]:
    file, done = named.file, named.done
    return {
        "task_id": done.row.id,
        "kind": file.kind,
        "suffix": file.suffix,
        "position": done.product.outputs.index(file),
        "object_key": file.object_key,
        "sha256": file.sha256,
        "bytes": file.bytes,
        "pretty_path": named.path,
        "facts": file.facts,
        "url": link.url,
        "url_expires_at": link.expires_at,
    }


def _task_row(done: Completed, stl_path: str) -> dict[str, Any]:
    return {
        "id": done.row.id,
        "stl_path": stl_path,
        "product_address": done.product.address,
        "needs_review": done.review is not None,
        "review_reason": done.review,
    }


def _notice(stl: _Named, link: str) -> Notice:
    row, request, review = stl.done.row, stl.done.request, stl.done.review
    text = " / ".join(request.shown)
    pieces = f"{row.quantity} x {text}" if row.quantity > 1 else text
    body, lettering = (filament.name for filament in request.filaments)
    ship_by = row.ship_by_date.isoformat() if row.ship_by_date else None
    said = [
        f"{row.marketplace} order {row.order_number}, {row.sku}: {row.quantity} x {text}",
        f"Colours: {body}, text {lettering}",
        *([f"Ship by {ship_by}"] if ship_by else []),
        *([f"To review: {review}"] if review else []),
        f"File: {stl.path}",
    ]
    return Notice(
        key=f"print:{row.id}:{row.revision}",
        event=PRINT_COMPLETED,
        subject=f"Order {row.order_number}: {pieces} is ready to {'review' if review else 'print'}",
        text="\n".join(said),
        data={
            "task_id": row.id,
            "order_number": row.order_number,
            "marketplace": row.marketplace,
            "sku": row.sku,
            "text": row.custom_text,
            "quantity": row.quantity,
            "color_1": body,
            "color_2": lettering,
            "ship_by_date": ship_by,
            "review_reason": review,
            "stl_path": stl.path,
            "outputs": [{"kind": file.kind, "sha256": file.sha256} for file in stl.done.product.outputs],
        },
        shop_order_id=None if row.shipstation_order_id is None else str(row.shipstation_order_id),
        link=link,
    )


def _json(rows: object) -> str:
    return msgspec.json.encode(rows).decode()
