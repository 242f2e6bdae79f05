"""Bulk actions: dead tasks that begin again as a set, which is frozen when it is asked for, a result for each item.

A thread of the API's process works through the set at once, some items a transaction, under a lock that no other
process has. What a process has left behind goes on by itself: the sensor of requests calls `resume`. Keep out: the
pages (`trouble_pages`), and how a task begins again (`revival`).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.admin.revival import revive
from orchestration.admin.tables import bulk_action
from orchestration.errors import LockTimeoutError, NotFoundError, OrchestrationError
from orchestration.observability.logs import get_logger
from orchestration.storage.database import is_database_error, transient_errors
from orchestration.work_queue.dead_letters import dead_keys
from orchestration.work_queue.encoding import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestration.domains import Domains
    from orchestration.work_queue.queue import TaskQueue

MOST_ITEMS = 100_000
CANARY_ITEMS = 5
ITEMS_AT_ONCE = 200
LONGEST_MESSAGE = 500
# So long the first item waits for a row that somebody else has locked, and so long those after it: that one may have
# locked them all, and a set is stopped only between two steps.
LOCK_SECONDS, NEXT_LOCK_SECONDS = 1.0, 0.02
# How long one tick of the sensor works on sets; the next goes on.
RESUME_SECONDS = 2.0

log = get_logger()


class NewBulk(NamedTuple):
    """A set to replay: these keys of a queue, or those that died of one error; the newest `limit` of them."""

    queue: str
    asked_by: str
    why: str = ""
    fingerprint: str | None = None
    keys: Sequence[str] | None = None
    limit: int = MOST_ITEMS


def create_bulk(connection: sa.Connection, new: NewBulk) -> tuple[int, int]:
    """Freeze the set; its number and size. Raises `NotFoundError` when nothing of it is dead."""
    keys = dead_keys(connection, new.queue, fingerprint=new.fingerprint, keys=new.keys, limit=new.limit)
    if not keys:
        raise NotFoundError(f"Nothing of that is dead in {new.queue}; somebody may have replayed it meanwhile")
    row = {
        "queue": new.queue,
        "asked_by": new.asked_by,
        "why": new.why,
        "fingerprint": new.fingerprint,
        "total": len(keys),
    }
    number = int(connection.execute(sa.insert(bulk_action).values(row).returning(bulk_action.c.id)).scalar_one())
    connection.execute(_FREEZE, {"id": number, "keys": keys})
    return number, len(keys)


def stop_bulk(connection: sa.Connection, number: int, by: str) -> bool:
    """Stop a set after the items that are being replayed just now; False when it has ended."""
    running = sa.update(bulk_action).where(bulk_action.c.id == number, bulk_action.c.state == "running")
    ended = running.values(state="stopped", stopped_by=by, finished_at=sa.func.now())
    return connection.execute(ended).rowcount == 1


def read_bulk(connection: sa.Connection, number: int) -> sa.RowMapping:
    """A set with its counts by outcome; raises `NotFoundError`."""
    found = connection.execute(_BULKS, {"id": number, "before": None, "limit": 1}).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"There is no bulk action {number}")
    return found


def list_bulks(connection: sa.Connection, *, before: int | None = None, limit: int = 100) -> list[sa.RowMapping]:
    """The newest sets first."""
    return list(connection.execute(_BULKS, {"id": None, "before": before, "limit": limit}).mappings())


def list_items(connection: sa.Connection, number: int, *, after: int = -1, limit: int = 100) -> list[sa.RowMapping]:
    """The items of a set in their order, and where the task of each is now."""
    return list(connection.execute(_ITEMS, {"id": number, "after": after, "limit": limit}).mappings())


def states_now(connection: sa.Connection, number: int) -> dict[str, int]:
    """How many of the first thousand items are in which state now: what a canary is watched by."""
    return dict(connection.execute(_STATES, {"id": number}).tuples().all())


class BulkRunner:
    """Works through the sets that are running, in one thread of this process."""

    def __init__(self, domains: Domains) -> None:
        self._domains = domains
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have what is running worked on, unless it is."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="bulk actions", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        try:
            while self.step():
                pass
        except OrchestrationError:
            log.exception("bulk action interrupted; the sensor of requests goes on with it")

    def resume(self, seconds: float = RESUME_SECONDS) -> None:
        """Work for a while on the sets that are running, wherever they were begun."""
        until = time.monotonic() + seconds
        while self.step() and time.monotonic() < until:
            pass

    def step(self) -> bool:
        """Replay some items of the oldest running set; False when there is none that no other process works on."""
        queues = {queue.name: queue for queue in self._domains.queues}
        with self._domains.services.database.begin() as connection:
            running = connection.execute(_TAKE).one_or_none()
            if running is None:
                return False
            items = connection.execute(_OPEN, {"id": running.id, "limit": ITEMS_AT_ONCE}).all()
            if not items:
                done = sa.update(bulk_action).where(bulk_action.c.id == running.id)
                connection.execute(done.values(state="completed", finished_at=sa.func.now()))
                return True
            _limit_locks(connection, LOCK_SECONDS)
            keys = [item.key for item in items]
            outcomes = _replay_all(self._domains, connection, queues.get(running.queue), keys)
            ended = [item for item in items if item.key in outcomes]
            if not ended:
                raise LockTimeoutError(f"Every item of bulk action {running.id} that is left is locked by others")
            values = {
                "id": running.id,
                "positions": [item.position for item in ended],
                "outcomes": [outcomes[item.key].outcome for item in ended],
                "messages": [outcomes[item.key].message for item in ended],
            }
            connection.execute(_END, values)
        return True


class _Replayed(NamedTuple):
    """How an item ended. The message of one that was replayed is the key that it goes on under, if that is another."""

    outcome: str
    message: str | None = None


def _replay_all(
    domains: Domains, connection: sa.Connection, queue: TaskQueue | None, keys: Sequence[str]
) -> dict[str, _Replayed]:
    """How each item ended: all at once, or one by one when that fails, so that an error is that of its item.

    One that somebody keeps locked is left out, and stays open.
    """
    if queue is None:
        return {key: _Replayed("failed", "There is no such queue any more") for key in keys}
    dead = set(dead_keys(connection, queue.name, keys=keys, limit=len(keys)))
    found = {key: _GONE for key in keys if key not in dead}
    try:
        with transient_errors(), connection.begin_nested():
            successors = revive(domains, connection, queue, sorted(dead))
    except Exception as error:
        is_locked = isinstance(error, LockTimeoutError)
        if is_database_error(error) and not is_locked:
            raise
        if is_locked:
            _limit_locks(connection, NEXT_LOCK_SECONDS)
        if len(dead) > 1:
            for key in dead:
                found |= _replay_all(domains, connection, queue, [key])
            return found
        if is_locked:
            return found
        log.warning("item of a bulk action failed", queue=queue.name, keys=sorted(dead), exc_info=True)
        return found | dict.fromkeys(dead, _Replayed("failed", str(error)[:LONGEST_MESSAGE]))
    return found | {key: _Replayed("replayed", successors.get(key)) for key in dead}


def _limit_locks(connection: sa.Connection, seconds: float) -> None:
    connection.execute(_LIMIT_LOCKS, {"locks": milliseconds(seconds)})


_LIMIT_LOCKS = sa.text("SELECT set_config('lock_timeout', :locks, true)")
_GONE = _Replayed("gone", "It was no longer dead")
_END = sa.text("""
UPDATE bulk_item AS i SET outcome = e.outcome, message = e.message, at = clock_timestamp()
FROM unnest(CAST(:positions AS int[]), CAST(:outcomes AS text[]), CAST(:messages AS text[]))
    AS e (position, outcome, message)
