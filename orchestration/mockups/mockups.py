"""The mockups of one process: their settings, their queue, and what is done to render jobs as a whole.

Keep out: the service over jobs (`jobs.service`), draining the queue (`drains`), making pictures, and Dagster.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.errors import ConflictError
from orchestration.media.rules import HostRules
from orchestration.mockups.jobs.objects import removing
from orchestration.mockups.jobs.pending import CANCELLED, fail_ended_jobs, fail_job, queue_due_jobs
from orchestration.mockups.jobs.records import unused_keys
from orchestration.mockups.jobs.rows import rendered_skus
from orchestration.mockups.jobs.service import RenderJobs
from orchestration.mockups.jobs.submission import check_options
from orchestration.mockups.queues import render_queue, render_task
from orchestration.mockups.refusals import MockupRefusedError, RefusalCode
from orchestration.work_queue.dead_letters import dismiss
from orchestration.work_queue.model import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import sqlalchemy as sa

    from orchestration.mockups.jobs.model import RenderJob, RetryOverrides
    from orchestration.mockups.tasks.pool import Make
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


class Mockups:
    """The mockups of one process. Making one touches nothing.

    `make` replaces what a render process does for a stage, `clock` gives the time.
    """

    def __init__(
        self, services: Services, make: Make | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.services = services
        self.settings = services.settings
        self.clock = clock
        self._make = make
        self.render_queue = render_queue(services.settings)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The domain's queues, in the order in which work flows through them."""
        return (self.render_queue,)

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    @property
    def make(self) -> Make:
        """What a render process does for a stage."""
        if self._make is not None:
            return self._make
        from orchestration.mockups.tasks.pool_process import make

        return make

    @cached_property
    def design_rules(self) -> HostRules:
        """Where designs may be fetched from; raises `ConfigurationError` when an entry of the setting is no host."""
        return HostRules.for_hosts(self.settings.mockup_hosts, "ORCHESTRATION_MOCKUP_HOSTS")

    def link(self, key: str) -> str:
        """The address of a stored object, signed for a while."""
        return self.services.links.sign(key, now=self.clock()).url

    @contextmanager
    def render_jobs(self) -> Iterator[RenderJobs]:
        """The render jobs in one transaction, committed at the end of the block and rolled back by an exception."""
        with self.database.begin() as connection:
            yield RenderJobs(connection, self.link, self.clock)

    def retry(self, job_id: str, overrides: RetryOverrides) -> RenderJob:
        """Make a new job of a failed one, and queue it; raises as `RenderJobs.retry` does, and for what cannot be."""
        with self.database.begin() as connection:
            return self.retry_in(connection, job_id, overrides)

    def retry_in(self, connection: sa.Connection, job_id: str, overrides: RetryOverrides) -> RenderJob:
        """The same in the caller's transaction."""
        job = RenderJobs(connection, self.link, self.clock).retry(job_id, overrides)
        check_options(job.options, job.template_id, job.preset)
        if not job.has_design:
            problem = f"{job_id} has no design"
            raise MockupRefusedError(RefusalCode.MISSING_FILE, problem, "submit the mockup with its design instead")
        self.render_queue.enqueue_once(connection, render_task(job.id, job.sku))
        dismiss(connection, self.render_queue, [job_id])
        return job

    def cancel(self, connection: sa.Connection, job_id: str) -> RenderJob:
        """End a job that has not ended: a waiting one now, one that is rendered by its worker within moments.

        A cancelled job is a failed one that says so. Raises `NotFoundError`, and `ConflictError` when it has ended.
        """
        jobs = RenderJobs(connection, self.link, self.clock)
        if (status := jobs.retrieve(job_id).status).is_terminal:
            raise ConflictError(f"{job_id} is {status.value} already; nothing was cancelled")
        if self.render_queue.request_cancel(connection, job_id) is not TaskState.ACTIVE:
            fail_job(connection, job_id, CANCELLED, self.clock())
        return jobs.retrieve(job_id)

    def clean_up(self, older_than_days: float | None = None) -> int:
        """Mark failed jobs as deleted that are older than so many days, or than the settings keep them; how many."""
        with self.render_jobs() as jobs:
            return jobs.clean_up(self.settings.mockup_keep_failed_days if older_than_days is None else older_than_days)

    def hard_delete(self, job_ids: Collection[str]) -> list[str]:
        """Remove jobs for good, and the objects that no other job shares with them; the keys of these objects.

        A process that dies in between leaves objects behind that nobody refers to, and never a job without its files.
        """
        with removing(self.database):
            with self.render_jobs() as jobs:
                keys = jobs.delete_many(job_ids)
            with self.database.connect() as connection:
                keys = unused_keys(connection, keys)
            for key in keys:
                self.services.objects.delete(key)
        return keys

    def queue_due_jobs(self) -> int:
        """Repair what an accident left behind, and queue what is pending; how many tasks are due."""
        with self.database.begin() as connection:
            fail_ended_jobs(connection, self.render_queue, self.clock())
            queue_due_jobs(connection, self.render_queue)
            return self.render_queue.counts(connection).waiting

    def skus(self) -> list[str]:
        """The SKUs that have a render job."""
        with self.database.connect() as connection:
            return rendered_skus(connection)
