"""The prints over HTTP: orders in, print tasks and their files out, rendering again.

It holds the endpoints. Keep out: the work, which the domain's own functions do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import Field

from orchestration.api import print_orders
from orchestration.api.access import ENQUEUES, READS
from orchestration.api.models import (
    USUAL_PAGE,
    AfterNumber,
    ApiModel,
    Limit,
    Name,
    Number,
    Page,
    PathNumber,
    example,
    page_of,
)
from orchestration.api.models import Body as BodyModel
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router, takes_bytes
from orchestration.api.work import ACCEPTED, EnqueuerWork, RequestId
from orchestration.errors import ConfigurationError, InvalidInputError, NotFoundError
from orchestration.prints.orders.csv_rows import read_csv, read_mappings
from orchestration.prints.orders.importing import Imported
from orchestration.prints.orders.listing import OrderFilter, list_tasks, sku_statuses
from orchestration.prints.requests import RENDER
from orchestration.prints.solid.sku import UnsupportedSkuError, product_for
from orchestration.prints.statuses import OrderStatus, PrintStatus, RenderState
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.reset import TaskSelection, refresh, retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.prints.orders.importing import ImportReport
    from orchestration.prints.orders.listing import ListedTask, SkuStatus
    from orchestration.prints.prints import Prints
    from orchestration.requests.requests import WorkRequest

MOST_ROWS, MOST_SKUS = 10_000, 1_000
LARGEST_IMPORT = 32 * 2**20
_CSV = "order_number,sku,text\n1001,Y3D-NKC-002,Zoë\n"


class OrderRows(BodyModel):
    """Rows of orders: cells by column, as in the CSV file; one row is one print task."""

    model_config = example(rows=[{"order_number": "1001", "sku": "Y3D-NKC-002", "text": "Zoë", "quantity": 2}])

    rows: list[dict[Annotated[str, Field(max_length=100)], str | int | float | None]] = Field(
        min_length=1, max_length=MOST_ROWS
    )


class RowModel(ApiModel):
    """What happened to a row; a refused one names the column that is wrong, the problem and the remedy."""

    row: int
    outcome: Imported
    order_number: str
    column: str
    problem: str
    remedy: str


class ImportModel(ApiModel):
    """What happened to the rows, and how many print tasks were queued."""

    model_config = example(
        imported=1, changed=0, unchanged=0, refused=0, queued=1,
        rows=[{"row": 1, "outcome": "imported", "orderNumber": "1001", "column": "", "problem": "", "remedy": ""}],
    )  # fmt: skip

    imported: int
    changed: int
    unchanged: int
    refused: int
    queued: int
    rows: list[RowModel]


class FileModel(ApiModel):
    """A file of a print task, with a link that works for a while."""

    kind: str
    path: str = Field(description="Its name for people")
    key: str
    sha256: str
    bytes: int
    url: str
    url_expires_at: datetime


class TaskModel(ApiModel):
    """A print task with its order and its files."""

    model_config = example(
        taskId=41, marketplace="shop", orderNumber="1001", orderStatus="awaiting_shipment", customerName=None,
        sku="Y3D-NKC-002", text="Zoë", color1=None, color2=None, quantity=2, status="pending",
        renderState="completed", retries=0, annotation=None, reviewReason=None, stlPath="style3-tag/Z/Zo.stl",
        outputs=[
            {
                "kind": "stl", "path": "style3-tag/Z/Zo.stl", "key": "prints/ab/ab12.stl", "sha256": "ab12",
                "bytes": 84_684, "url": "http://127.0.0.1:3001/objects/prints/ab/ab12.stl?expires=1&signature=c0",
                "urlExpiresAt": "2026-02-08T08:00:00Z",
            }
        ],
    )  # fmt: skip

    task_id: int
    marketplace: str
    order_number: str
    order_status: OrderStatus
    customer_name: str | None
    sku: str
    text: str
    color_1: str | None = Field(alias="color1")
    color_2: str | None = Field(alias="color2")
    quantity: int
    status: PrintStatus
    render_state: RenderState
    retries: int
    annotation: str | None
    review_reason: str | None
    stl_path: str | None
    outputs: list[FileModel]


class SkuModel(ApiModel):
    """How many print tasks of a SKU are where."""

    model_config = example(
        sku="Y3D-NKC-002", pending=0, running=0, completed=12, failed=0, refused=1, toReview=0,
        lastCompletedAt="2026-02-01T08:00:00Z",
    )  # fmt: skip

    sku: str
    pending: int
    running: int
    completed: int
    failed: int
    refused: int
    to_review: int
    last_completed_at: datetime | None


class Selection(BodyModel):
    """Which print tasks go back to pending: one, those of some SKUs, or without either all that have a design."""

    model_config = example(taskId=41, force=True)

    task_id: Number | None = None
    skus: list[Name] | None = Field(None, min_length=1, max_length=MOST_SKUS)
    force: bool = Field(default=False, description="Render again even what has been rendered before")
    skip_if_exists: bool = Field(default=False, description="Keep the files of tasks that have all of them")
    all_orders: bool = Field(default=False, description="Also for orders that do not await shipment")


class Pending(ApiModel):
    """The print tasks that are pending now."""

    model_config = example(pending=1, tasks=[41])

    pending: int
    tasks: list[int]


class Render(BodyModel):
    """What to render now: the pending tasks of these SKUs, or one task; nothing named: what is due."""

    model_config = example(skus=["Y3D-NKC-002"], requestId="req-0001")

    skus: list[Name] = Field(default_factory=list, max_length=MOST_SKUS)
    task: Number | None = None
    force: bool = False
    request_id: RequestId = None


def router(prints: Prints) -> APIRouter:
    """The endpoints of the prints."""
    api = guarded_router("prints")
    _add_orders(api, prints)
    _add_tasks(api, prints)
    _add_rendering(api, prints)
    api.include_router(print_orders.router(prints))
    return api


def _add_orders(api: APIRouter, prints: Prints) -> None:
    @api.post(
        "/api/prints/orders",
        response_model=ImportModel,
        dependencies=[ENQUEUES],
        openapi_extra=takes_bytes(LARGEST_IMPORT),
    )
    def import_rows(body: OrderRows) -> dict[str, Any]:
        """Import orders, and queue what is to be rendered. A row that is wrong is refused; the others are imported."""
        return _report(prints.import_orders(list(read_mappings(body.rows))))

    @api.post(
        "/api/prints/orders/csv",
        response_model=ImportModel,
        dependencies=[ENQUEUES],
        openapi_extra=takes_bytes(LARGEST_IMPORT),
    )
    def import_csv(
        body: Annotated[bytes, Body(media_type="text/csv", openapi_examples={"one": {"value": _CSV}})],
    ) -> dict[str, Any]:
        """Import a CSV file in UTF-8; its columns are those of the command `orders import`."""
        return _report(prints.import_orders(list(read_csv(body))))

    @api.get("/api/prints/skus", response_model=Page[SkuModel], dependencies=[READS])
    def read_skus() -> dict[str, list[SkuStatus]]:
        """Each SKU that was ever ordered, with how many of its print tasks are where."""
        with prints.database.begin() as connection:
            return {"items": sku_statuses(connection)}


def _add_tasks(api: APIRouter, prints: Prints) -> None:
    @api.get("/api/prints/tasks", response_model=Page[TaskModel], dependencies=[READS])
    def read_tasks(
        *,
        status: Annotated[OrderStatus | None, Query(description="Of orders in this status")] = None,
        state: Annotated[RenderState | None, Query(description="Whose files are in this state")] = None,
        sku: Annotated[Name | None, Query()] = None,
        marketplace: Annotated[Name | None, Query()] = None,
        text: Annotated[Name | None, Query(description="Part of the text, or of the order's number")] = None,
        after: AfterNumber = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """Print tasks with their orders and files, newest first."""
        wanted = OrderFilter(status, state, sku, marketplace, text, limit + 1, after)
        with prints.database.connect() as connection:
            found = list_tasks(connection, wanted)
        page = page_of(found, limit, lambda one: one.task_id)
        return {**page, "items": [_with_links(prints, one) for one in page["items"]]}

    @api.get(
        "/api/prints/tasks/{number}",
        response_model=TaskModel,
        dependencies=[READS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def read_task(number: PathNumber) -> dict[str, Any]:
        """One print task, with links to its files."""
        with prints.database.connect() as connection:
            found = list_tasks(connection, OrderFilter(task_id=number))
        if not found:
            raise NotFoundError(f"There is no print task {number}")
        return _with_links(prints, found[0])


def _add_rendering(api: APIRouter, prints: Prints) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.post("/api/prints/refresh", response_model=Pending, dependencies=[ENQUEUES], responses=missing)
    def refresh_tasks(body: Selection) -> dict[str, Any]:
        """Send print tasks back to pending, done ones too, and queue them."""
        with prints.database.begin() as connection:
            return _pending(
                lambda: refresh(connection, prints.print_queue, prints.statuses, _selected(body), _options(body))
            )

    @api.post("/api/prints/retry", response_model=Pending, dependencies=[ENQUEUES], responses=missing)
    def retry_tasks(body: Selection) -> dict[str, Any]:
        """Send failed print tasks back to pending, and queue them."""
        with prints.database.begin() as connection:
            return _pending(
                lambda: retry(connection, prints.print_queue, prints.statuses, _selected(body), _options(body))
            )

    @api.post("/api/prints/render", **ACCEPTED)
    def render_tasks(body: Render, work: EnqueuerWork) -> WorkRequest:
        """Render print tasks now, in a run of their own."""
        _check_skus(body.skus)
        return work.start(RENDER, {"skus": body.skus, "task": body.task, "force": body.force}, body.request_id)


def _report(report: ImportReport) -> dict[str, Any]:
    counts = {outcome.value: report.count(outcome) for outcome in Imported}
    return {**counts, "queued": report.queued, "rows": report.rows}


def _with_links(prints: Prints, task: ListedTask) -> dict[str, Any]:
    """The task with links that are signed now: those that were stored with its files may be over."""
    files = []
    for output in task.outputs:
        name = PurePosixPath(output["path"]).name
        link = prints.services.links.sign(output["key"], now=datetime.now(UTC), filename=name)
        files.append({**output, "url": link.url, "url_expires_at": link.expires_at})
    return {**task._asdict(), "outputs": files}


def _selected(body: Selection) -> TaskSelection:
    _check_skus(body.skus or ())
    return TaskSelection(body.task_id, body.skus)


def _options(body: Selection) -> RenderOptions:
    return RenderOptions(body.force, body.skip_if_exists, body.all_orders)


def _pending(reset: Callable[[], list[int]]) -> dict[str, Any]:
    try:
        ids = reset()
    except ConfigurationError as error:  # a task that does not exist, or has no design
        raise NotFoundError(str(error)) from error
    return {"pending": len(ids), "tasks": ids}


def _check_skus(skus: Sequence[str]) -> None:
    for sku in skus:
        try:
            product_for(sku)
        except UnsupportedSkuError as error:
            raise InvalidInputError(str(error)) from error
