"""What is measured during a soak: latencies of tasks, memory of processes, connections, the length of queues.

Keep out: when it is measured, and the load.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

import psutil  # type: ignore[import-untyped]  # it brings no types
import sqlalchemy as sa

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.storage.database import Database

MEGABYTE = 2**20


class Sample(NamedTuple):
    """One moment: seconds since the begin, MB of each process with its children, connections, unfinished tasks."""

    seconds: float
    megabytes: Mapping[str, float]
    connections: int
    unfinished: int


class Latency(NamedTuple):
    """A queue: tasks done, and seconds from enqueueing to the end."""

    queue: str
    tasks: int
    p50: float
    p95: float
    p99: float


class Meter:
    """Collects samples and latencies. What was done is read as it goes, since queues forget."""

    def __init__(self, database: Database) -> None:
        self.samples: list[Sample] = []
        self._database = database
        self._seconds: dict[str, dict[int, float]] = defaultdict(dict)

    def sample(self, seconds: float, processes: Mapping[str, int | None]) -> None:
        """Take a sample; none while the database is away."""
        try:
            with self._database.connect() as connection:
                for queue, task, took in connection.execute(_DONE):
                    self._seconds[queue][task] = took
                connections, unfinished = connection.execute(_NOW).one()
        except TransientError:
            return
        sizes = {name: megabytes(pid) for name, pid in processes.items() if pid is not None}
        self.samples.append(Sample(seconds, sizes, connections, unfinished))

    def latencies(self) -> list[Latency]:
        """Those of every queue that did anything."""
        found = []
        for queue, tasks in sorted(self._seconds.items()):
            cuts = quantiles(tasks.values(), n=100, method="inclusive") if len(tasks) > 1 else [*tasks.values()] * 99
            found.append(Latency(queue, len(tasks), *(round(cuts[n - 1], 3) for n in (50, 95, 99))))
        return found


_DONE = sa.text("""
    SELECT queue, id, CAST(extract(epoch FROM finished_at - enqueued_at) AS float8) FROM task
    WHERE state = 'completed' AND finished_at > statement_timestamp() - interval '45 seconds'
""")
_NOW = sa.text("""
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        (SELECT count(*) FROM task WHERE state IN ('waiting', 'active'))
""")


def megabytes(pid: int) -> float:
    """The memory that a process and its children hold for themselves, as far as they live."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    return round(sum(_own_bytes(one) for one in family) / MEGABYTE, 1)


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
