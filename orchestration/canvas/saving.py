"""Saving the projects that are due: a batch at a time, the longest unsaved first, and thinning what they have.

The order of the work, its limits, and what becomes of a project that cannot be saved. Keep out: one
snapshot (`snapshots`), the rule of thinning (`retention`), or when this is done.

Every project has a transaction of its own, so what has been saved stays saved, and one that fails keeps no other from
it: it is reported, stays due, and is tried again by the next run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from orchestration.canvas.projects import known_projects
from orchestration.canvas.retention import RetentionRule, outlived_projects, thin
from orchestration.canvas.snapshots import Saved, SnapshotRule, Unsaved, save, unsaved_projects
from orchestration.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from orchestration.storage.database import Database

log = get_logger()

Outcome = TypeVar("Outcome")


class SavePolicy(NamedTuple):
    """When a snapshot is due, which are kept, and how many projects make a batch."""

    due: SnapshotRule
    retention: RetentionRule
    batch: int


class SaveOptions(NamedTuple):
    """What a run was asked for: at most `limit` snapshots, and only of `projects`, which need not be due then."""

    limit: int | None = None
    projects: Sequence[str] = ()
    dry_run: bool = False


class Unfinished(NamedTuple):
    """A project that was not saved, and why."""

    project_id: str
    reason: str


@dataclass
class SaveReport:
    """What a run did, or in a dry run would do."""

    dry_run: bool = False
    created: list[Saved] = field(default_factory=list)
    skipped: list[Unfinished] = field(default_factory=list)
    errors: list[Unfinished] = field(default_factory=list)
    thinned: int = 0

    @property
    def processed(self) -> int:
        """How many projects were looked at."""
        return len(self.created) + len(self.skipped) + len(self.errors)

    @property
    def bytes(self) -> int:
        """How much was written."""
        return sum(one.bytes for one in self.created)

    def summary(self) -> dict[str, Any]:
        """The report as plain values, for programs."""
        return {
            "dry_run": self.dry_run,
            "processed": self.processed,
            "bytes": self.bytes,
            "thinned": self.thinned,
            "created": [saved._asdict() for saved in self.created],
            "skipped": {one.project_id: one.reason for one in self.skipped},
            "errors": {one.project_id: one.reason for one in self.errors},
        }


class Saver:
    """Saves the projects of one database. `is_stopped` is asked between batches; `clock` is in UTC."""

    def __init__(
        self, database: Database, policy: SavePolicy, clock: Callable[[], datetime], is_stopped: Callable[[], bool]
    ) -> None:
        self._database = database
        self._policy = policy
        self._clock = clock
        self._is_stopped = is_stopped

    def run(self, options: SaveOptions) -> SaveReport:
        """Save until no project is due that has not been tried, or a limit is reached."""
        report = SaveReport(options.dry_run)
        tried = self._refuse_unknown(options, report)
        for batch in self._batches(options, report, tried):
            for unsaved in batch:
                self._save(unsaved, report)
                tried.add(unsaved.project_id)
            log.info("canvas projects saved", saved=len(report.created), failed=len(report.errors))
        report.skipped += self._left(options, tried)
        if not options.projects and not self._is_stopped():
            self._thin_outlived(report, tried)
        return report

    def _refuse_unknown(self, options: SaveOptions, report: SaveReport) -> set[str]:
        """Report the projects that were asked for and are not there."""
        with self._database.connect() as connection:
            unknown = set(options.projects) - known_projects(connection, options.projects)
        report.errors += (Unfinished(project_id, "There is no such project") for project_id in sorted(unknown))
        return unknown

    def _batches(self, options: SaveOptions, report: SaveReport, tried: set[str]) -> Iterator[list[Unsaved]]:
        """What is due, a batch at a time; then what has become due meanwhile."""
        while due := self._due(options, tried):
            for start in range(0, len(due), self._policy.batch):
                left = len(due) if options.limit is None else options.limit - len(report.created)
                if self._is_stopped() or left <= 0:
                    return
                yield due[start : start + min(self._policy.batch, left)]

    def _due(self, options: SaveOptions, tried: set[str]) -> list[Unsaved]:
        now = self._clock()
        return [
            unsaved
            for unsaved in self._unsaved(options)
            if unsaved.project_id not in tried and (options.projects or self._policy.due.is_due(unsaved, now))
        ]

    def _unsaved(self, options: SaveOptions) -> list[Unsaved]:
        with self._database.connect() as connection:
            return unsaved_projects(connection, list(options.projects) or None)

    def _save(self, unsaved: Unsaved, report: SaveReport) -> None:
        now, project_id = self._clock(), unsaved.project_id

        def save_and_thin(connection: sa.Connection) -> tuple[Saved | None, int]:
            saved = save(connection, project_id, now=now)
            return saved, thin(connection, project_id, self._policy.retention, now)

        if outcome := self._attempt(project_id, report, save_and_thin):
            saved, thinned = outcome
            report.thinned += thinned
            if saved:
                report.created.append(saved)
            else:
                report.skipped.append(Unfinished(project_id, "Another run saved it meanwhile"))

    def _attempt(self, project_id: str, report: SaveReport, act: Callable[[sa.Connection], Outcome]) -> Outcome | None:
        """Do something to one project in a transaction of its own; None when it failed, which is then reported.

        A dry run does all of it, and takes it back.
        """
        try:
            with self._database.begin() as connection, connection.begin_nested() as work:
                outcome = act(connection)
                if report.dry_run:
                    work.rollback()
        except Exception as error:  # noqa: BLE001 - an error of one project must not stop the others
            reason = " ".join(str(error).split()) or type(error).__name__
            log.warning("canvas project failed", project=project_id, reason=reason)
            report.errors.append(Unfinished(project_id, reason))
            return None
        return outcome

    def _left(self, options: SaveOptions, tried: set[str]) -> Iterator[Unfinished]:
        """The projects that were looked at and left, with what they lack."""
        now = self._clock()
        left = [unsaved for unsaved in self._unsaved(options) if unsaved.project_id not in tried]
        for unsaved in left:
            is_due = options.projects or self._policy.due.is_due(unsaved, now)
            reason = "The run's limit was reached" if is_due else self._policy.due.shortfall(unsaved, now)
            yield Unfinished(unsaved.project_id, reason)
        if quiet := set(options.projects) - tried - {unsaved.project_id for unsaved in left}:
            yield from (Unfinished(project_id, "No new operations") for project_id in sorted(quiet))

    def _thin_outlived(self, report: SaveReport, done: set[str]) -> None:
        """Thin the projects that nobody has touched for so long that no run of theirs comes any more."""
        now = self._clock()
        with self._database.connect() as connection:
            outlived = outlived_projects(connection, self._policy.retention, now)
        for project_id in sorted(set(outlived) - done):
            act = partial(thin, project_id=project_id, rule=self._policy.retention, now=now)
            report.thinned += self._attempt(project_id, report, act) or 0
