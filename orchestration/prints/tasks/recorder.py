"""Recording a round of a batch in one transaction: products, tasks, files, notices, and the queue's tasks.

It holds the transactions and their order. Keep out: rendering (`handler`), and statements (`records`, `products`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.observability.logs import about, get_logger
from orchestration.prints.tasks import records
from orchestration.prints.tasks.batch import failure, printed, unexpected_failure
from orchestration.prints.tasks.products import StoredProduct, keep_products
from orchestration.work_queue.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

    from orchestration.notifications.notice import Notice
    from orchestration.notifications.outbox import Outbox
    from orchestration.prints.tasks.batch import Done
    from orchestration.prints.tasks.outcomes import PrintedTask
    from orchestration.storage.links import Links, SignedLink
    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled

log = get_logger()


class BatchRecorder:
    """Records how print tasks ended, with `attempts` as the number that a task has."""

    def __init__(
        self,
        links: Links,
        outbox: Outbox,
        attempts: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._links = links
        self._outbox = outbox
        self._attempts = attempts
        self._clock = clock

    def write(self, claim: Claim[PrintedTask], done: Sequence[Done]) -> list[Done]:
        """Record and report a round; returns what it left out because another transaction has locked the rows."""
        now = self._clock()
        new = {one.new.address: one.new for one in done if one.new is not None}
        with claim.transaction() as connection:
            rows = records.lock_tasks(connection, [one.job.row for one in done])
            keep_products(connection, list(new.values()))
            here = [one for one in done if one.job.row.id not in rows.elsewhere]
            fresh = [one for one in here if one.job.row.id in rows.unchanged]
            notices = self._complete(connection, [one for one in fresh if one.error is None], now)
            settled = claim.settle(connection, [Outcome(one.job.task, one.error) for one in here])
            states = {one.task.id: one.state for one in settled}
            failed = [(one, states[one.job.task.id]) for one in fresh if one.error is not None]
            records.fail(connection, [failure(one, state, self._attempts) for one, state in failed], now)
            records.leave(connection, [one.job.row.id for one in here if one.job.row.id not in rows.unchanged], now)
            self._outbox.enqueue(connection, notices)
        for one in here:
            claim.report(one.job.task, _logged(printed(one, states[one.job.task.id])))
        return [one for one in done if one.job.row.id in rows.elsewhere]

    def leave(self, claim: Claim[PrintedTask]) -> None:
        """Set the tasks of the claim that are not settled back to pending; the drain ends before they are done."""
        if not claim.unsettled:
            return
        with claim.transaction() as connection:
            held = claim.lock(connection, claim.unsettled)
            records.leave(connection, [int(task.key) for task in held], self._clock())

    def fail(self, connection: sa.Connection, failures: Sequence[Settled]) -> None:
        """Write why attempts failed that ended outside of the handler."""
        rows = [unexpected_failure(one, self._attempts) for one in failures if one.error is not None]
        records.fail(connection, rows, self._clock())

    def _complete(self, connection: sa.Connection, done: Sequence[Done], now: datetime) -> list[Notice]:
        def sign(key: str, filename: str) -> SignedLink:
            return self._links.sign(key, now=now, filename=filename)

        records.keep_files(connection, [one.job.row.id for one in done if one.ending is None], now)
        completed = [
            records.Completed(one.job.row, one.job.request, one.ending)
            for one in done
            if isinstance(one.ending, StoredProduct) and one.job.request is not None
        ]
        return records.complete(connection, completed, sign, now, self._outbox.public_url)


def _logged(task: PrintedTask) -> PrintedTask:
    with about(task_id=task.task_id, sku=task.sku):
        log.info("print task", outcome=task.outcome.value, is_final=task.is_final, problem=task.reason or None)
    return task
