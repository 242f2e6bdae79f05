"""Recording a render job while it is made: its begin, each step, and its end with the queue's task.

Each method is one transaction, which first makes sure that the task is still held: what a worker does that was taken
for dead is refused whole. The queue's task is locked before the job everywhere. Keep out: making pictures (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from orchestration.mockups.jobs.model import REUSED_FROM, JobChange, JobResults
from orchestration.mockups.jobs.pending import CANCELLED, fail_job
from orchestration.mockups.jobs.records import JobNotFoundError, change_job, lock_job, save_outputs
from orchestration.mockups.jobs.rows import Reusable, outputs_of, reusable_outputs
from orchestration.mockups.statuses import JobStatus
from orchestration.mockups.tables import render_job, render_output
from orchestration.mockups.tasks import steps
from orchestration.mockups.tasks.outcomes import RenderedJob, Rendering
from orchestration.observability.logs import about, get_logger
from orchestration.work_queue.model import Outcome, StaleClaimError, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from orchestration.mockups.jobs.model import RenderJob, StoredOutput
    from orchestration.mockups.mockup_request import MockupRequest, StageName
    from orchestration.storage.objects import ObjectStore
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()


class Plan(NamedTuple):
    """What is going to be made for a job; `design_key` is set when its design was stored just now."""

    job: RenderJob
    request: MockupRequest
    address: str
    design_key: str | None = None


class Done(NamedTuple):
    """How an attempt at a task ended. Without a job there was nothing to do; `reused_from` is where all files are from.

    `milliseconds` is what the attempt took for each stage, empty when nothing was made.
    """

    task: Task
    job: RenderJob | None = None
    error: Exception | None = None
    milliseconds: Mapping[StageName, float] = {}
    reused_from: str | None = None


class Begun(NamedTuple):
    """The outputs that a job has when its attempt begins, and the job that some of them were taken over from."""

    outputs: Sequence[StoredOutput]
    reused_from: str | None = None


class JobRecorder:
    """Writes what happens to the jobs of a claim; `clock` gives the time."""

    def __init__(self, queue: TaskQueue, objects: ObjectStore, clock: Callable[[], datetime]) -> None:
        self._queue = queue
        self._objects = objects
        self._clock = clock

    def begin(self, claim: Claim[RenderedJob], task: Task, plan: Plan) -> Begun:
        """Move the job to the state of what is there: its own outputs, and equal ones of other jobs.

        Raises `JobNotFoundError` when the job was deleted or has ended meanwhile.
        """
        job, now = plan.job, self._clock()
        with claim.transaction() as connection:
            self._hold(connection, task)
            row = _active(connection, job.id)
            own = _own_outputs(connection, row, plan.address)
            found = None if job.options.is_fresh else reusable_outputs(connection, plan.address, but=job.id)
            taken = self._taken_over(plan, own, found)
            save_outputs(connection, job.id, taken)
            if row.status == JobStatus.PENDING:
                change = JobChange(job.id, status=JobStatus.COMPOSITING, design_key=plan.design_key or UNSET)
                change = msgspec.structs.replace(change, metadata=_start(plan, now))
                change_job(connection, change, JobResults(), now)
            connection.execute(_ADDRESS, {"id": job.id, "address": plan.address})
            _advance(connection, plan, [*own, *taken], now)
        return Begun([*own, *taken], found.job_id if found and taken else None)

    def _hold(self, connection: sa.Connection, task: Task) -> None:
        """Keep the task; another step of the same job may have it just now, and is waited for."""
        if not self._queue.lock(connection, [task], wait=True):
            raise StaleClaimError([task])

    def _taken_over(self, plan: Plan, own: Sequence[StoredOutput], found: Reusable | None) -> list[StoredOutput]:
        """Those of the outputs that were found which the job needs, if the object store has them whole."""
        missing = steps.missing_steps(plan.request, own)
        wanted = [one for one in found.outputs if steps.step_of(one.kind, one.angle) in missing] if found else []
        lost = {steps.step_of(one.kind, one.angle) for one in wanted if self._objects.size(one.object_key) != one.bytes}
        return [one for one in wanted if steps.step_of(one.kind, one.angle) not in lost]

    def keep(self, claim: Claim[RenderedJob], task: Task, plan: Plan, outputs: Sequence[StoredOutput]) -> None:
        """Write the outputs of a step, and how far the job is with them; raises as `begin` does."""
        now = self._clock()
        with claim.transaction() as connection:
            self._hold(connection, task)
            _active(connection, plan.job.id)
            save_outputs(connection, plan.job.id, outputs)
            _advance(connection, plan, outputs_of(connection, [plan.job.id])[plan.job.id], now)

    def end(self, claim: Claim[RenderedJob], done: Sequence[Done]) -> None:
        """Settle the tasks of a round, and end their jobs, in one transaction; report them."""
        now = self._clock()
        with claim.transaction() as connection:
            settled = claim.settle(connection, [Outcome(one.task, one.error) for one in done])
            states = {one.task.id: one.state for one in settled}
            results = [_ended(connection, one, states[one.task.id], now) for one in done]
        for one, result in zip(done, results, strict=True):
            claim.report(one.task, _logged(result))

    def fail(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """End the jobs of tasks that died outside of the handler."""
        for one in failures:
            _fail_if_over(connection, one.task.key, one.state, one.error, self._clock())


_ADDRESS = sa.text("UPDATE render_job SET address = :address WHERE id = :id AND address IS DISTINCT FROM :address")


def _active(connection: sa.Connection, job_id: str) -> sa.Row[Any]:
    row = lock_job(connection, job_id)
    if JobStatus(row.status).is_terminal:
        raise JobNotFoundError(f"{job_id} is {row.status} already")
    return row


def _own_outputs(connection: sa.Connection, row: sa.Row[Any], address: str) -> list[StoredOutput]:
    """What an earlier attempt has left; nothing, if it would be made otherwise now."""
    if row.address is not None and row.address != address:
        connection.execute(sa.delete(render_output).where(render_output.c.job_id == row.id))
        return []
    return outputs_of(connection, [row.id]).get(row.id, [])


def _start(plan: Plan, now: datetime) -> dict[str, Any]:
    """What the metadata says of the beginning, under the names of the service before this one."""
    request = plan.request
    return {
        "workflow_started_at": now.isoformat(),
        "workflow_input": {
            "template_id": request.template_id,
            "fabric_color": request.fabric,
            "background_color": request.background,
            "render_mode": request.mode.value,
            "samples": request.pictures.samples,
        },
    }


def _advance(connection: sa.Connection, plan: Plan, outputs: Sequence[StoredOutput], now: datetime) -> None:
    """Raise the job to what its outputs amount to."""
    if steps.COMPOSITES in steps.missing_steps(plan.request, outputs):
        return
    change_job(connection, JobChange(plan.job.id, status=JobStatus.RENDERING), JobResults(), now)
    values = {"id": plan.job.id, "progress": steps.progress(plan.request, outputs)}
    connection.execute(sa.update(render_job).where(render_job.c.id == values["id"]).values(progress=values["progress"]))


def _ended(connection: sa.Connection, done: Done, state: TaskState, now: datetime) -> RenderedJob:
    """Write how the attempt ended; what is reported of it."""
    job_id = done.task.key
    if done.error is not None:
        _fail_if_over(connection, job_id, state, done.error, now)
    outputs = outputs_of(connection, [job_id]).get(job_id, [])
    result = RenderedJob(job_id, done.task.grouping or "", Rendering.SKIPPED, outputs=outputs)
    if done.job is not None:
        fabric = done.job.options.fabric or ""
        result = result._replace(preset=done.job.preset, fabric=fabric, milliseconds=done.milliseconds)
    if done.error is not None:
        is_final = state is not TaskState.WAITING
        return result._replace(outcome=Rendering.FAILED, problem=str(done.error), is_final=is_final)
    if done.job is None or not _complete(connection, done, outputs, now):
        return result
    return result._replace(outcome=Rendering.RENDERED if done.milliseconds else Rendering.REUSED)


def _complete(connection: sa.Connection, done: Done, outputs: Sequence[StoredOutput], now: datetime) -> bool:
    """End the job well; False when it was deleted or has ended meanwhile."""
    try:
        _active(connection, done.task.key)
    except JobNotFoundError:
        return False
    metadata: dict[str, Any] = {
        "workflow_completed_at": now.isoformat(),
        "media_ids": [one.object_key for one in outputs],
    }
    if done.reused_from and not done.milliseconds:
        metadata[REUSED_FROM] = done.reused_from
    change = JobChange(done.task.key, status=JobStatus.COMPLETED, metadata=metadata)
    change_job(connection, change, JobResults(), now)
    return True


def _fail_if_over(
    connection: sa.Connection, job_id: str, state: TaskState, error: Exception | None, now: datetime
) -> None:
    """End the job as failed when its task will not be tried again; what was deleted or has ended stays."""
    if state is TaskState.WAITING:
        return
    try:
        _active(connection, job_id)
    except JobNotFoundError:
        return
    fail_job(connection, job_id, CANCELLED if state is TaskState.CANCELLED else str(error), now)


def failed_attempt(settled: Settled) -> RenderedJob:
    """What is reported of a task that failed outside of the handler."""
    task, is_final = settled.task, settled.state is not TaskState.WAITING
    problem = str(settled.error)
    return RenderedJob(task.key, task.grouping or "", Rendering.FAILED, problem=problem, is_final=is_final)


def _logged(result: RenderedJob) -> RenderedJob:
    with about(job=result.job_id, sku=result.sku):
        log.info("render job", outcome=result.outcome.value, is_final=result.is_final, problem=result.problem or None)
    return result
