"""From a batch of queued render jobs to stored pictures: the order of the steps of each.

A job is made step by step, in render processes that can be killed, and each step is stored and written as soon as it
is done. So an attempt that ends in the middle leaves a job that the next one goes on with, and files that are there are
not made twice: neither in the next attempt, nor for another job that asks for the same. Keep out: transactions
(`recorder`), and making pictures (`maker`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from orchestration.mockups.jobs.objects import FOLDER, storing_meanwhile
from orchestration.mockups.jobs.records import JobNotFoundError
from orchestration.mockups.jobs.rows import select_job
from orchestration.mockups.tasks import steps
from orchestration.mockups.tasks.outcomes import RenderedJob
from orchestration.mockups.tasks.recorder import Done, JobRecorder, Plan, failed_attempt
from orchestration.mockups.tasks.request import mockup_request, request_address, versions_for
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.rounds import settle_in_rounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import sqlalchemy as sa

    from orchestration.mockups.jobs.model import RenderJob
    from orchestration.mockups.mockup_request import MockupRequest, Output, Stage, StageName
    from orchestration.mockups.mockups import Mockups
    from orchestration.mockups.tasks.designs import FetchedDesign, JobDesigns
    from orchestration.mockups.tasks.pool import StagePool
    from orchestration.mockups.tasks.request import Versions
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

# Each holds two connections of the database for a moment.
STORED_AT_ONCE = 3


class RenderHandler(TaskHandler[RenderedJob]):
    """Handles claims of the queue of render jobs; its results are rendered jobs."""

    def __init__(self, mockups: Mockups, pool: StagePool, designs: JobDesigns) -> None:
        self._mockups = mockups
        self._database = mockups.database
        self._objects = mockups.services.objects
        self._pool = pool
        self._designs = designs
        self._recorder = JobRecorder(mockups.render_queue, self._objects, mockups.clock)
        self._storing = asyncio.Semaphore(STORED_AT_ONCE)
        self._addresses: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def handle(self, claim: Claim[RenderedJob]) -> None:
        """Bring a batch of render jobs to their pictures."""
        await settle_in_rounds(
            claim,
            partial(self._attempt, claim),
            partial(self._recorder.end, claim),
            lambda task, error: Done(task, error=error),
        )

    def failure(self, settled: Settled) -> RenderedJob:
        """The result of a task that failed unexpectedly."""
        return failed_attempt(settled)

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write why the jobs of such tasks failed."""
        self._recorder.fail(connection, failures)

    async def _attempt(self, claim: Claim[RenderedJob], task: Task) -> Done:
        job = await asyncio.to_thread(self._read, task.key)
        if job is None or job.status.is_terminal:
            return Done(task)
        try:
            return await self._make(claim, task, job)
        except JobNotFoundError:  # somebody has deleted or ended it meanwhile
            return Done(task)

    def _read(self, job_id: str) -> RenderJob | None:
        with self._database.connect() as connection:
            return select_job(connection, job_id, self._mockups.link)

    async def _make(self, claim: Claim[RenderedJob], task: Task, job: RenderJob) -> Done:
        fetched = await self._designs.fetch(job)
        request = await self._request(job, fetched)
        versions = await asyncio.to_thread(versions_for, request)
        plan = Plan(job, request, request_address(request, versions), fetched.key if fetched else None)
        # What another job of this drain is making just now is waited for, and taken over.
        lock = self._addresses.setdefault(plan.address, asyncio.Lock())
        async with lock:
            async with self._storing_meanwhile():
                if fetched is not None:
                    await self._designs.store(fetched)
                begun = await asyncio.to_thread(self._recorder.begin, claim, task, plan)
            missing = steps.missing_steps(request, begun.outputs)
            milliseconds = await self._make_steps(claim, task, plan, versions, missing)
        return Done(task, job, milliseconds=milliseconds, reused_from=begun.reused_from)

    async def _request(self, job: RenderJob, fetched: FetchedDesign | None) -> MockupRequest:
        designs = await self._designs.read(job)
        if fetched is not None:
            designs[fetched.key] = fetched.body
            job = replace(job, design_key=fetched.key)
        return mockup_request(job, designs, self._mockups.settings)

    async def _make_steps(
        self, claim: Claim[RenderedJob], task: Task, plan: Plan, versions: Versions, missing: Sequence[Stage]
    ) -> Mapping[StageName, float]:
        """Make what is missing: the composites first, and then all views at the same time; what each stage took."""
        spent: defaultdict[StageName, float] = defaultdict(float)

        async def make(step: Stage) -> None:
            outputs = await self._pool.make(task.key, plan.request, step)
            await self._keep(claim, task, plan, versions, outputs)
            spent[step.name] += sum(one.milliseconds for one in outputs)

        if steps.COMPOSITES in missing:
            await make(steps.COMPOSITES)
        try:
            async with asyncio.TaskGroup() as views:
                for step in missing:
                    if step != steps.COMPOSITES:
                        views.create_task(make(step))
        except ExceptionGroup as errors:
            first = errors.exceptions[0]  # it has had the others cancelled
            raise first from first.__cause__
        return spent

    async def _keep(
        self, claim: Claim[RenderedJob], task: Task, plan: Plan, versions: Versions, outputs: Sequence[Output]
    ) -> None:
        rows = steps.stored(outputs, versions, FOLDER)
        async with self._storing_meanwhile():
            for row, output in zip(rows, outputs, strict=True):
                await self._objects.put_once(row.object_key, output.body, mime=row.mime)
            await asyncio.to_thread(self._recorder.keep, claim, task, plan, rows)

    @asynccontextmanager
    async def _storing_meanwhile(self) -> AsyncIterator[None]:
        async with self._storing, storing_meanwhile(self._database):
            yield
