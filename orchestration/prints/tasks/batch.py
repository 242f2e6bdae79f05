"""The tasks of a batch: what each asks for, how it ended, and what is written and reported of that.

It holds plain data and pure functions. Keep out: the database, the pool, and the order of the steps (`handler`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.prints.solid.refusal import Refusal
from orchestration.prints.statuses import RenderState
from orchestration.prints.tasks.outcomes import PrintedTask, Printing
from orchestration.prints.tasks.records import ANNOTATION_LENGTH, Failure, error_annotation
from orchestration.work_queue.model import TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.prints.solid.request import Request
    from orchestration.prints.tasks.products import NewProduct, StoredProduct
    from orchestration.prints.tasks.rows import TaskRow
    from orchestration.work_queue.model import Settled, Task


class Job(NamedTuple):
    """A task that is to be done. Without a `request` it keeps its files, or `problem` says why it cannot be read.

    `address` is that of the product that the request asks for.
    """

    task: Task
    row: TaskRow
    is_forced: bool = False
    request: Request | None = None
    address: str = ""
    problem: Refusal | Exception | None = None


class Batch(NamedTuple):
    """The tasks of a claim that are due: those to be done, and those that another transaction has locked."""

    jobs: Sequence[Job]
    locked: Sequence[Task]


class Done(NamedTuple):
    """A job and how it ended: with a product, a refusal or an error, or with None by keeping its files.

    `new` is the product if this drain has just rendered it.
    """

    job: Job
    ending: StoredProduct | Refusal | Exception | None
    new: NewProduct | None = None

    @property
    def error(self) -> Exception | None:
        """How it ended, for the queue."""
        if isinstance(self.ending, Refusal):
            return self.ending.error
        return self.ending if isinstance(self.ending, Exception) else None


def unexpected_failure(settled: Settled, attempts: int) -> Failure:
    """What is written about an attempt that failed outside of the handler."""
    task, error = settled.task, settled.error or RuntimeError("The attempt failed")
    return Failure(
        int(task.key), _reached(settled.state), error_annotation(task.attempt, attempts, error), task.attempt
    )


def failure(done: Done, state: TaskState, attempts: int) -> Failure:
    """What is written about a refused or failed attempt; `state` is that of the queue's task now."""
    task_id, attempt = done.job.row.id, done.job.task.attempt
    if isinstance(refusal := done.ending, Refusal):
        annotation = f"Refused ({refusal.check.value}): {refusal.error}"[:ANNOTATION_LENGTH]
        return Failure(task_id, _reached(state), annotation, attempt, refusal)
    error = done.error or RuntimeError("The attempt failed")
    return Failure(task_id, _reached(state), error_annotation(attempt, attempts, error), attempt)


def printed(done: Done, state: TaskState) -> PrintedTask:
    """What is reported of a job."""
    row, ending = done.job.row, done.ending
    if isinstance(ending, Refusal):
        return PrintedTask(
            row.id, row.sku, Printing.REFUSED, row.custom_text, problem=ending.problem, remedy=ending.remedy
        )
    if isinstance(ending, Exception):
        is_final = state is not TaskState.WAITING
        return PrintedTask(row.id, row.sku, Printing.FAILED, row.custom_text, problem=str(ending), is_final=is_final)
    if ending is None:
        return PrintedTask(row.id, row.sku, Printing.SKIPPED, row.custom_text)
    outcome = Printing.RENDERED if ending.is_new else Printing.CACHED
    milliseconds = ending.milliseconds if ending.is_new else 0.0
    return PrintedTask(row.id, row.sku, outcome, row.custom_text, milliseconds, ending.preview_key)


def unexpected_print(settled: Settled) -> PrintedTask:
    """What is reported of a task that failed outside of the handler."""
    task, is_final = settled.task, settled.state is not TaskState.WAITING
    problem = str(settled.error)
    return PrintedTask(int(task.key), task.grouping or "", Printing.FAILED, problem=problem, is_final=is_final)


def _reached(state: TaskState) -> RenderState:
    return RenderState.FAILED if state is TaskState.DEAD else RenderState.PENDING
