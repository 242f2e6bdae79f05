"""The pages of queues: one queue whole, its tasks by state, one task, and the workers.

Keep out: what can be done (`queue_actions`), errors and bulk actions (`trouble_pages`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.figures import QueueFigures, queue_figures
from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.parts import (
    Button,
    Cell,
    Choice,
    Kind,
    Page,
    Row,
    Section,
    Table,
    code,
    moment,
    number,
    progress,
    state,
    text,
)
from orchestration.admin.places import asset_address, item_address, run_address, run_cell, task_address
from orchestration.admin.shown import pretty, span
from orchestration.api.models import cursor_of, parts_of
from orchestration.errors import NotFoundError
from orchestration.work_queue.browsing import ListedTask, list_tasks, slowest_tasks
from orchestration.work_queue.statistics import OutcomeStatistics, quantile

if TYPE_CHECKING:
    from fastapi import APIRouter

    from orchestration.admin.frame import Frame
    from orchestration.work_queue.model import TaskStatus, WorkerStatus
    from orchestration.work_queue.queue import TaskQueue

STATES: Final = ("waiting", "active", "dead", "completed", "cancelled")
_WINDOW_HOURS: Final = 24
_QUANTILES: Final = (0.5, 0.95, 0.99)

_QUEUE_COLUMNS = (
    "Queue",
    "State",
    "Waiting",
    "Active",
    "Delayed",
    "Dead",
    "Oldest",
    "Promise",
    "Succeeded, 24\u00a0h",
    "Failed tasks, 24\u00a0h",
    "Failed attempts, 24\u00a0h",
    "Workers",
)
_TASK_COLUMNS = ("Task", "State", "Progress", "Attempts", "Group", "Error", "When", "Made", "Run")


def add_queue_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of queues, tasks and workers."""
    _add_lists(pages, frame)
    _add_details(pages, frame)


