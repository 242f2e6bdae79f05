"""A batch of print tasks in hand: what each asks for, and how it ended.

Belongs here: plain data and pure functions. Does not: the database, the pool, or the order of the steps (`printing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import OrchestrationError, PermanentError, TransientError
from orchestration.prints.making import Refusal
from orchestration.prints.outcomes import PrintedTask, Printing
from orchestration.prints.products import NewProduct, StoredProduct
from orchestration.prints.records import ANNOTATION_LENGTH, Failure, error_annotation
from orchestration.prints.refusal import PrintRefusedError
from orchestration.prints.statuses import RenderState
from orchestration.work_queue.model import TaskState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.prints.making import Ending
    from orchestration.prints.request import Request
    from orchestration.prints.tasks import TaskRow
    from orchestration.work_queue.model import Task


class Job(NamedTuple):
    """A task that is to be done. Without a `request` it keeps the files it has, or `error` says why it can't be read.

    `address` is that of the product that the request asks for.
    """

    task: Task
    row: TaskRow
    is_forced: bool = False
    request: Request | None = None
    address: str = ""
    error: OrchestrationError | None = None


class Batch(NamedTuple):
    """What a claim holds: tasks with something to do, and tasks with nothing."""

    jobs: Sequence[Job]
    idle: Sequence[Task]


class Done(NamedTuple):
    """A job and how it ended: with a product, with an error and maybe the key of a picture, or by keeping its files."""

    job: Job
    product: StoredProduct | None = None
    error: OrchestrationError | None = None
    picture: str | None = None


def ended(jobs: Sequence[Job], known: Mapping[str, StoredProduct], made: Mapping[str, Ending]) -> list[Done]:
    """How each job ended. Of several that wanted one product, the first counts as having rendered it."""
    done: list[Done] = []
    seen: set[str] = set()
    for job in jobs:
        if job.request is None:
            done.append(Done(job, error=job.error))
            continue
        ending = known.get(job.address) or made[job.address]
        done.append(_with_ending(job, ending, is_first=job.address not in seen))
        seen.add(job.address)
    return done


def _with_ending(job: Job, ending: StoredProduct | Ending, *, is_first: bool) -> Done:
    if isinstance(ending, NewProduct):
        return Done(job, StoredProduct(ending.address, ending.outputs, ending.milliseconds, is_new=is_first))
    if isinstance(ending, StoredProduct):
        return Done(job, ending)
    if isinstance(ending, Refusal):
        return Done(job, error=PrintRefusedError(*ending[:2], remedy=ending.remedy), picture=ending.picture)
    kind = PermanentError if ending.is_permanent else TransientError
    return Done(job, error=kind(ending.message))


def failure(done: Done, error: OrchestrationError, state: TaskState, attempts: int) -> Failure:
    """What is written about a failed attempt, `state` being what the queue makes of it."""
    task_id, attempt = done.job.row.id, done.job.task.attempt
    reached = RenderState.FAILED if state is TaskState.DEAD else RenderState.PENDING
    if isinstance(error, PrintRefusedError):
        annotation = f"Refused ({error.check.value}): {error}"[:ANNOTATION_LENGTH]
        told = (error.check.value, error.problem, error.remedy, done.picture)
        return Failure(task_id, reached, annotation, attempt, *told)
    return Failure(task_id, reached, error_annotation(attempt, attempts, error), attempt)


def printed(done: Done, state: TaskState) -> PrintedTask:
    """What is reported of a job."""
    row, product = done.job.row, done.product
    if isinstance(done.error, PrintRefusedError):
        problem, remedy = done.error.problem, done.error.remedy
        return PrintedTask(row.id, row.sku, Printing.REFUSED, row.custom_text, problem=problem, remedy=remedy)
    if done.error is not None:
        is_final = state is not TaskState.WAITING
        return PrintedTask(
            row.id, row.sku, Printing.FAILED, row.custom_text, problem=str(done.error), is_final=is_final
        )
    if product is None:
        return PrintedTask(row.id, row.sku, Printing.SKIPPED, row.custom_text)
    outcome = Printing.RENDERED if product.is_new else Printing.CACHED
    milliseconds = product.milliseconds if product.is_new else 0.0
    return PrintedTask(row.id, row.sku, outcome, row.custom_text, milliseconds, product.preview_key)
