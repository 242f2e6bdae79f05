"""From a batch of queued print tasks to stored files and recorded tasks.

Belongs here: the path of a batch. Does not: rendering and storing (`making`), or the rows (`tasks`, `records`).

A batch goes in two rounds. In the first, whatever needs no rendering is recorded, and what nobody else is rendering
just now is rendered, stored and recorded. What another drain is rendering waits for the second round, in which its
product is found. So equal orders cost one rendering, in one batch or in many processes.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.errors import OrchestrationError, TransientError
from orchestration.observability.logs import about, get_logger
from orchestration.prints import records
from orchestration.prints.batch import Batch, Done, Job, ended, failure, printed
from orchestration.prints.products import NewProduct, StoredProduct, find_products, keep_products, product_locks
from orchestration.prints.queues import Wish
from orchestration.prints.request import OrderLine, Workshop, product_address, read
from orchestration.prints.tasks import Begin, begin_tasks, stored_tasks
from orchestration.work_queue.model import Outcome, StaleClaimError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    from orchestration.notifications.notice import Notice
    from orchestration.notifications.outbox import Outbox
    from orchestration.prints.making import Ending, ProductMaker
    from orchestration.prints.outcomes import PrintedTask
    from orchestration.prints.statuses import OrderStatus
    from orchestration.prints.tasks import StoredTask, TaskRow
    from orchestration.services import Services
    from orchestration.storage.links import SignedLink
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Task

log = get_logger()


class PrintRules(NamedTuple):
    """What a drain goes by: whose orders are printed, with what, and what is asked of every task."""

    statuses: Sequence[OrderStatus]
    workshop: Workshop
    attempts: int
    wish: Wish


class PrintHandler:
    """Handles claims of the print queue. `report` hears what became of each task once it is committed."""

    def __init__(
        self,
        services: Services,
        outbox: Outbox,
        maker: ProductMaker,
        rules: PrintRules,
        *,
        report: Callable[[Sequence[PrintedTask]], None],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._services = services
        self._database = services.database
        self._outbox = outbox
        self._maker = maker
        self._rules = rules
        self._report = report
        self._clock = clock

    async def handle(self, claim: Claim) -> None:
        """Bring a batch of print tasks to their files; an error that nobody foresaw is how its tasks ended."""
        left = await asyncio.to_thread(self._begin, claim.tasks)
        try:
            left = await self._round(claim, left, wait=False)
            if left.jobs:
                await self._round(claim, left, wait=True)
        except Exception as error:
            if isinstance(error, StaleClaimError) or isinstance(error.__cause__, sa.exc.DBAPIError):
                raise  # the drain gives the tasks back: it was not their fault
            log.exception("batch failed")
            failed = [Done(job, error=_named(error)) for job in left.jobs]
            self._report(await asyncio.to_thread(self._write, claim, left.idle, failed, {}))

    def _begin(self, tasks: Sequence[Task]) -> Batch:
        wishes = {int(task.key): _merged(self._rules.wish, msgspec.convert(task.payload, Wish)) for task in tasks}
        any_status = [task_id for task_id, wish in wishes.items() if wish.any_status]
        begin = Begin(self._rules.statuses, any_status, os.getpid(), self._clock())
        with self._database.begin() as connection:
            rows = begin_tasks(connection, wishes, begin)
            stored = stored_tasks(connection, [task_id for task_id, wish in wishes.items() if wish.skip_if_exists])
        due = {task_id: row for task_id, row in rows.items() if row.is_begun}
        jobs = [
            self._job(task, row, stored.get(row.id), is_forced=wishes[row.id].force)
            for task in tasks
            if (row := due.get(int(task.key)))
        ]
        return Batch(jobs, [task for task in tasks if int(task.key) not in due])

    def _job(self, task: Task, row: TaskRow, stored: StoredTask | None, *, is_forced: bool) -> Job:
        if stored and all(self._services.objects.size(key) is not None for key in stored.keys):
            return Job(task, row)
        try:
            request = read(OrderLine(row.sku, row.custom_text, row.color_1, row.color_2))
        except OrchestrationError as error:
            return Job(task, row, error=error)
        return Job(task, row, is_forced, request, product_address(request, self._rules.workshop))

    async def _round(self, claim: Claim, batch: Batch, *, wait: bool) -> Batch:
        """Do what can be done now; what is left are the jobs whose products somebody else is rendering."""
        wanted = {job.address: job.request for job in batch.jobs if job.request is not None}
        forced = {job.address for job in batch.jobs if job.is_forced}
        known = await asyncio.to_thread(self._find, wanted.keys() - forced)
        async with self._locked(wanted.keys() - known.keys(), wait=wait) as ours:
            # Whoever held a lock before us may have left the product behind.
            known |= await asyncio.to_thread(self._find, ours - forced)
            missing = {address: wanted[address] for address in ours - known.keys()}
            made = await self._maker.make(missing) if missing else {}
            at_hand = known.keys() | made.keys() | {""}
            here = ended([job for job in batch.jobs if job.address in at_hand], known, made)
            self._report(await asyncio.to_thread(self._write, claim, batch.idle, here, made))
        return Batch([job for job in batch.jobs if job.address not in at_hand], ())

    def _find(self, addresses: Collection[str]) -> dict[str, StoredProduct]:
        if not addresses:
            return {}
        with self._database.connect() as connection:
            return find_products(connection, addresses)

    @asynccontextmanager
    async def _locked(self, addresses: Collection[str], *, wait: bool) -> AsyncIterator[frozenset[str]]:
        """The locks, in a thread, since they may have to be waited for."""
        locks = product_locks(self._database, addresses, wait=wait)
        held = await asyncio.to_thread(locks.__enter__)
        try:
            yield held
        finally:
            await asyncio.to_thread(locks.__exit__, None, None, None)

    def _write(
        self, claim: Claim, idle: Sequence[Task], done: Sequence[Done], made: Mapping[str, Ending]
    ) -> list[PrintedTask]:
        """Record a round in one transaction: products, tasks, files, notices, and the queue's tasks."""
        now = self._clock()
        outcomes = [*map(Outcome, idle), *(Outcome(one.job.task, one.error) for one in done)]
        with self._database.begin() as connection:
            current = records.lock_current(connection, [one.job.row for one in done])
            keep_products(connection, [ending for ending in made.values() if isinstance(ending, NewProduct)])
            fresh = [one for one in done if one.job.row.id in current]
            notices = self._complete(connection, [one for one in fresh if one.error is None], now)
            states = {one.task.id: one.state for one in claim.settle(connection, outcomes)}
            failures = [
                failure(one, one.error, states[one.job.task.id], self._rules.attempts) for one in fresh if one.error
            ]
            records.fail(connection, failures, now)
            records.leave(connection, {one.job.row.id for one in done} - current, now)
            self._outbox.announce(connection, notices)
        return [_logged(printed(one, states[one.job.task.id])) for one in done]

    def _complete(self, connection: sa.Connection, done: Sequence[Done], now: datetime) -> list[Notice]:
        def sign(key: str, filename: str) -> SignedLink:
            return self._services.links.sign(key, now=now, filename=filename)

        kept = [one.job.row.id for one in done if one.product is None]
        records.keep_files(connection, kept, now)
        completed = [
            records.Completed(one.job.row, one.job.request, one.product)
            for one in done
            if one.product is not None and one.job.request is not None
        ]
        return records.complete(connection, completed, sign, now)


def _named(error: Exception) -> OrchestrationError:
    """The error as one of ours, with the name of its class."""
    return error if isinstance(error, OrchestrationError) else TransientError(f"{type(error).__name__}: {error}")


def _logged(task: PrintedTask) -> PrintedTask:
    with about(task_id=task.task_id, sku=task.sku):
        log.info("print task", outcome=task.outcome.value, is_final=task.is_final, problem=task.reason or None)
    return task


def _merged(every: Wish, own: Wish) -> Wish:
    """What a drain asks of every task, and what was asked of one; a wish to force wins over one to keep."""
    force = every.force or own.force
    return Wish(force, not force and (every.skip_if_exists or own.skip_if_exists), every.any_status or own.any_status)
