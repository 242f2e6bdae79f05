"""Dead letters that somebody takes care of: which there are of one error, and those that are settled another way.

Keep out: letting them begin again (`TaskQueue.replay`), and grouping them by what they died of (`browsing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from orchestration.work_queue.queue import TaskQueue

_KEYS = sa.text("""
SELECT key FROM task WHERE queue = :queue AND state = 'dead'
    AND (CAST(:fingerprint AS text) IS NULL OR fingerprint = :fingerprint)
    AND (CAST(:keys AS text[]) IS NULL OR key = ANY (CAST(:keys AS text[])))
ORDER BY finished_at DESC, id DESC LIMIT :limit""")

_DISMISS = sa.text("""
UPDATE task SET state = 'cancelled', reason = NULL, finished_at = statement_timestamp()
WHERE queue = :queue AND state = 'dead' AND key = ANY (CAST(:keys AS text[]))""")


def dead_keys(
    connection: sa.Connection,
    queue: str,
    *,
    fingerprint: str | None = None,
    keys: Sequence[str] | None = None,
    limit: int,
) -> list[str]:
    """The keys of dead tasks, of one error, or those of `keys` that are dead; the newest first."""
    wanted = None if keys is None else list(keys)
    values = {"queue": queue, "fingerprint": fingerprint, "keys": wanted, "limit": limit}
    return list(connection.execute(_KEYS, values).scalars())


def dismiss(connection: sa.Connection, queue: TaskQueue, keys: Collection[str]) -> int:
    """End dead tasks as cancelled, since something else does their work now; how many. What they died of stays."""
    return connection.execute(_DISMISS, {"queue": queue.name, "keys": list(keys)}).rowcount
