"""The work queue against the naive way: one task at a time, and looking every tenth of a second.

What the queue itself costs, with tasks that do nothing but settle. Keep out: what the domains do in them.
Each figure is the median of several rounds; CPU is this process and the server together, since they share a machine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own
from rich.console import Console
from rich.table import Table

from orchestration.storage.database import Database
from orchestration.storage.embedded import start_embedded_server
from orchestration.storage.migrate import migrate
from orchestration.work_queue.claim import TaskHandler
from orchestration.work_queue.model import NewTask, Outcome
from orchestration.work_queue.options import DrainOptions
from orchestration.work_queue.policy import QueuePolicy, RetryPolicy
from orchestration.work_queue.queue import TaskQueue
from orchestration.work_queue.worker import Worker
from orchestration_tests.benchmarks.timing import Race, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration.work_queue.claim import Claim
    from orchestration.work_queue.model import Settled
    from orchestration_tests.benchmarks.options import Options

ROUNDS = 5
BULK, SINGLES = 25_000, 500
WAKE_UPS = 200
POLL_SECONDS = 0.1
# Tasks of a batch, and batches that are handled at a time, as the queues of the product have them.
BATCHES = ((12, 4), (100, 1), (100, 2), (500, 2))


class Cost(NamedTuple):
    """What one task cost, in seconds."""

    wall: float
    cpu: float


class Bench:
    """A database of its own, and a stopwatch that also reads the server's CPU."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(start_embedded_server(directory))
        # With the triggers that count its rows, as every database of the product has them.
        migrate(self.database)
        self._server = psutil.Process(int((directory / "postmaster.pid").read_text().split()[0]))
        self._round = 0

    def cpu_seconds(self) -> float:
        """CPU seconds so far, of this process and of the server with all its backends, past and present."""
        total = time.process_time()
        for process in (self._server, *self._server.children()):
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile, and counts among those of the server below
                spent = process.cpu_times()
                total += spent.user + spent.system
        ended = self._server.cpu_times()
        return float(total + ended.children_user + ended.children_system)

    def median_cost(self, tasks: int, work: Callable[[], None], *, before: Callable[[], None]) -> Cost:
        """The median cost of a task over the rounds of `work`, each after an untimed `before`."""
        costs = []
        for _ in range(ROUNDS):
            before()
            wall, cpu = time.perf_counter(), self.cpu_seconds()
            work()
            costs.append(Cost((time.perf_counter() - wall) / tasks, (self.cpu_seconds() - cpu) / tasks))
        return Cost(median(cost.wall for cost in costs), median(cost.cpu for cost in costs))

    def new_tasks(self, count: int) -> list[NewTask]:
        """Tasks that no round has had, as the catalogue's images are."""
        self._round += 1
        url = "https://images.example.org/pictures/{}/{}.jpg"
        return [
            NewTask(f"{self._round}-{n}", {"url": url.format(self._round, n)}, grouping="A23") for n in range(count)
        ]

    def empty(self) -> None:
        """Forget all tasks."""
        with self.database.connect() as connection:
            connection.exec_driver_sql("TRUNCATE task")

    def enqueue(self, queue: TaskQueue, tasks: list[NewTask]) -> None:
        """Enqueue in one transaction."""
        with self.database.begin() as connection:
            queue.enqueue(connection, tasks)

    def enqueue_one_by_one(self, queue: TaskQueue, tasks: list[NewTask]) -> None:
        """The naive way: a transaction for each."""
        for task in tasks:
            self.enqueue(queue, [task])

    def fill(self, queue: TaskQueue, count: int) -> None:
        """Start a round with that many waiting tasks and no others."""
        self.empty()
        self.enqueue(queue, self.new_tasks(count))

    def drain(self, queue: TaskQueue, concurrency: int = 1) -> None:
        """Drain the queue with one worker."""

        async def work() -> None:
            with Worker(self.database, queue) as worker:
                await worker.drain(Completing(), options=DrainOptions(idle_seconds=0, concurrency=concurrency))

        asyncio.run(work())

    def drain_one_by_one(self, queue: TaskQueue) -> None:
        """The naive way: claim one, settle it, claim the next."""
        while True:
            with self.database.begin() as connection:
                tasks = queue.claim(connection, worker=0, limit=1)
            if not tasks:
                return
            with self.database.begin() as connection:
                queue.settle(connection, [Outcome(task) for task in tasks])


class Completing(TaskHandler[float]):
    """Completes a batch in one transaction; the result of a task is when its handler got it."""

    def __init__(self, on_batch: Callable[[float], None] = lambda _: None) -> None:
        self._on_batch = on_batch

    async def handle(self, claim: Claim[float]) -> None:
        """Complete the batch."""
        self._on_batch(time.perf_counter())
        await asyncio.to_thread(self._settle, claim)

    def failure(self, settled: Settled) -> float:
        """No task fails here."""
        raise AssertionError(settled)

    def _settle(self, claim: Claim[float]) -> None:
        with claim.transaction() as connection:
            claim.settle(connection, [Outcome(task) for task in claim.tasks])


