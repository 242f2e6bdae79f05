"""From a batch of queued print tasks to stored files and recorded tasks: the order of the steps.

A batch goes in passes. In the first, tasks that need no rendering are recorded, and products that no other drain is
rendering are rendered, stored and recorded, a round about every second. What another drain is rendering waits for a
later pass, in which its product is found. So equal orders cost one rendering, in one batch or in many processes. A row
that another transaction has locked waits as well, and holds up no other. Keep out: rendering and storing (`maker`), and
writing (`recorder`).
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from orchestration.errors import OrchestrationError
from orchestration.prints.solid.refusal import PrintRefusedError, Refusal
from orchestration.prints.solid.request import OrderLine, RenderEnvironment, product_address, read
from orchestration.prints.tasks.batch import Batch, Done, Job, unexpected_print
from orchestration.prints.tasks.outcomes import PrintedTask
from orchestration.prints.tasks.products import StoredProduct, find_products, product_locks
from orchestration.prints.tasks.queue import RenderOptions
from orchestration.prints.tasks.recorder import BatchRecorder
from orchestration.prints.tasks.rows import begin_tasks, note_workers, stored_files
from orchestration.wire_types import prepared
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import Outcome
from orchestration.work_queue.rounds import settle_in_rounds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    import sqlalchemy as sa

    from orchestration.notifications.outbox import Outbox
    from orchestration.prints.solid.request import Request
    from orchestration.prints.statuses import OrderStatus
    from orchestration.prints.tasks.maker import ProductMaker
    from orchestration.prints.tasks.products import NewProduct
    from orchestration.prints.tasks.rows import StoredFiles, TaskRow
    from orchestration.rendering.pool import Worker
    from orchestration.services import Services
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled, Task

# How long a batch waits before it looks again for a product that another drain is rendering, or for a locked row.
LOOK_AGAIN_SECONDS = 0.2
# Each further wait is so many times as long, up to the longest.
WAIT_GROWTH, LONGEST_WAIT_SECONDS = 1.5, 2.0
# After how long it is worth a write to say which process renders a task.
NOTE_AFTER_SECONDS = 1.0
_OPTIONS = prepared(RenderOptions)


class PrintRules(NamedTuple):
    """What a drain goes by: whose orders are printed, with what, and what is asked of every task."""

    statuses: Sequence[OrderStatus]
    environment: RenderEnvironment
    attempts: int
    options: RenderOptions


class PrintHandler(TaskHandler[PrintedTask]):
    """Handles claims of the print queue; its results are printed tasks."""

    def __init__(
        self,
        services: Services,
        outbox: Outbox,
        maker: ProductMaker,
        rules: PrintRules,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = services.database
        self._objects = services.objects
        self._maker = maker
        self._rules = rules
        self._clock = clock
        self._recorder = BatchRecorder(services.links, outbox, rules.attempts, clock)

    async def handle(self, claim: Claim[PrintedTask]) -> None:
        """Bring a batch of print tasks to their files."""
        try:
            async with asyncio.TaskGroup() as passes:
                await self._start_passes(claim, passes)
        except ExceptionGroup as errors:
            first = errors.exceptions[0]  # it has had the others cancelled
            raise first from first.__cause__
        await asyncio.to_thread(self._recorder.leave, claim)

    async def _start_passes(self, claim: Claim[PrintedTask], passes: asyncio.TaskGroup) -> None:
        locked: Sequence[Task] = claim.tasks
        left: Sequence[Job] = ()
        wait = LOOK_AGAIN_SECONDS
        while True:
            batch = await asyncio.to_thread(self._begin, claim, locked)
            locked = batch.locked
            left = await self._start_pass(claim, passes, [*left, *batch.jobs])
            if claim.is_stopping or not (locked or left):
                return
            await claim.pass_on()
            claim.linger()
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * WAIT_GROWTH)

    def failure(self, settled: Settled) -> PrintedTask:
        """The result of a task that failed unexpectedly."""
        return unexpected_print(settled)

    def record_failures(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write why the attempts at such tasks failed."""
        self._recorder.fail(connection, failures)

    def _begin(self, claim: Claim[PrintedTask], tasks: Sequence[Task]) -> Batch:
        """Set those of the tasks to running that are due, and settle those that are not."""
        if not tasks:
            return Batch((), ())
        by_id = {int(task.key): task for task in tasks}
        options = {
            task_id: self._rules.options.merged(msgspec.convert(task.payload, _OPTIONS))
            for task_id, task in by_id.items()
        }
        with claim.transaction() as connection:
            begun = begin_tasks(
                connection,
                by_id,
                statuses=self._rules.statuses,
                any_status=[task_id for task_id, own in options.items() if own.any_status],
                pid=os.getpid(),
                now=self._clock(),
            )
            stored = stored_files(connection, [task_id for task_id, own in options.items() if own.skip_if_exists])
            due = [begun.rows[task_id] for task_id in by_id if task_id in begun.rows and begun.rows[task_id].is_begun]
            idle = by_id.keys() - {row.id for row in due} - begun.locked
            claim.settle(connection, [Outcome(by_id[task_id]) for task_id in idle])
        jobs = [self._job(by_id[row.id], row, stored.get(row.id), options[row.id]) for row in due]
        return Batch(jobs, [by_id[task_id] for task_id in begun.locked])

    def _job(self, task: Task, row: TaskRow, stored: StoredFiles | None, options: RenderOptions) -> Job:
        try:
            request = read(OrderLine(row.sku, row.custom_text, row.color_1, row.color_2))
        except PrintRefusedError as error:
            return Job(task, row, problem=error.refusal)
        except OrchestrationError as error:
            return Job(task, row, problem=error)
        # Another program may have changed the text and left the files of the old one in place.
        if stored and stored.fit(request) and all(self._objects.size(key) is not None for key in stored.keys):
            return Job(task, row)
        return Job(task, row, options.force, request, product_address(request, self._rules.environment))

    async def _start_pass(self, claim: Claim[PrintedTask], passes: asyncio.TaskGroup, jobs: Sequence[Job]) -> list[Job]:
        """Start with what can be done now; returns the jobs whose products another drain is rendering."""
        wanted = {job.address: job.request for job in jobs if job.request is not None}
        forced = {job.address for job in jobs if job.is_forced}
        known = await asyncio.to_thread(self._find, wanted.keys() - forced)
        async with AsyncExitStack() as stack:
            ours = await stack.enter_async_context(self._locked(wanted.keys() - known.keys()))
            # The holder of a lock before this one may have left the product behind.
            known |= await asyncio.to_thread(self._find, ours - forced)
            new = {address: wanted[address] for address in ours - known.keys()}
            here = {job.task.id: job for job in jobs if job.address in known.keys() | ours | {""}}
            if here:
                passes.create_task(self._pass(claim, here, known, new, stack.pop_all()))
        return [job for job in jobs if job.task.id not in here]

    async def _pass(
        self,
        claim: Claim[PrintedTask],
        jobs: Mapping[int, Job],
        known: Mapping[str, StoredProduct],
        new: Mapping[str, Request],
        locks: AsyncExitStack,
    ) -> None:
        """Render the new products, and record the jobs; holds the locks meanwhile."""
        async with locks:
            making = {
                address: asyncio.ensure_future(self._maker.make(address, request)) for address, request in new.items()
            }
            try:
                await self._settle(claim, jobs, known, making)
            finally:
                for one in making.values():
                    one.cancel()
                await asyncio.gather(*making.values(), return_exceptions=True)

    async def _settle(
        self,
        claim: Claim[PrintedTask],
        jobs: Mapping[int, Job],
        known: Mapping[str, StoredProduct],
        making: Mapping[str, asyncio.Future[NewProduct | Refusal]],
    ) -> None:
        """Record each job when its product is there; what is locked elsewhere, as soon as it is free."""
        first = {job.address: task_id for task_id, job in reversed(list(jobs.items()))}
        locked: list[Done] = []

        async def attempt(task: Task) -> Done:
            job = jobs[task.id]
            if job.request is None or job.address in known:
                return Done(job, known.get(job.address, job.problem))
            return await _made(job, making[job.address], is_first=first[job.address] == task.id)

        def write(done: Sequence[Done]) -> None:
            locked.extend(self._recorder.write(claim, done))

        tasks = [job.task for job in jobs.values()]
        noting = asyncio.ensure_future(self._note_workers(jobs, making))
        try:
            await settle_in_rounds(claim, attempt, write, lambda task, error: Done(jobs[task.id], error), tasks=tasks)
        finally:
            noting.cancel()
        while locked and not claim.is_stopping:
            claim.linger()
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            locked = await asyncio.to_thread(self._recorder.write, claim, locked)
            await claim.pass_on()

    async def _note_workers(self, jobs: Mapping[int, Job], making: Collection[str]) -> None:
        """Write which process renders each task that takes long, for a person who looks for it."""
        noted: dict[str, Worker] = {}
        while True:
            await asyncio.sleep(NOTE_AFTER_SECONDS)
            found = {address: worker for address in making if (worker := self._maker.worker_of(address))}
            new = {address: worker for address, worker in found.items() if noted.get(address) != worker}
            workers = {job.row.id: new[job.address] for job in jobs.values() if job.address in new}
            with suppress(OrchestrationError, SQLAlchemyError):  # it is tried again
                await asyncio.to_thread(self._write_workers, workers)
                noted |= new

    def _write_workers(self, workers: Mapping[int, Worker]) -> None:
        if workers:
            with self._database.begin() as connection:
                note_workers(connection, workers)

    def _find(self, addresses: Collection[str]) -> dict[str, StoredProduct]:
        if not addresses:
            return {}
        with self._database.connect() as connection:
            return find_products(connection, addresses)

    @asynccontextmanager
    async def _locked(self, addresses: Collection[str]) -> AsyncIterator[frozenset[str]]:
        """The locks on those of the addresses that no other process holds, taken in a thread."""
        locks = product_locks(self._database, addresses)
        held = await asyncio.to_thread(locks.__enter__)
        try:
            yield held
        finally:
            await asyncio.to_thread(locks.__exit__, None, None, None)


async def _made(job: Job, making: asyncio.Future[NewProduct | Refusal], *, is_first: bool) -> Done:
    """How the job ended, once its product is made. Of several jobs that want it, the first counts as rendering it."""
    try:
        made = await asyncio.shield(making)
    except OrchestrationError as error:
        return Done(job, error)
    if isinstance(made, Refusal):
        return Done(job, made)
    return Done(job, made.stored(is_new=is_first), new=made)
