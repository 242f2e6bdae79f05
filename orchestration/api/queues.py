"""The work queues over HTTP: counts, workers, single tasks, dead letters, pausing.

It holds the endpoints. Keep out: the queues, which each domain has.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import Field

from orchestration.api.access import ADMINISTERS, READS, Admin
from orchestration.api.models import USUAL_PAGE, ApiModel, Body, Limit, LongName, Page, PathName, example
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.errors import ConfigurationError, ConflictError, NotFoundError
from orchestration.work_queue.model import TaskState
from orchestration.work_queue.pausing import Pause, pause, pauses, resume

if TYPE_CHECKING:
    from orchestration.domains import Domains
    from orchestration.work_queue.model import DeadTask, TaskStatus, WorkerStatus
    from orchestration.work_queue.queue import TaskQueue

TaskKey = Annotated[LongName, Query(description="The task's key")]
# Keys that one replay may name; without keys it takes all.
MOST_KEYS = 1_000


class PauseModel(ApiModel):
    """Since when a queue is paused, and by whom."""

    paused_at: datetime
    paused_by: str


class QueueModel(ApiModel):
    """A queue: how many of its tasks are where. `failed` ones are the dead letters."""

    model_config = example(
        name="mirror", waiting=3, active=1, completed=120, failed=0, delayed=2, cancelled=0,
        oldestSeconds=0.4, nextDueSeconds=12.5, workers=1, pause=None,
    )  # fmt: skip

    name: str
    waiting: int
    active: int
    completed: int
    failed: int
    delayed: int
    cancelled: int
    oldest_seconds: float | None
    next_due_seconds: float | None
    workers: int
    pause: PauseModel | None


class TaskModel(ApiModel):
    """A task, also one that ended, as long as it is kept."""

    model_config = example(
        id=7, key="g1", state="completed", grouping="u1", payload={"op": "upsert"}, attempt=1, percent=100.0,
        step=None, message=None, result=None, reason=None, error=None, firstError=None, firstFailedAt=None, replays=0,
        history=[], isCancelRequested=False, enqueuedAt="2026-02-01T08:00:00Z", dueAt="2026-02-01T08:00:00Z",
        claimedAt="2026-02-01T08:00:01Z", finishedAt="2026-02-01T08:00:02Z",
        runId="6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d",
    )  # fmt: skip

    id: int
    key: str
    state: TaskState
    grouping: str | None
    payload: Any
    attempt: int
    percent: float | None
    step: str | None
    message: str | None
    result: Any
    reason: str | None
    error: str | None
    first_error: str | None
    first_failed_at: datetime | None
    replays: int
    history: list[dict[str, Any]]
    is_cancel_requested: bool
    enqueued_at: datetime
    due_at: datetime
    claimed_at: datetime | None
    finished_at: datetime | None
    run_id: str | None = Field(description="The Dagster run of the worker that claimed it last")


class DeadLetterModel(ApiModel):
    """A task that is not tried again by itself."""

    model_config = example(
        key="g1", grouping="u1", payload={"op": "upsert"}, attempt=5, reason="attempts used up",
        error="TransientError: no answer", finishedAt="2026-02-01T08:09:00Z", firstError="TransientError: no answer",
        firstFailedAt="2026-02-01T08:00:02Z", replays=0,
    )  # fmt: skip

    key: str
    grouping: str | None
    payload: Any
    attempt: int
    reason: str
    error: str | None
    finished_at: datetime
    first_error: str | None
    first_failed_at: datetime | None
    replays: int


class WorkerModel(ApiModel):
    """A worker of a queue."""

    model_config = example(
        number=4, queue="mirror", host="worker-1", pid=812, runId="6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d",
        startedAt="2026-02-01T07:00:00Z", seenAt="2026-02-01T08:00:00Z", tasks=2, isAlive=True,
    )  # fmt: skip

    number: int
    queue: str
    host: str
    pid: int
    run_id: str | None
    started_at: datetime
    seen_at: datetime
    tasks: int
    is_alive: bool


class Replay(Body):
    """Which dead letters begin again: these, or all."""

    model_config = example(keys=["g1"], dryRun=True)

    keys: list[LongName] | None = Field(None, max_length=MOST_KEYS)
    dry_run: bool = Field(default=False, description="Only say how many")


class Replayed(ApiModel):
    """How many dead letters begin again, or would."""

    model_config = example(queue="mirror", replayed=1, dryRun=True)

    queue: str
    replayed: int
    dry_run: bool


class PauseChange(ApiModel):
    """Whether a queue is paused; `changed` is false when it was so before."""

    model_config = example(queue="mirror", paused=True, changed=True)

    queue: str
    paused: bool
    changed: bool


class Cancelled(ApiModel):
    """What a cancelled task is now: `cancelled`, or `active` until its worker has stopped it."""

    model_config = example(queue="mirror", key="g1", state="cancelled")

    queue: str
    key: str
    state: TaskState


def router(domains: Domains) -> APIRouter:
    """The endpoints of queues and workers."""
    api = guarded_router("queues")
    _add_reading(api, domains)
    _add_operating(api, domains)
    return api


def _add_reading(api: APIRouter, domains: Domains) -> None:
    services, missing = domains.services, documented(HTTPStatus.NOT_FOUND)

    @api.get("/api/queues", response_model=Page[QueueModel], dependencies=[READS])
    def read_queues() -> dict[str, Any]:
        """Every queue with its counts, in the order in which work flows."""
        with services.database.connect() as connection:
            paused = pauses(connection)
            return {"items": [_status(connection, queue, paused) for queue in domains.queues]}

    @api.get("/api/queues/{name}", response_model=QueueModel, dependencies=[READS], responses=missing)
    def read_queue(name: PathName) -> dict[str, Any]:
        """One queue with its counts."""
        queue = _queue(domains, name)
        with services.database.connect() as connection:
            return _status(connection, queue, pauses(connection))

    @api.get("/api/queues/{name}/task", response_model=TaskModel, dependencies=[READS], responses=missing)
    def read_task(name: PathName, key: TaskKey) -> TaskStatus:
        """One task: where it is, its progress, its result or errors."""
        queue = _queue(domains, name)
        with services.database.connect() as connection:
            task = queue.task(connection, key)
        if task is None:
            raise NotFoundError(f"The queue {name} holds no such task; one that ended long ago is no longer kept")
        return task

    @api.get("/api/queues/{name}/dead", response_model=Page[DeadLetterModel], dependencies=[READS], responses=missing)
    def read_dead_letters(name: PathName, limit: Limit = USUAL_PAGE) -> dict[str, list[DeadTask]]:
        """The newest dead letters."""
        queue = _queue(domains, name)
        with services.database.connect() as connection:
            return {"items": queue.dead(connection, limit)}

    @api.get("/api/workers", response_model=Page[WorkerModel], dependencies=[READS])
    def read_workers() -> dict[str, list[WorkerStatus]]:
        """The workers of all queues; those that were lost are listed for a day."""
        with services.database.connect() as connection:
            return {"items": [worker for queue in domains.queues for worker in queue.workers(connection)]}


def _add_operating(api: APIRouter, domains: Domains) -> None:
    services, missing = domains.services, documented(HTTPStatus.NOT_FOUND)

    @api.post(
        "/api/queues/{name}/dead/replay",
        response_model=Replayed,
        dependencies=[ADMINISTERS],
        responses=missing | documented(HTTPStatus.CONFLICT),
    )
    def replay_dead_letters(name: PathName, body: Replay) -> dict[str, Any]:
        """Let dead letters begin again; with `dryRun` only say how many."""
        queue = _queue(domains, name)
        with services.database.begin() as connection:
            try:
                replayed = queue.replay(connection, body.keys, dry_run=body.dry_run)
            except ConfigurationError as error:  # this queue has a way of its own
                raise ConflictError(str(error)) from error
        return {"queue": name, "replayed": replayed, "dry_run": body.dry_run}

    @api.post("/api/queues/{name}/pause", response_model=PauseChange, responses=missing)
    def pause_queue(name: PathName, caller: Admin) -> dict[str, Any]:
        """Let no more tasks be claimed; what is being worked on goes on, and new tasks come in."""
        queue = _queue(domains, name)
        with services.database.begin() as connection:
            return {"queue": name, "paused": True, "changed": pause(connection, queue, by=f"api:{caller.name}")}

    @api.post("/api/queues/{name}/resume", dependencies=[ADMINISTERS], response_model=PauseChange, responses=missing)
    def resume_queue(name: PathName) -> dict[str, Any]:
        """Let the queue's tasks be claimed again."""
        queue = _queue(domains, name)
        with services.database.begin() as connection:
            return {"queue": name, "paused": False, "changed": resume(connection, queue)}

    @api.post("/api/queues/{name}/task/cancel", dependencies=[ADMINISTERS], response_model=Cancelled, responses=missing)
    def cancel_task(name: PathName, key: TaskKey) -> dict[str, Any]:
        """Cancel one task; one that is being worked on is stopped by its worker."""
        queue = _queue(domains, name)
        with services.database.begin() as connection:
            state = queue.request_cancel(connection, key)
        if state is None:
            raise NotFoundError(f"The queue {name} holds no unfinished task of that key; nothing was cancelled")
        return {"queue": name, "key": key, "state": state}


def _queue(domains: Domains, name: str) -> TaskQueue:
    queues = {queue.name: queue for queue in domains.queues}
    if name not in queues:
        raise NotFoundError(f"There is no queue {name}; there are {', '.join(queues)}")
    return queues[name]


def _status(connection: sa.Connection, queue: TaskQueue, paused: dict[str, Pause]) -> dict[str, Any]:
    workers = sum(worker.is_alive for worker in queue.workers(connection))
    counts = asdict(queue.counts(connection))
    return {**counts, "name": queue.name, "workers": workers, "pause": paused.get(queue.name)}
