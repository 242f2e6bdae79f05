"""The sign of life of a worker.

The one connection that a worker keeps for itself, and the thread that watches it. Keep out: the work.

The session holds an advisory lock on the worker's number, so a killed process shows in `pg_locks` at once; it listens
for new tasks; and it renews the leases. The thread is its own, so that a handler that computes in the event loop does
not cost the worker its tasks. When the server ends the session, the socket becomes readable: the thread takes the lock
again in a new session within a tenth of a second, mostly before anyone has missed it.
"""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
from tenacity import Retrying, retry_if_exception_type, sleep_using_event, stop_when_event_set, wait_fixed

from orchestration.errors import TransientError
from orchestration.storage.database import driver_connection
from orchestration.work_queue import statements
from orchestration.work_queue.queue import LOCK_CLASS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa

    from orchestration.storage.database import Database
    from orchestration.work_queue.queue import TaskQueue

RECONNECT_SECONDS = 0.05


class WorkerPresence:
    """Shows that `worker` lives, from `open` to `close`.

    In its thread it calls `wake` when there may be work, and `cancel` when one of the worker's tasks is to be
    cancelled.
    """

    def __init__(
        self,
        database: Database,
        queue: TaskQueue,
        worker: int,
        wake: Callable[[], None],
        cancel: Callable[[], None],
    ) -> None:
        self._database = database
        self._queue = queue
        self._worker = worker
        self._listeners = {queue.name: wake, queue.cancel_notice(worker): cancel}
        self._held = Event()
        self._closing = Event()
        self._hang_up, self._hung_up = socket.socketpair()
        self._thread = Thread(target=self._run, name=f"presence of worker {worker}", daemon=True)

    def open(self) -> None:
        """Start; on return the lock is held, and no NOTIFY is missed from here on.

        Raises `TransientError` when the database does not answer for the length of a lease.
        """
        self._thread.start()
        if not self._held.wait(self._queue.policy.lease_seconds):
            self.close()
            raise TransientError(f"Worker {self._worker} of the queue {self._queue.name!r} found no database")

    @property
    def held(self) -> bool:
        """Whether the others see that this worker lives, as far as is known."""
        return self._held.is_set()

    def close(self) -> None:
        """Give up the lock, and end the thread."""
        self._closing.set()
        self._hang_up.close()
        self._thread.join()
        self._hung_up.close()

    def _run(self) -> None:
        patience = Retrying(
            retry=retry_if_exception_type((TransientError, psycopg.OperationalError)),
            wait=wait_fixed(RECONNECT_SECONDS),
            sleep=sleep_using_event(self._closing),
            stop=stop_when_event_set(self._closing),
            retry_error_callback=lambda _: None,
        )
        patience(self._live)

    def _live(self) -> None:
        with self._session() as connection, selectors.DefaultSelector() as selector:
            driver = driver_connection(connection)
            selector.register(driver, selectors.EVENT_READ)
            selector.register(self._hung_up, selectors.EVENT_READ)
            for listener in self._listeners.values():  # for what was said while nobody listened
                listener()
            while not self._closing.is_set():
                self._queue.renew(connection, self._worker)
                self._listen(driver, selector)

    @contextmanager
    def _session(self) -> Iterator[sa.Connection]:
        """A connection that the pool never gets back, since the lock lives as long as the session."""
        with self._database.connect() as connection:
            try:
                connection.execute(statements.LISTEN)
                connection.execute(statements.SHOW_LIFE, {"lock_class": LOCK_CLASS, "worker": self._worker})
                self._held.set()
                yield connection
            finally:
                self._held.clear()
                connection.invalidate()

    def _listen(self, driver: psycopg.Connection[object], selector: selectors.BaseSelector) -> None:
        """Pass on each NOTIFY that concerns this worker until the leases are due for renewal."""
        renewal = time.monotonic() + self._queue.policy.lease_seconds / 3
        while not self._closing.is_set() and (left := renewal - time.monotonic()) > 0:
            selector.select(left)
            for payload in {notify.payload for notify in driver.notifies(timeout=0)} & self._listeners.keys():
                self._listeners[payload]()
