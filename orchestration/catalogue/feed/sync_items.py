"""What a sync waits for: its planned families, then the images that those families brought.

It writes the table `sync_item`, moves the counts of `sync` with it, and decides a sync's state. Keep out: beginning,
stopping and reading syncs (`sync_runs`).

An item is deleted when it is settled, so that it counts once, however often its task runs. A failed item stays: when it
succeeds after a replay, its sync counts it by its new outcome, and is no longer failed by it.

Counts move in the transaction that settles the tasks. It locks the sync's row first: of two workers that settle the
last two items at the same time, the second one sees what the first one did, and ends the sync.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.catalogue.tables import sync, sync_item

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from orchestration.work_queue.queue import TaskQueue

FAILED = "failed"


class ItemKind(StrEnum):
    """What an item stands for."""

    FAMILY = "family"
    IMAGE = "image"


def add_families(connection: sa.Connection, sync_id: int, a_numbers: Iterable[str]) -> None:
    """Let the sync wait for these families."""
    values = {"sync_id": sync_id, "kind": ItemKind.FAMILY, "keys": list(a_numbers)}
    connection.execute(_ADD, values)


def settle_families(
    connection: sa.Connection, outcomes: Mapping[str, str], images: Mapping[str, Collection[str]] | None = None
) -> None:
    """Count families that have ended, in each sync that waits for them.

    `outcomes` are the names of the count columns by a_number. `images` are the URLs that were queued for a family: its
    sync waits for them from now on.
    """
    sync_ids = _lock(connection, ItemKind.FAMILY, outcomes)
    if not sync_ids:
        return
    pairs = [(a_number, url) for a_number, urls in (images or {}).items() for url in urls]
    waited_for = {"a_numbers": [pair[0] for pair in pairs], "urls": [pair[1] for pair in pairs], "sync_ids": sync_ids}
    moves: dict[int, Counter[str]] = defaultdict(Counter)
    for sync_id in connection.execute(_ADD_IMAGES, waited_for).scalars() if pairs else ():
        moves[sync_id]["images"] += 1
    for sync_id, key, was_failed in _take(connection, ItemKind.FAMILY, outcomes, sync_ids):
        moves[sync_id].update({"settled": 0 if was_failed else 1, FAILED: -was_failed})
        moves[sync_id][outcomes[key]] += 1
    _move(connection, moves)


def settle_images(connection: sa.Connection, failed: Mapping[str, bool]) -> None:
    """Count images that have ended, in each sync that waits for them; `failed` says by URL whether each is dead."""
    outcomes = {url: FAILED if is_failed else "stored" for url, is_failed in failed.items()}
    sync_ids = _lock(connection, ItemKind.IMAGE, outcomes)
    if not sync_ids:
        return
    moves: dict[int, Counter[str]] = defaultdict(Counter)
    for sync_id, url, was_failed in _take(connection, ItemKind.IMAGE, outcomes, sync_ids):
        moves[sync_id].update({"images_settled": 0 if was_failed else 1})
        moves[sync_id].update({"images_failed": failed[url] - was_failed})
    _move(connection, moves)


def settle_forgotten(connection: sa.Connection, kind: ItemKind, queue: TaskQueue) -> None:
    """Count items as failed that no task of `queue` will settle any more: somebody has removed the task."""
    waiting = sa.select(sync_item.c.key).where(sync_item.c.kind == kind, ~sync_item.c.is_failed).distinct()
    keys = list(connection.execute(waiting).scalars())
    forgotten = sorted(set(keys) - queue.unfinished(connection, keys))
    if kind is ItemKind.FAMILY:
        settle_families(connection, dict.fromkeys(forgotten, FAILED))
    else:
        settle_images(connection, dict.fromkeys(forgotten, True))


def adopt_items(connection: sa.Connection, sync_id: int, earlier: Sequence[int], queue: TaskQueue) -> None:
    """Let the sync wait for what earlier ones of its supplier still wait for; what failed in them is forgotten.

    `queue` holds the tasks of families: a family without one is not waited for.
    """
    left = sync_item.c.sync_id == sa.any_(sa.cast(list(earlier), sa.ARRAY(sa.BigInteger)))
    taken = connection.execute(
        sa.delete(sync_item).where(left).returning(sync_item.c.kind, sync_item.c.key, sync_item.c.is_failed)
    ).all()
    waiting = [(kind, key) for kind, key, is_failed in taken if not is_failed]
    queued = queue.unfinished(connection, [key for kind, key in waiting if kind == ItemKind.FAMILY])
    add_families(connection, sync_id, sorted(queued))
    urls = sorted({key for kind, key in waiting if kind == ItemKind.IMAGE})
    connection.execute(_ADD, {"sync_id": sync_id, "kind": ItemKind.IMAGE, "keys": urls})


def forget_items(connection: sa.Connection, sync_id: int) -> None:
    """Let the sync wait for nothing, so that nothing moves its counts any more."""
    connection.execute(sa.delete(sync_item).where(sync_item.c.sync_id == sync_id))


def count_items(connection: sa.Connection, sync_id: int) -> None:
    """Set what a new sync waits for, and the state that follows."""
    connection.execute(_COUNT, {"sync_id": sync_id})
    _set_states(connection, [sync_id])


def _lock(connection: sa.Connection, kind: ItemKind, keys: Collection[str]) -> list[int]:
    """The syncs that have an item of these keys, locked in the order of their ids, so that nobody waits in a ring."""
    found = connection.execute(_SYNCS, {"kind": kind, "keys": sorted(keys)}).scalars().all() if keys else []
    if found:
        connection.execute(_LOCK, {"sync_ids": list(found)})
    return list(found)


def _take(
    connection: sa.Connection, kind: ItemKind, outcomes: Mapping[str, str], sync_ids: Sequence[int]
) -> list[tuple[int, str, bool]]:
    """Take the settled items out, but for those that failed; returns sync, key, and whether it had failed before."""
    keys = sorted(outcomes)
    taken = connection.execute(_TAKE, {"kind": kind, "keys": keys, "sync_ids": list(sync_ids)}).all()
    failed = [
        {"sync_id": row.sync_id, "kind": kind, "key": row.key, "is_failed": True}
        for row in taken
        if outcomes[row.key] == FAILED
    ]
    if failed:
        connection.execute(sa.insert(sync_item), failed)
    return [(row.sync_id, row.key, row.is_failed) for row in taken]


def _move(connection: sa.Connection, moves: Mapping[int, Mapping[str, int]]) -> None:
    for sync_id, counts in sorted(moves.items()):
        values = {name: sync.c[name] + count for name, count in counts.items() if count}
        if values:
            connection.execute(sa.update(sync).where(sync.c.id == sync_id).values(values))
    _set_states(connection, sorted(moves))


def _set_states(connection: sa.Connection, sync_ids: Sequence[int]) -> None:
    """Set status, step and end by the counts.

    A sync runs until its last image is settled. It fails by families alone; images that are dead are counted.
    """
    if sync_ids:
        connection.execute(_SET_STATES, {"sync_ids": list(sync_ids)})


_ADD = sa.text("""
    INSERT INTO sync_item (sync_id, kind, key)
    SELECT :sync_id, :kind, key FROM unnest(CAST(:keys AS text[])) AS k (key) ON CONFLICT DO NOTHING
