"""How dead tasks begin again: by their queue, or, where they follow rows of a domain, as that domain retries those.

A print task goes back to pending; a failed mockup stays for the history, and a new job takes its place. Keep out: which
tasks (`bulk`), and who asks (`queue_actions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.errors import ConflictError
from orchestration.mockups.jobs.model import RetryOverrides
from orchestration.prints.tasks.reset import TaskSelection, retry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from orchestration.domains import Domains
    from orchestration.work_queue.queue import TaskQueue


def revive(domains: Domains, connection: sa.Connection, queue: TaskQueue, keys: Sequence[str]) -> Mapping[str, str]:
    """Let these dead tasks begin again; those that go on under another key, with it.

    Raises `OrchestrationError` as the domain's retry does, and `ConflictError` for a print that has not failed; then
    the caller's savepoint takes back what was done for the others.
    """
    if queue is domains.prints.print_queue:
        for key in keys:
            _retry_print(domains, connection, int(key))
        return {}
    if queue is domains.mockups.render_queue:
        return {key: domains.mockups.retry_in(connection, key, RetryOverrides()).id for key in keys}
    queue.replay(connection, keys)
    return {}


def what_happens(domains: Domains, queue: TaskQueue) -> str:
    """What letting tasks of this queue begin again means, as a clause."""
    if queue is domains.prints.print_queue:
        return "go back to pending and are rendered again, with all their attempts"
    if queue is domains.mockups.render_queue:
        return "are retried, each as a new job that names the failed one"
    return "begin again, with all their attempts"


def _retry_print(domains: Domains, connection: sa.Connection, task_id: int) -> None:
    prints = domains.prints
    if not retry(connection, prints.print_queue, prints.statuses, TaskSelection(task_id)):
        raise ConflictError(f"Print task {task_id} has not failed, or was cancelled; nothing was retried")