WHERE i.bulk_id = :id AND i.position = e.position""")
_FREEZE = sa.text("""
INSERT INTO bulk_item (bulk_id, position, key)
SELECT :id, place - 1, key FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS item (key, place)""")
_TAKE = sa.text("""
SELECT id, queue FROM bulk_action WHERE state = 'running' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED""")
_OPEN = sa.text("""
SELECT position, key FROM bulk_item WHERE bulk_id = :id AND outcome IS NULL ORDER BY position LIMIT :limit""")
_BULKS = sa.text("""
SELECT b.*, i.replayed, i.gone, i.failed, b.total - i.replayed - i.gone - i.failed AS open
FROM (SELECT * FROM bulk_action WHERE (CAST(:id AS bigint) IS NULL OR id = :id)
    AND (CAST(:before AS bigint) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit) AS b
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE outcome = 'replayed') AS replayed, count(*) FILTER (WHERE outcome = 'gone') AS gone,
        count(*) FILTER (WHERE outcome = 'failed') AS failed
    FROM bulk_item WHERE bulk_id = b.id
) AS i ORDER BY b.id DESC""")
# By the two partial indexes of keys; without the states, neither is used.
_KEY = "CASE WHEN i.outcome = 'replayed' THEN coalesce(i.message, i.key) ELSE i.key END"
_NOW = f"""(
    SELECT state FROM (
        SELECT id, state FROM task WHERE queue = b.queue AND key = {_KEY} AND state NOT IN ('completed', 'cancelled')
        UNION ALL
        (SELECT id, state FROM task WHERE queue = b.queue AND key = {_KEY} AND state IN ('completed', 'cancelled')
        ORDER BY id DESC LIMIT 1)
    ) AS of_key ORDER BY id DESC LIMIT 1)"""  # noqa: S608 - of our own constants
_ITEMS = sa.text(f"""
SELECT i.position, i.key, i.outcome, i.message, i.at, {_NOW} AS task_state
FROM bulk_item AS i JOIN bulk_action AS b ON b.id = i.bulk_id
WHERE i.bulk_id = :id AND i.position > :after ORDER BY i.position LIMIT :limit""")  # noqa: S608 - of our own constants
# Of the first thousand: a canary is small, and a page must not look up a hundred thousand tasks.
_STATES = sa.text(f"""
SELECT coalesce({_NOW}, 'completed'), count(*)
FROM (SELECT * FROM bulk_item WHERE bulk_id = :id ORDER BY position LIMIT 1000) AS i
JOIN bulk_action AS b ON b.id = i.bulk_id WHERE i.outcome = 'replayed' GROUP BY 1""")  # noqa: S608 - as above