def make_queue(name: str = "bench", batch: int = 100) -> TaskQueue:
    """A queue whose tasks are never retried."""
    return TaskQueue(QueuePolicy(name, RetryPolicy(1), batch=batch))


def race_enqueue(bench: Bench) -> tuple[Cost, Cost]:
    """25,000 tasks in one call, against one call and one transaction each."""
    queue = make_queue()
    bulk, singles = bench.new_tasks(BULK), bench.new_tasks(SINGLES)
    ours = bench.median_cost(BULK, lambda: bench.enqueue(queue, bulk), before=bench.empty)
    naive = bench.median_cost(SINGLES, lambda: bench.enqueue_one_by_one(queue, singles), before=bench.empty)
    return ours, naive


def race_drain(bench: Bench) -> list[tuple[str, Cost, Cost]]:
    """Drains in batches of several sizes, so many at a time, against one claim at a time."""
    queue = make_queue()
    naive = bench.median_cost(SINGLES, lambda: bench.drain_one_by_one(queue), before=lambda: bench.fill(queue, SINGLES))
    raced = []
    for batch, concurrency in BATCHES:
        queue, tasks = make_queue(batch=batch), min(BULK, 200 * batch)
        ours = bench.median_cost(
            tasks, partial(bench.drain, queue, concurrency), before=partial(bench.fill, queue, tasks)
        )
        raced.append((f"drain by {batch} x {concurrency}", ours, naive))
    return raced


async def wake_up_seconds(bench: Bench, queue: TaskQueue, count: int) -> list[float]:
    """From just before each enqueue to its handler, with a drain that is warm and idle."""
    handled: asyncio.Queue[float] = asyncio.Queue()

    waits = []
    with Worker(bench.database, queue) as worker:
        draining = asyncio.create_task(worker.drain(Completing(handled.put_nowait)))
        for task in bench.new_tasks(count):
            await asyncio.sleep(0.02)
            began = time.perf_counter()
            await asyncio.to_thread(bench.enqueue, queue, [task])
            waits.append(await handled.get() - began)
        worker.stop()
        await draining
    return waits


async def polled_seconds(bench: Bench, queue: TaskQueue, count: int) -> list[float]:
    """The same with a loop that looks every tenth of a second."""
    handled: asyncio.Queue[float] = asyncio.Queue()

    def look() -> int:
        with bench.database.begin() as connection:
            tasks = queue.claim(connection, worker=0)
            queue.settle(connection, [Outcome(task) for task in tasks])
        return len(tasks)

    async def poll() -> None:
        while True:
            if await asyncio.to_thread(look):
                handled.put_nowait(time.perf_counter())
            await asyncio.sleep(POLL_SECONDS)

    polling = asyncio.create_task(poll())
    waits = []
    for n, task in enumerate(bench.new_tasks(count)):
        await asyncio.sleep(n % 10 / 100)  # so that the looks and the tasks do not march in step
        began = time.perf_counter()
        await asyncio.to_thread(bench.enqueue, queue, [task])
        waits.append(await handled.get() - began)
    polling.cancel()
    return waits


def row(name: str, ours: Cost, naive: Cost) -> tuple[str, ...]:
    """One line of the table of rates."""
    return (
        name,
        f"{1 / ours.wall:,.0f}",
        f"{1 / naive.wall:,.0f}",
        f"{naive.wall / ours.wall:.1f}",
        f"{1e6 * ours.cpu:,.0f}",
        f"{1e6 * naive.cpu:,.0f}",
        f"{naive.cpu / ours.cpu:.1f}",
    )


@contextmanager
def opened() -> Iterator[Bench]:
    """A bench over an embedded server that lives as long as this process."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        bench = Bench(Path(directory) / "postgres")
        try:
            yield bench
        finally:
            bench.database.close()


def races(_options: Options) -> Iterator[Race]:
    """Rates, and how soon a task is begun with."""
    console = Console()
    rates = Table("", "tasks/s", "one by one", "ratio", "CPU us", "one by one", "ratio", title="Work queue")
    waits = Table("", "p50 ms", "p99 ms", title="From enqueueing to the handler")
    with opened() as bench:
        for name, ours, naive in (("enqueue in bulk", *race_enqueue(bench)), *race_drain(bench)):
            rates.add_row(*row(name, ours, naive))
            yield Race(f"1,000 tasks: {name}", Timing(*ours).times(1000), Timing(*naive).times(1000), "one by one")
        typical: list[Timing] = []
        for name, race in (("warm drain", wake_up_seconds), ("poll every 100 ms", polled_seconds)):
            steps = quantiles(asyncio.run(race(bench, make_queue(name), WAKE_UPS)), n=100)
            waits.add_row(name, f"{1e3 * steps[49]:.1f}", f"{1e3 * steps[98]:.1f}")
            typical.append(Timing(steps[49], 0.0))
        warm, polled = typical
        yield Race("from enqueueing to the handler, p50", warm, polled, "a look every 100 ms")
    console.print(rates, waits)
