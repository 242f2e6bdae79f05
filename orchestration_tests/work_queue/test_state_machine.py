"""The table against a model of it, under any sequence of what callers may do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orchestration.errors import ConflictError, PermanentError
from orchestration.work_queue.model import Enqueued, NewTask, StaleClaimError, Task
from orchestration.work_queue.queue import LOCK_CLASS
from orchestration_tests.work_queue.queues import claim, make_queue, pass_time, reap, settle

if TYPE_CHECKING:
    from orchestration.storage.database import Database

ATTEMPTS, WAIT, LONG = 2, 1_000.0, 2_000.0
WORKERS = (1, 2)
NEW_TASKS = st.builds(
    NewTask, key=st.sampled_from("abc"), payload=st.integers(0, 9), delay=st.sampled_from([0.0, WAIT])
)


@dataclass
class Row:
    """A task of the model. Times are in seconds on the model's own clock."""

    id: int
    payload: object
    run_at: float
    state: str = "waiting"
    attempt: int = 0
    crashes: int = 0
    rerun: bool = False
    worker: int | None = None
    cancel: bool = False

    def end(self, state: str, *, run_at: float | None = None) -> None:
        """Leave the active state, for `state` unless the task was enqueued again meanwhile, or is not to go on."""
        if self.rerun:
            self.state, self.attempt = "waiting", 0
        elif self.cancel and state == "waiting":
            self.state = "cancelled"
        else:
            self.state, self.run_at = state, self.run_at if run_at is None else run_at
        self.rerun, self.worker, self.cancel = False, None, False