""")

_ADD_IMAGES = sa.text("""
    INSERT INTO sync_item (sync_id, kind, key)
    SELECT DISTINCT f.sync_id, 'image', i.url
    FROM unnest(CAST(:a_numbers AS text[]), CAST(:urls AS text[])) AS i (a_number, url)
    JOIN sync_item AS f ON f.kind = 'family' AND f.key = i.a_number
    WHERE f.sync_id = ANY (CAST(:sync_ids AS bigint[]))
    ON CONFLICT DO NOTHING RETURNING sync_id
""")

_SYNCS = sa.text("""
    SELECT DISTINCT sync_id FROM sync_item WHERE kind = :kind AND key = ANY (CAST(:keys AS text[])) ORDER BY sync_id
""")

_LOCK = sa.text("SELECT FROM sync WHERE id = ANY (CAST(:sync_ids AS bigint[])) ORDER BY id FOR NO KEY UPDATE")

_TAKE = sa.text("""
    DELETE FROM sync_item
    WHERE kind = :kind AND key = ANY (CAST(:keys AS text[])) AND sync_id = ANY (CAST(:sync_ids AS bigint[]))
    RETURNING sync_id, key, is_failed
""")

_COUNT = sa.text("""
    UPDATE sync SET planned = found.families, images = found.images
    FROM (SELECT count(*) FILTER (WHERE kind = 'family') AS families, count(*) FILTER (WHERE kind = 'image') AS images
        FROM sync_item WHERE sync_id = :sync_id) AS found
    WHERE id = :sync_id
""")

_SET_STATES = sa.text("""
    UPDATE sync SET status = now.status, step = now.step,
        finished_at = CASE WHEN now.status = 'running' THEN NULL ELSE now() END
    FROM (
        SELECT id,
            CASE WHEN settled < planned OR images_settled < images THEN 'running'
                WHEN failed > 0 THEN 'failed' ELSE 'completed' END AS status,
            CASE WHEN settled < planned THEN 'importing_families' WHEN images_settled < images THEN 'mirroring_images'
                WHEN failed > 0 THEN 'importing_families' ELSE 'complete' END AS step
        FROM sync
    ) AS now
    WHERE sync.id = now.id AND sync.id = ANY (CAST(:sync_ids AS bigint[]))
""")