def _add_lists(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/queues")
    def show_queues(request: Request, visitor: Looking) -> Response:
        with frame.reading() as connection:
            figures = queue_figures(connection, frame.domains.queues, _WINDOW_HOURS)
        table = Table(_QUEUE_COLUMNS, [_figures_row(one) for one in figures])
        lead = "Failed tasks are dead letters; failed attempts are those too that were tried again by themselves."
        page = Page(
            "Queues", [Section("All queues, in the order in which work flows", table=table)], lead, is_live=True
        )
        return frame.show(request, visitor, page)

    @pages.get("/admin/workers")
    def show_workers(request: Request, visitor: Looking) -> Response:
        with frame.reading() as connection:
            workers = [one for queue in frame.domains.queues for one in queue.workers(connection)]
        rows = [_worker_row(frame, one) for one in workers]
        columns = ("Number", "Queue", "State", "Host", "Process", "Tasks", "Since", "Last seen", "Run")
        empty = "No drain is up; Dagster's sensors start one when there is work."
        sections = [Section("Those that were lost are listed for a day", table=Table(columns, rows, empty))]
        return frame.show(request, visitor, Page("Workers", sections, is_live=True))

    @pages.get("/admin/queues/{name}/tasks")
    def show_tasks(request: Request, visitor: Looking, name: str) -> Response:
        queue = _queue(frame, name)
        pick = Button("dead.replay", {"queue": name, "chosen": "yes"}, "Replay those chosen")
        chosen = request.query_params.get("state", "")
        is_dead = chosen == "dead"
        page = ListPage(
            f"Tasks of {name}",
            f"queues/{name}/tasks",
            ("", *_TASK_COLUMNS) if is_dead else _TASK_COLUMNS,
            (Choice("state", "State", STATES), Choice("fingerprint", "Error's fingerprint")),
            partial(_read_tasks, frame, queue, is_pickable=is_dead),
            pick=pick if is_dead else None,
            lead="Without a state: those that are being worked on. Payloads are on the page of each task.",
            empty="No task is in this state.",
        )
        return show_list(frame, request, visitor, page)


def _add_details(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/queues/{name}")
    def show_queue(request: Request, visitor: Looking, name: str) -> Response:
        queue = _queue(frame, name)
        with frame.reading() as connection:
            figures = queue_figures(connection, [queue], _WINDOW_HOURS)[0]
            sections = [_counts(figures), _durations(queue.statistics(connection, 3600 * _WINDOW_HOURS), queue)]
            slow = slowest_tasks(connection, name)
            active = list_tasks(connection, name, "active", limit=20)
        rows = [
            Row(
                (
                    code(one.key, href=task_address(name, one.key)),
                    Cell(one.ran_seconds, Kind.SECONDS),
                    Cell(one.waited_seconds, Kind.SECONDS),
                    moment(one.finished_at),
                )
            )
            for one in slow
        ]
        busy = [_task_row(frame, name, one) for one in active]
        working = Table(_TASK_COLUMNS, busy, "Nothing just now.")
        more = (address("queues", name, "tasks", state="active"), "All")
        sections.insert(1, Section("Being worked on", table=working, more=more))
        note = "Among the newest 5,000 that are kept."
        sections.append(
            Section("Slowest ten", table=Table(("Task", "Ran", "Waited", "Ended"), rows, "None yet."), note=note)
        )
        return frame.show(request, visitor, _queue_page(frame, queue, figures, sections))

    @pages.get("/admin/queues/{name}/task")
    def show_task(request: Request, visitor: Looking, name: str, key: str = "") -> Response:
        queue = _queue(frame, name)
        with frame.reading() as connection:
            task = queue.task(connection, key)
        if task is None:
            raise NotFoundError(f"{name} holds no task {key}; one that ended long ago is no longer kept")
        return frame.show(request, visitor, _task_page(frame, queue, task))


def _queue_page(frame: Frame, queue: TaskQueue, figures: QueueFigures, sections: list[Section]) -> Page:
    name = queue.name
    links = [(one, address("queues", name, "tasks", state=one)) for one in STATES]
    links += [("errors", address("errors", queue=name)), ("asset in Dagster", asset_address(frame.domains, name))]
    buttons = [Button("queue.resume" if figures.pause else "queue.pause", {"queue": name})]
    if figures.dead:
        buttons.append(Button("dead.replay", {"queue": name}, f"Replay all {figures.dead} dead"))
    paused = f"Paused by {figures.pause.paused_by}. " if figures.pause else ""
    retry = queue.policy.retry
    waits = ", ".join(span(one) for one in retry.waits()[:4])
    lead = (
        f"{paused}{retry.attempts} attempts{f', after waits of {waits}' if waits else ''}; a lease of "
        f"{span(queue.policy.lease_seconds)}; a due task begins within {span(queue.policy.promise_seconds)}."
    )
    return Page(name, sections, lead, "paused" if figures.pause else None, links, buttons, is_live=True)


def _counts(one: QueueFigures) -> Section:
    facts = [
        ("Waiting", number(one.waiting)),
        ("Active", number(one.active)),
        ("Delayed", number(one.delayed)),
        ("Dead", number(one.dead)),
        ("Completed, kept", number(one.completed)),
        ("Cancelled", number(one.cancelled)),
        ("Oldest is due for", Cell(one.oldest_seconds, Kind.SECONDS)),
        ("Workers", number(one.workers)),
        ("Succeeded in 24 h", number(one.succeeded)),
        ("Failed tasks in 24 h", number(one.failed)),
        ("Failed attempts in 24 h", number(one.failed_attempts)),
        ("Last took", Cell(one.last_seconds, Kind.SECONDS)),
    ]
    return Section("Now", facts=facts)


def _durations(outcomes: list[OutcomeStatistics], queue: TaskQueue) -> Section:
    """Waiting and running as p50, p95 and p99, of tasks that completed."""
    done = next((one for one in outcomes if one.outcome == "completed"), None)
    rows = []
    for words, counts in (("Waited", done and done.waited), ("Ran", done and done.ran)):
        cells = [Cell(quantile(counts, share) if counts else None, Kind.SECONDS) for share in _QUANTILES]
        promise = Cell(queue.policy.promise_seconds, Kind.SECONDS) if words == "Waited" else Cell(None, Kind.SECONDS)
        rows.append(Row((text(words), *cells, promise)))
    table = Table(("Of a task", "p50", "p95", "p99", "Promise"), rows)
    note = f"Of {done.tasks if done else 0} tasks that completed in the last {_WINDOW_HOURS} hours."
    return Section("Waiting and running", table=table, note=note)


def _read_tasks(frame: Frame, queue: TaskQueue, connection: sa.Connection, query: Query, *, is_pickable: bool) -> Found:
    chosen = query.get("state") or "active"
    after = parts_of(query.after) if query.after else None
    found = list_tasks(
        connection,
        queue.name,
        chosen if chosen in STATES else "active",
        fingerprint=query.get("fingerprint"),
        after=after,
        limit=query.limit + 1,
    )

    def row(one: ListedTask) -> Row:
        made = _task_row(frame, queue.name, one)
        return Row((Cell(one.key, Kind.PICK), *made.cells), made.buttons) if is_pickable else made

    return paged(found, query.limit, row, lambda one: cursor_of(one.at.isoformat(), str(one.id)))


def _task_row(frame: Frame, queue: str, one: ListedTask) -> Row:
    page = item_address(frame.domains, queue, one.key)
    error = f"{one.reason}: {one.error}" if one.reason else one.error
    cells = (
        code(one.key, href=task_address(queue, one.key)),
        state(one.state),
        progress(one.percent, one.step),
        number(one.attempt),
        text(one.grouping),
        text(error),
        moment(one.at),
        text("what it makes", href=page) if page else text(None),
        run_cell(frame.services.settings, one.run_id),
    )
    return Row(cells)


def _task_page(frame: Frame, queue: TaskQueue, task: TaskStatus) -> Page:
    page = item_address(frame.domains, queue.name, task.key)
    links = [("queue", address("queues", queue.name)), ("timeline", address("timeline", q=task.key))]
    links += [("what it makes", page)] if page else []
    links += [("its run in Dagster", run_address(frame.services.settings, task.run_id))] if task.run_id else []
    links += [("asset in Dagster", asset_address(frame.domains, queue.name))]
    where = {"queue": queue.name, "key": task.key}
    buttons = []
    if task.state == "dead":
        buttons.append(Button("task.replay", where))
    if task.state in {"waiting", "active"}:
        buttons.append(Button("task.cancel", where))
    facts = [
        ("Group", text(task.grouping)),
        ("Attempts", number(task.attempt)),
        ("Replays", number(task.replays)),
        ("Progress", progress(task.percent)),
        ("Step", text(task.step)),
        ("Message", text(task.message)),
        ("Enqueued", moment(task.enqueued_at)),
        ("Due", moment(task.due_at)),
        ("Claimed", moment(task.claimed_at)),
        ("Ended", moment(task.finished_at)),
        ("Reason", text(task.reason)),
    ]
    sections = [Section("Task", facts=facts)]
    if task.error:
        sections.append(Section("Last error", text=task.error))
    if task.first_error and task.first_error != task.error:
        sections.append(Section("First error", text=task.first_error, facts=[("At", moment(task.first_failed_at))]))
    if task.history:
        sections.append(Section("Earlier deaths", text=pretty(task.history)))
    sections += [Section("Payload", text=pretty(task.payload))]
    sections += [Section("Result", text=pretty(task.result))] if task.result is not None else []
    return Page(task.key, sections, None, task.state, links, buttons, is_live=task.state in {"waiting", "active"})


def _worker_row(frame: Frame, one: WorkerStatus) -> Row:
    return Row(
        (
            number(one.number),
            text(one.queue, href=address("queues", one.queue)),
            state("alive" if one.is_alive else "lost"),
            text(one.host),
            text(one.pid),
            number(one.tasks),
            moment(one.started_at),
            moment(one.seen_at),
            run_cell(frame.services.settings, one.run_id),
        )
    )


def _figures_row(one: QueueFigures) -> Row:
    word = "paused" if one.pause else "late" if one.is_late else None
    name = one.name
    dead = number(one.dead, href=address("errors", queue=name) if one.dead else None)
    return Row(
        (
            text(name, href=address("queues", name)),
            state(word),
            number(one.waiting),
            number(one.active),
            number(one.delayed),
            dead,
            Cell(one.oldest_seconds, Kind.SECONDS),
            Cell(one.promise_seconds, Kind.SECONDS),
            number(one.succeeded),
            number(one.failed),
            number(one.failed_attempts),
            number(one.workers),
        ),
        (Button("queue.resume" if one.pause else "queue.pause", {"queue": name}),),
    )


def _queue(frame: Frame, name: str) -> TaskQueue:
    found: dict[str, Any] = {queue.name: queue for queue in frame.domains.queues}
    if name not in found:
        raise NotFoundError(f"There is no queue {name}; there are {', '.join(found)}")
    queue: TaskQueue = found[name]
    return queue
