"""Taking jobs in together: callers that come while a transaction is written share the next one.

Who shares, and that a fault stays its own job's. Keep out: what is one job and what another (`submission`).

A transaction costs the same round trips for one job as for ten, so many callers at once would wait for each other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from orchestration.errors import DatabaseAwayError
from orchestration.previews.jobs.submission import submit_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.previews.jobs.submission import Submitted
    from orchestration.previews.payload.model import PreviewJob
    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue


@dataclass(slots=True)
class Arrival:
    """A job that a caller waits with, and what came of it."""

    job: PreviewJob
    document: dict[str, Any]
    answer: Submitted | Exception | None = None


class Intake:
    """Takes jobs in for the threads of one process."""

    def __init__(self, queue: TaskQueue) -> None:
        self._queue = queue
        self._waiting: list[Arrival] = []
        self._lock = Lock()
        self._turn = Lock()

    def submit(self, database: Database, job: PreviewJob, document: dict[str, Any]) -> Submitted:
        """Take a job in, in one transaction with those that wait; raises as `submit_all` answers."""
        arrival = Arrival(job, document)
        with self._lock:
            self._waiting.append(arrival)
        with self._turn:
            if arrival.answer is None:
                with self._lock:
                    arrivals, self._waiting = self._waiting, []
                self.write(database, arrivals)
        if arrival.answer is None:
            raise AssertionError("An arrival was neither written nor refused")
        if isinstance(arrival.answer, Exception):
            raise arrival.answer
        return arrival.answer

    def write(self, database: Database, arrivals: Sequence[Arrival]) -> None:
        """Write all at once, or one by one when that fails: then it fails for the guilty one alone."""
        answers: Sequence[Submitted | Exception]
        try:
            with database.begin() as connection:
                answers = submit_all(connection, self._queue, [(one.job, one.document) for one in arrivals])
        except Exception as error:  # noqa: BLE001 - each caller is answered, with what only it may have caused
            if len(arrivals) > 1 and not isinstance(error, DatabaseAwayError):
                for one in arrivals:
                    self.write(database, [one])
                return
            answers = [error] * len(arrivals)
        for one, answer in zip(arrivals, answers, strict=True):
            one.answer = answer
