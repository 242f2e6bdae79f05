"""The canvas of one process: its parts under these settings, and the work over all projects. No Dagster.

Keep out: the parts themselves, and when they run.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from orchestration.canvas.media_gc.collector import MediaGarbageCollector
from orchestration.canvas.retention import retention_rule
from orchestration.canvas.saving import SaveOptions, SavePolicy, Saver
from orchestration.canvas.snapshots import snapshot_rule, unsaved_projects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.canvas.media_gc.references import ReferenceSource
    from orchestration.canvas.saving import SaveReport
    from orchestration.runtime.shutdown import GracefulShutdown
    from orchestration.services import Services
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

EVERYTHING = SaveOptions()
# How many projects one look of the sensor takes in; the run that it launches saves all that are due.
MOST_DUE = 1_000


class Canvas:
    """The canvas of one process, with the collector of media.

    `references` are those of other domains to media, `shown` their SELECTs of the URLs of images that they show.
    """

    def __init__(
        self,
        services: Services,
        references: Sequence[ReferenceSource] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        shown: Sequence[str] = (),
    ) -> None:
        self.media = MediaGarbageCollector(services, references, clock, shown=shown)
        self.services = services
        self.settings = services.settings
        self.clock = clock
        self.policy = SavePolicy(
            snapshot_rule(self.settings), retention_rule(self.settings), self.settings.snapshot_batch
        )

    @property
    def queues(self) -> tuple[TaskQueue, ...]:
        """None: its work is scheduled, not queued."""
        return ()

    @property
    def database(self) -> Database:
        """The domain's database."""
        return self.services.database

    def save_due(
        self,
        options: SaveOptions = EVERYTHING,
        *,
        stop: GracefulShutdown | None = None,
        max_seconds: float | None = None,
    ) -> SaveReport:
        """Save the projects that are due, until none is, the limits are reached, or a termination is asked for."""
        stopped: list[bool] = []
        if stop:
            stop.call(lambda: stopped.append(True))
        deadline = None if max_seconds is None else time.monotonic() + max_seconds

        def is_stopped() -> bool:
            return bool(stopped) or (deadline is not None and time.monotonic() >= deadline)

        return Saver(self.database, self.policy, self.clock, is_stopped).run(options)

    def due_projects(self) -> list[str]:
        """Projects that are due for a snapshot at this moment, by operations or by hours."""
        with self.database.connect() as connection:
            unsaved = unsaved_projects(connection)
        now = self.clock()
        return sorted(one.project_id for one in unsaved if self.policy.due.is_due(one, now))[:MOST_DUE]
