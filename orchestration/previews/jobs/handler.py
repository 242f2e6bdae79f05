"""From a queued preview job to stored files and a remembered result.

One job at a time in each place of the drain: it is validated again, its film is made in a process that can be killed,
its progress is written down, and how it ended is recorded with the task. Keep out: making (`maker`), storing
(`artifacts`), and statements (`rows`).
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import OrchestrationError, PermanentError, TransientError
from orchestration.observability.logs import about, get_logger
from orchestration.previews.film.progress import read_progress
from orchestration.previews.jobs import rows
from orchestration.previews.jobs.artifacts import board_result, store_film
from orchestration.previews.jobs.notices import notify
from orchestration.previews.jobs.rows import Failure
from orchestration.previews.jobs.scratch import scratch_folder
from orchestration.previews.jobs.states import Counted, ErrorType, JobState
from orchestration.previews.maker import PROGRESS_FILE
from orchestration.previews.payload.schema import InvalidPayloadError
from orchestration.rendering.errors import TimeLimitError
from orchestration.storage.database import is_database_error
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import Outcome, TaskCancelledError, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import sqlalchemy as sa

    from orchestration.previews.jobs.rows import JobRow
    from orchestration.previews.maker import FilmMaker
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.previews.previews import Previews
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

PROGRESS_SECONDS = 0.4
# How long a rendering may go on once the drain is asked to stop. After that it is given back uncounted.
STOP_SECONDS = 10.0

log = get_logger()


class RenderedPreview(NamedTuple):
    """How an attempt at a job ended. A failed one that is not final is tried again."""

    job_id: str
    outcome: Counted
    is_final: bool = True
    problem: str | None = None
    result: dict[str, Any] | None = None
    seconds: float = 0.0


class _Ended(NamedTuple):
    """An attempt that is over: what came of it, or why nothing did."""

    task: Task
    row: JobRow | None
    result: dict[str, Any] | None = None
    error: OrchestrationError | None = None
    seconds: float = 0.0


class PreviewHandler(TaskHandler[RenderedPreview]):
    """Handles claims of the preview queue."""

    def __init__(
        self, previews: Previews, maker: FilmMaker, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._previews = previews
        self._maker = maker
        self._clock = clock

    async def handle(self, claim: Claim[RenderedPreview]) -> None:
        """Render the jobs of a claim, which is one as a rule."""
        try:
            async with asyncio.TaskGroup() as group:
                for task in claim.tasks:
                    group.create_task(self._handle_one(claim, task))
        except ExceptionGroup as errors:
            first = errors.exceptions[0]  # it has had the others cancelled, which stay unsettled
            raise first from first.__cause__

    def failure(self, settled: Settled) -> RenderedPreview:
        """The end of a job that failed outside of `handle`."""
        is_final = settled.state is not TaskState.WAITING
        return RenderedPreview(settled.task.key, Counted.FAILED, is_final, str(settled.error))

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write why such attempts failed."""
        for one in failures:
            self._fail(connection, one.task.key, one.error, one.state)

    async def _handle_one(self, claim: Claim[RenderedPreview], task: Task) -> None:
        with about(job=task.key, request=task.payload.get("requestId"), attempt=task.attempt):
            attempt = asyncio.create_task(self._attempt(task))
            claim.when_cancelled(task, attempt.cancel)
            try:
                await self._wait(claim, attempt)
                ended: _Ended | None = attempt.result()
            except asyncio.CancelledError:
                ended = self._after_cancellation(claim, task)
            except OrchestrationError as error:
                if is_database_error(error):
                    raise
                ended = _Ended(task, None, error=error)
            if ended is not None:
                await asyncio.to_thread(self._write, claim, ended)

    async def _wait(self, claim: Claim[RenderedPreview], attempt: asyncio.Task[_Ended]) -> None:
        """Wait for the end of an attempt; a drain that is to end waits a while, and takes it away then."""
        stop_at: float | None = None
        try:
            while not attempt.done():
                await asyncio.wait([attempt], timeout=PROGRESS_SECONDS)
                now = time.monotonic()
                if claim.is_stopping:
                    stop_at = now + STOP_SECONDS if stop_at is None else stop_at
                    if now >= stop_at:
                        return
        finally:
            if not attempt.done():
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)

    def _after_cancellation(self, claim: Claim[RenderedPreview], task: Task) -> _Ended | None:
        """A job that was cancelled on request ends; one that a stopping drain took away stays unsettled."""
        if claim.is_cancelled(task):
            return _Ended(task, None, error=TaskCancelledError(f"{task.key} was cancelled on request"))
        if (current := asyncio.current_task()) is not None and current.cancelling():
            raise asyncio.CancelledError
        with self._previews.database.begin() as connection:
            rows.requeue_job(connection, task.key, self._clock())
        return None

    async def _attempt(self, task: Task) -> _Ended:
        started = time.monotonic()
        row = await asyncio.to_thread(self._begin, task)
        if row is None:
            return _Ended(task, None)
        try:
            result = await self._render(task, row)
            error: OrchestrationError | None = None
        except OrchestrationError as failed:
            if is_database_error(failed):
                raise
            result, error = None, failed
        return _Ended(task, row, result, error, time.monotonic() - started)

    def _begin(self, task: Task) -> JobRow | None:
        with self._previews.database.begin() as connection:
            row = rows.begin_job(connection, task.key, task.attempt, self._clock())
            if row is not None:
                rows.count(connection, Counted.STARTED)
        return row

    async def _render(self, task: Task, row: JobRow) -> dict[str, Any]:
        job = self._previews.read(row.payload)
        with scratch_folder() as folder:
            telling = asyncio.create_task(self._tell_progress(task, folder))
            try:
                return await self._result(job, folder, row.started_at or self._clock())
            finally:
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def _result(self, job: PreviewJob, folder: Path, begun_at: datetime) -> dict[str, Any]:
        if job.dry_run:
            return board_result(await self._maker.storyboard(job, folder))
        report = await self._maker.film(job, folder)
        return await store_film(self._previews.services.objects, job, report, folder, begun_at)

    async def _tell_progress(self, task: Task, folder: Path) -> None:
        """Write down how far the rendering is, as long as it goes on; a database that is away hears it later."""
        last = None
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            progress = await asyncio.to_thread(read_progress, folder / PROGRESS_FILE)
            if progress is not None and progress != last:
                last = progress
                try:
                    await asyncio.to_thread(self._write_progress, task, *progress)
                except (TransientError, OSError) as error:
                    log.warning("progress not written", error=str(error))

    def _write_progress(self, task: Task, stage: str, percent: float, eta_seconds: float | None) -> None:
        with self._previews.database.begin() as connection:
            self._previews.preview_queue.report_progress(connection, task, percent, step=stage)
            rows.progress_job(connection, task.key, stage, percent, eta_seconds)

    def _write(self, claim: Claim[RenderedPreview], ended: _Ended) -> None:
        """Settle the task and write how the job ended, in one transaction."""
        task, row, now = ended.task, ended.row, self._clock()
        with claim.transaction() as connection:
            (settled,) = claim.settle(connection, [Outcome(task, ended.error)])
            outcome = Counted.COMPLETED
            if ended.error is not None:
                outcome = self._fail(connection, task.key, ended.error, settled.state)
            elif row is not None and ended.result is not None:
                rows.complete_job(connection, task.key, ended.result, now)
                outcome = Counted.DRYRUN if row.dry_run else Counted.COMPLETED
                rows.count(connection, outcome)
                notify(connection, self._previews.outbox, row, JobState.COMPLETED, result=ended.result)
        problem = None if ended.error is None else str(ended.error)
        is_final = settled.state is not TaskState.WAITING
        claim.report(task, RenderedPreview(task.key, outcome, is_final, problem, ended.result, ended.seconds))

    def _fail(self, connection: sa.Connection, job_id: str, error: Exception | None, state: TaskState) -> Counted:
        """Write that an attempt failed or was cancelled, and what the task has become by that."""
        now = self._clock()
        row = rows.find_job(connection, job_id, lock=True)
        if row is None or row.state in (JobState.COMPLETED, JobState.CANCELLED):
            return Counted.FAILED
        if state is TaskState.CANCELLED:
            rows.cancel_job(connection, job_id, now)
            rows.count(connection, Counted.CANCELLED)
            notify(connection, self._previews.outbox, row, JobState.CANCELLED)
            return Counted.CANCELLED
        failure = _failure(error, is_final=state is not TaskState.WAITING)
        rows.fail_job(connection, job_id, failure, now)
        outcome = Counted.INVALID if failure.error_type is ErrorType.INVALID else Counted.FAILED
        if failure.is_final:
            rows.count(connection, outcome)
            notify(connection, self._previews.outbox, row, JobState.FAILED, error=failure.error)
        return outcome


def _failure(error: Exception | None, *, is_final: bool) -> Failure:
    # PostgreSQL stores neither NUL nor lone surrogates.
    text = str(error).replace("\0", "\\x00").encode(errors="backslashreplace").decode()
    faults = [fault._asdict() for fault in error.faults] if isinstance(error, InvalidPayloadError) else None
    if isinstance(error, PermanentError):
        kind = ErrorType.INVALID
    else:
        kind = ErrorType.TIMEOUT if isinstance(error, TimeLimitError) else ErrorType.RENDER
    return Failure(text, kind, is_final, faults)
