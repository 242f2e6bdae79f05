"""The previews of one process: their settings, their queue, and how jobs are taken in.

Keep out: draining the queue (`drains`), making films (`maker`, `film`), and Dagster.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from yarl import URL

from orchestration.errors import LockTimeoutError, OrchestrationError, QueueFullError
from orchestration.media.rules import HostRules, parse_web_url
from orchestration.notifications.outbox import Outbox
from orchestration.observability.logs import get_logger
from orchestration.previews.jobs import rows
from orchestration.previews.jobs.intake import Intake
from orchestration.previews.jobs.states import Counted
from orchestration.previews.jobs.submission import Submitted, cancel, end_jobs_cancelled_in_queue
from orchestration.previews.payload.reading import read_payload
from orchestration.previews.payload.schema import Fault, InvalidPayloadError
from orchestration.previews.queues import preview_queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.previews.film.order import FilmOrder, FilmReport
    from orchestration.previews.jobs.rows import JobRow
    from orchestration.previews.maker import FilmMaker, MakerOptions
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

log = get_logger()


class Previews:
    """The previews of one process; making it touches nothing. `make` replaces what a render process does."""

    def __init__(self, services: Services, make: Callable[[FilmOrder], FilmReport] | None = None) -> None:
        self.services = services
        self.settings = services.settings
        self.preview_queue = preview_queue(services.settings)
        self._make = make
        self._intake = Intake(self.preview_queue)

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """The domain's queues."""
        return (self.preview_queue,)

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    @cached_property
    def outbox(self) -> Outbox:
        """The notices to the callbacks of jobs; they are delivered with all others."""
        return Outbox(self.settings)

    @cached_property
    def maker_options(self) -> MakerOptions:
        """How films are made; raises `ConfigurationError` for an entry of the settings that is no host."""
        from orchestration.previews.options import maker_options

        return maker_options(self.settings)

    def maker(self) -> FilmMaker:
        """A maker with its render processes, to be entered."""
        from orchestration.previews.film.film import make_film
        from orchestration.previews.maker import FilmMaker

        return FilmMaker(self.maker_options, self.settings.preview_concurrency, self._make or make_film)

    def submit(self, document: dict[str, Any]) -> Submitted:
        """Take a payload in; the job, and whether it is new.

        Raises `InvalidPayloadError` (which is counted), `JobConflictError` with the fields that differ, and
        `QueueFullError` with a wait.
        """
        try:
            job = self.read(document)
            return self._intake.submit(self.database, job, document)
        except InvalidPayloadError:
            self._count(Counted.INVALID)
            raise
        except QueueFullError:
            self._count(Counted.FULL)
            raise

    def read(self, document: object) -> PreviewJob:
        """The payload of a document, whose callback may be called; raises `InvalidPayloadError`."""
        job = read_payload(document)
        if (url := job.preview_request.callback_url) is not None:
            self._check_callback(url)
        return job

    def _check_callback(self, url: str) -> None:
        try:
            self._callback_rules.check(parse_web_url(url))
        except OrchestrationError as error:
            raise InvalidPayloadError([Fault("$.previewRequest.callbackUrl", str(error))]) from error

    @cached_property
    def _callback_rules(self) -> HostRules:
        return HostRules.for_hosts(self.settings.callback_hosts, "ORCHESTRATION_CALLBACK_HOSTS")

    def _count(self, outcome: Counted) -> None:
        with self.database.begin() as connection:
            rows.count(connection, outcome)

    def find(self, job_id: str) -> JobRow | None:
        """The job of that id, as long as it is remembered."""
        with self.database.connect() as connection:
            return rows.find_job(connection, job_id)

    def cancel(self, job_id: str) -> JobRow:
        """Cancel a job; raises `NotFoundError`."""
        with self.database.begin() as connection:
            return cancel(connection, self.preview_queue, self.outbox, job_id, datetime.now(UTC))

    def end_cancelled_jobs(self) -> int:
        """End the jobs whose tasks were cancelled in the queue, by its page or command; how many.

        None while somebody keeps a row locked that this needs: what comes next does not wait for that.
        """
        try:
            with self.database.begin() as connection:
                return end_jobs_cancelled_in_queue(connection, self.preview_queue, self.outbox, datetime.now(UTC))
        except LockTimeoutError as error:
            log.warning("cancelled previews are ended later", error=str(error))
            return 0

    @property
    def masked_database_url(self) -> str:
        """Where the queue is kept, without user and password."""
        url = URL(self.services.database_urls.domain)
        return str(url.with_user(None)) if url.host else f"{url.scheme}:{url.path}"