class QueueMachine(RuleBasedStateMachine):
    """Drives the real table and the model side by side, one worker's batch at a time."""

    database: Database

    @initialize()
    def begin(self) -> None:
        self.queue = make_queue(attempts=ATTEMPTS, wait=WAIT)
        self.rows: dict[str, Row] = {}
        self.ended = Counter[tuple[str, str]]()
        self.newest_ended: dict[str, Row] = {}
        self.claims: list[tuple[int, Task]] = []
        self.clock, self.ids = 0.0, 0
        with self.database.begin() as connection:
            connection.execute(sa.text("DELETE FROM task"))
        # The living workers' locks, all held by one session.
        self._locks = self.database.connect()
        self.locks = self._locks.__enter__()
        for worker in WORKERS:
            self.locks.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK_CLASS, worker)))

    def teardown(self) -> None:
        self.locks.execute(sa.select(sa.func.pg_advisory_unlock_all()))
        self._locks.__exit__(None, None, None)

    def tick(self) -> float:
        self.clock += 1e-3
        return self.clock

    def drop_ended(self) -> None:
        """What is completed or cancelled leaves its key free, and is remembered."""
        for key, row in list(self.rows.items()):
            if row.state in ("completed", "cancelled"):
                self.ended[key, row.state] += 1
                self.newest_ended[key] = self.rows.pop(key)

    def due(self) -> list[Row]:
        waiting = [row for row in self.rows.values() if row.state == "waiting" and row.run_at <= self.clock]
        return sorted(waiting, key=lambda row: (row.run_at, row.id))

    @rule(tasks=st.lists(NEW_TASKS, min_size=1, max_size=3))
    def enqueue(self, tasks: list[NewTask]) -> None:
        with self.database.begin() as connection:
            result = self.queue.enqueue(connection, tasks)
        keys = {task.key for task in tasks}
        assert result == Enqueued(new=len(keys - self.rows.keys()), refreshed=len(keys & self.rows.keys()))
        now = self.tick()
        for task in tasks:
            self.enqueue_one(task, now + task.delay)

    def enqueue_one(self, task: NewTask, run_at: float) -> None:
        if task.key not in self.rows:
            self.ids += 1
            self.rows[task.key] = Row(self.ids, task.payload, run_at)
        row = self.rows[task.key]
        row.payload = task.payload
        if row.state == "dead":
            row.state, row.attempt, row.run_at = "waiting", 0, run_at
        elif row.state == "active":
            row.run_at = min(row.run_at, run_at) if row.rerun else run_at
            row.rerun = True
        elif row.attempt == 0:
            row.run_at = min(row.run_at, run_at)

    @rule(worker=st.sampled_from(WORKERS), limit=st.integers(1, 4))
    def claim(self, worker: int, limit: int) -> None:
        self.tick()
        candidates = self.due()[:limit]
        held = [row for row in self.rows.values() if row.worker == worker]
        if any(row.crashes for row in held):
            expected = []
        elif candidates and candidates[0].crashes:
            expected = candidates[:1] if not held else []
        else:
            expected = [row for row in candidates if not row.crashes]
        tasks = claim(self.database, self.queue, worker, limit)
        for row in expected:
            row.state, row.worker, row.attempt = "active", worker, row.attempt + 1
        assert [(self.rows[task.key].id, task.payload, task.attempt) for task in tasks] == [
            (row.id, row.payload, row.attempt) for row in expected
        ]
        self.claims += [(worker, task) for task in tasks]

    def owned(self, worker: int, task: Task) -> bool:
        """Whether this is the latest claim of the key's row, and the row is still active under it."""
        row = self.rows.get(task.key)
        latest = [other for _, other in self.claims if other.key == task.key][-1]
        return row is not None and row.worker == worker and latest is task

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), error=st.sampled_from([None, ValueError("again"), PermanentError("never")]))
    def settle(self, data: st.DataObject, error: Exception | None) -> None:
        worker, task = data.draw(st.sampled_from(self.claims))
        now = self.tick()
        if not self.owned(worker, task):
            with pytest.raises(StaleClaimError):
                settle(self.database, self.queue, [task], error)
            return
        settle(self.database, self.queue, [task], error)
        row = self.rows[task.key]
        if error is None:
            row.crashes = 0
            row.end("completed")
        elif isinstance(error, PermanentError) or row.attempt >= ATTEMPTS:
            row.end("dead")
        else:
            row.end("waiting", run_at=now + WAIT)
        self.drop_ended()

    @rule(task=NEW_TASKS)
    def enqueue_once(self, task: NewTask) -> None:
        present = self.rows.get(task.key) or self.newest_ended.get(task.key)
        if present is not None and present.payload != task.payload:
            with pytest.raises(ConflictError, match=f"under the key {task.key}"), self.database.begin() as connection:
                self.queue.enqueue_once(connection, task)
            return
        with self.database.begin() as connection:
            found = self.queue.enqueue_once(connection, task)
        assert found.is_new == (present is None)
        assert found.task.state == (present.state if present else "waiting")
        if present is None:
            self.enqueue_one(task, self.tick() + task.delay)

    @rule(key=st.sampled_from("abc"))
    def cancel(self, key: str) -> None:
        with self.database.begin() as connection:
            state = self.queue.request_cancel(connection, key)
        row = self.rows.get(key)
        if row is None or row.state == "dead":
            assert state is None
            return
        if row.state == "waiting":
            row.state = "cancelled"
        else:
            row.cancel, row.rerun = True, False
        assert state == row.state
        self.drop_ended()

    @rule(worker=st.sampled_from(WORKERS))
    def lose(self, worker: int) -> None:
        """The worker's session ends, somebody looks for lost tasks, and another worker takes the number."""
        self.locks.execute(sa.select(sa.func.pg_advisory_unlock_shared(LOCK_CLASS, worker)))
        lost = reap(self.database, self.queue)
        self.locks.execute(sa.select(sa.func.pg_advisory_lock_shared(LOCK_CLASS, worker)))
        now = self.tick()
        expected = {key: row for key, row in self.rows.items() if row.worker == worker}
        assert sorted(lost) == sorted(expected)
        for row in expected.values():
            condemned = row.attempt >= ATTEMPTS and row.crashes > 0 and not row.cancel
            row.end("dead" if condemned else "waiting", run_at=now + WAIT if row.crashes and not condemned else None)
            row.crashes += 1
        self.drop_ended()

    @rule(worker=st.sampled_from(WORKERS))
    def release(self, worker: int) -> None:
        with self.database.begin() as connection:
            self.queue.release_all(connection, worker)
        for row in self.rows.values():
            if row.worker == worker:
                row.attempt -= 1
                row.end("waiting")
        self.drop_ended()

    @rule()
    def replay(self) -> None:
        with self.database.begin() as connection:
            replayed = self.queue.replay(connection)
        now = self.tick()
        dead = [row for row in self.rows.values() if row.state == "dead"]
        assert replayed == len(dead)
        for row in dead:
            row.state, row.attempt, row.run_at = "waiting", 0, now

    @rule()
    def wait(self) -> None:
        pass_time(self.database, LONG)
        self.clock += LONG
        with self.database.begin() as connection:
            for worker in WORKERS:
                self.queue.renew(connection, worker)

    @invariant()
    def the_table_is_as_the_model_says(self) -> None:
        query = """SELECT key, payload, state, attempt, crashes, rerun, worker, cancel_requested_at IS NOT NULL
            FROM task WHERE state NOT IN ('completed', 'cancelled')"""
        with self.database.begin() as connection:
            unfinished = {row.key: tuple(row)[1:] for row in connection.execute(sa.text(query))}
            ended = connection.execute(sa.text("SELECT key, state FROM task WHERE state IN ('completed', 'cancelled')"))
            assert Counter(map(tuple, ended)) == self.ended
        assert unfinished == {
            key: (row.payload, row.state, row.attempt, row.crashes, row.rerun, row.worker, row.cancel)
            for key, row in self.rows.items()
        }


def test_the_table_follows_its_model(database: Database) -> None:
    machine = type("Machine", (QueueMachine,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.generate],  # a step takes milliseconds, so shrinking would take minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
