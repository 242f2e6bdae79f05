"""Planning a supplier's sync: the difference between the feed and what is stored, before anything is downloaded.

It compares, and queues the families to download. Keep out: reading the feed (`feed`), the rules of removal (`guard`)
and its effects (`removal`), downloading (`importer`).

One transaction plans one supplier, so a killed plan leaves nothing behind. One query compares the feed's hash of each
family with the stored one: a family whose hash is equal costs no download and no write.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.feed.entries import list_entries
from orchestration.catalogue.feed.guard import RemovalVerdict, judge_removals
from orchestration.catalogue.feed.removal import remove_families
from orchestration.catalogue.feed.suppliers import register_supplier
from orchestration.catalogue.feed.sync_runs import SyncStart, Written, begin_sync, count_written
from orchestration.catalogue.tables import product_family, supplier
from orchestration.settings import RemovalPolicy
from orchestration.work_queue.model import NewTask

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from orchestration.catalogue.feed.lines import FeedEntry
    from orchestration.work_queue.queue import TaskQueue


class Difference(StrEnum):
    """How a family's line in the feed differs from what is stored."""

    ADDED = "added"
    CHANGED = "changed"
    RESTORED = "restored"
    REMOVED = "removed"
    QUARANTINED = "quarantined"


class PlanOptions(NamedTuple):
    """How a supplier is planned. `full` queues every listed family, also those whose hash is known."""

    full: bool = False
    allow_mass_removal: bool = False
    removal_policy: RemovalPolicy = RemovalPolicy.UNPUBLISH
    guard_share: float = 0.2
    guard_minimum: int = 5


DEFAULT_OPTIONS = PlanOptions()


class SupplierFeed(NamedTuple):
    """What the feed says of one supplier.

    `refused` are families that it mentions in lines that cannot be used: they are neither synced nor removed. `damage`
    says what shows that the file is not whole, `is_last` whether the file ends with this supplier, and `sha256` is of
    the whole file.
    """

    code: str
    entries: Sequence[FeedEntry]
    refused: Collection[str] = ()
    fingerprint: str = ""
    damage: str = ""
    is_last: bool = True
    sha256: str = ""


@dataclass(frozen=True)
class SupplierPlan:
    """What a plan found and did. `queued` families are downloaded next; `sync_id` is None when nothing was written.

    `released` are queued though they do not differ, to let go of the variants that the guard kept.
    """

    supplier: str
    listed: int
    differences: Mapping[Difference, tuple[str, ...]]
    removals: RemovalVerdict
    queued: tuple[str, ...] = field(default=())
    sync_id: int | None = None
    rows_written: int = 0
    is_full: bool = False
    released: int = 0

    def count(self, difference: Difference) -> int:
        """How many families differ in this way."""
        return len(self.differences.get(difference, ()))

    @property
    def unchanged(self) -> int:
        """How many listed families are equal to what is stored, by the supplier's hash."""
        differing = sum(self.count(kind) for kind in Difference if kind is not Difference.REMOVED)
        return self.listed - differing - self.released

    @property
    def removed(self) -> int:
        """How many families were removed, which is none when they were held back."""
        return self.count(Difference.REMOVED) if self.removals.allowed else 0

    @property
    def held_back(self) -> int:
        """How many removals the guard held back."""
        return self.count(Difference.REMOVED) - self.removed


def plan_supplier(
    connection: sa.Connection, queue: TaskQueue, feed: SupplierFeed, options: PlanOptions = DEFAULT_OPTIONS
) -> SupplierPlan:
    """Plan one supplier's sync in the caller's transaction; the same feed again writes nothing at all."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"plan {feed.code}"))))
    differences = find_differences(connection, feed)
    removed = differences.get(Difference.REMOVED, ())
    verdict = judge_removals(
        _listed_so_far(connection, feed.code),
        len(removed),
        len(feed.entries) + len(feed.refused),
        allow=options.allow_mass_removal,
        share=options.guard_share,
        minimum=options.guard_minimum,
        damage=feed.damage,
        lost_tail=_lost_tail(connection, feed, differences),
    )
    queued = _to_download(differences, feed.entries, full=options.full)
    released: list[str] = []
    if options.allow_mass_removal and not options.full:
        released = [a_number for a_number in _with_variants_held_back(connection, feed) if a_number not in queued]
    plan = SupplierPlan(
        feed.code, len(feed.entries), differences, verdict, (*queued, *released), is_full=options.full,
        released=len(released),
    )  # fmt: skip
    if not (plan.queued or plan.removed) and not _feed_moved(connection, feed):
        return plan
    return _execute(connection, queue, feed, plan, options)


def find_differences(connection: sa.Connection, feed: SupplierFeed) -> dict[Difference, tuple[str, ...]]:
    """The supplier's families that differ from the feed, by kind, in order of their key."""
    parameters = {
        "supplier": feed.code,
        "a_numbers": [entry.a_number for entry in feed.entries],
        "hashes": [entry.supplier_hash for entry in feed.entries],
        "refused": list(feed.refused),
    }
    found: dict[Difference, list[str]] = {}
    for a_number, kind in connection.execute(_DIFFERENCE, parameters):
        found.setdefault(Difference(kind), []).append(a_number)
    return {kind: tuple(sorted(a_numbers)) for kind, a_numbers in found.items()}


def _execute(
    connection: sa.Connection, queue: TaskQueue, feed: SupplierFeed, plan: SupplierPlan, options: PlanOptions
) -> SupplierPlan:
    removed = plan.differences.get(Difference.REMOVED, ())
    rows = register_supplier(connection, feed.code, feed.fingerprint)
    rows += list_entries(connection, feed.code, feed.entries, keep=() if plan.removals.allowed else removed)
    _remember_order(connection, feed, plan)
    sync_id = begin_sync(
        connection,
        queue,
        SyncStart(
            supplier=feed.code,
            is_full=options.full,
            listed=plan.listed,
            queued=plan.queued,
            unchanged=0 if options.full else plan.unchanged,
            removed=plan.removed,
            held_back=plan.held_back,
            quarantined=0 if options.full else plan.count(Difference.QUARANTINED),
            message=plan.removals.reason,
        ),
    )
    if plan.removals.allowed:
        rows += remove_families(connection, sync_id, removed, options.removal_policy)
    count_written(connection, sync_id, Written(rows_written=rows))
    payload = {"sync": sync_id, "force": options.full or options.allow_mass_removal}
    payload |= {"allow_mass_removal": True} if options.allow_mass_removal else {}
    queue.enqueue(connection, [NewTask(a_number, payload, grouping=feed.code) for a_number in plan.queued])
    return replace(plan, sync_id=sync_id, rows_written=rows)


def _to_download(
    differences: Mapping[Difference, tuple[str, ...]], entries: Sequence[FeedEntry], *, full: bool
) -> tuple[str, ...]:
    if full:
        return tuple(entry.a_number for entry in entries)
    return tuple(a_number for kind in _DOWNLOADED for a_number in differences.get(kind, ()))


def _with_variants_held_back(connection: sa.Connection, feed: SupplierFeed) -> list[str]:
    """The supplier's listed families that the guard kept variants of."""
    held = sa.select(product_family.c.a_number).where(
        product_family.c.supplier == feed.code, product_family.c.variants_held_back > 0
    )
    listed = {entry.a_number for entry in feed.entries}
    return sorted(a_number for a_number in connection.execute(held).scalars() if a_number in listed)


def _listed_so_far(connection: sa.Connection, code: str) -> int:
    """How many of the supplier's families the feed listed so far."""
    listed = sa.select(sa.func.count()).where(product_family.c.supplier == code, product_family.c.removed_at.is_(None))
    return connection.execute(listed).scalar_one()


def _lost_tail(
    connection: sa.Connection, feed: SupplierFeed, differences: Mapping[Difference, tuple[str, ...]]
) -> bool:
    """Whether the file may have been cut between two lines, and no other file has said the same yet.

    A file that was cut there is sound by itself. It lacks the last lines of the one before, and has no new ones.
    """
    gone = differences.get(Difference.REMOVED, ())
    if not gone or not feed.is_last or differences.get(Difference.ADDED):
        return False
    known = connection.execute(
        sa.select(supplier.c.last_listed, supplier.c.tail_gone_in).where(supplier.c.code == feed.code)
    ).one_or_none()
    if known is None or {*(known.last_listed or ())[-len(gone) :]} != {*gone}:
        return False
    return known.tail_gone_in in {None, feed.sha256}


def _remember_order(connection: sa.Connection, feed: SupplierFeed, plan: SupplierPlan) -> None:
    """Note the order of the families, or in which file the last of them were missing for the first time."""
    values: dict[str, object] = {}
    if not plan.held_back:
        values = {"last_listed": [entry.a_number for entry in feed.entries], "tail_gone_in": None}
    elif not feed.damage and _lost_tail(connection, feed, plan.differences):
        values = {"tail_gone_in": feed.sha256}
    if values:
        connection.execute(sa.update(supplier).where(supplier.c.code == feed.code).values(values))


def _feed_moved(connection: sa.Connection, feed: SupplierFeed) -> bool:
    """Whether the supplier's lines differ from those of its last plan, if only by lines that change no family."""
    known = connection.execute(sa.select(supplier.c.fingerprint).where(supplier.c.code == feed.code)).scalar()
    return known != feed.fingerprint


_DOWNLOADED = (Difference.ADDED, Difference.CHANGED, Difference.RESTORED)


# One pass over both sides. A document that was quarantined for what its bytes say is not worth a download until the
# feed shows another hash. A family whose download failed differs as it did before, and is asked for again.
_DIFFERENCE = sa.text("""
    SELECT a_number, CASE
        WHEN f.supplier_hash IS NULL THEN 'removed'
        WHEN q.supplier_hash = f.supplier_hash THEN 'quarantined'
        WHEN p.supplier_hash IS NULL THEN 'added'
        WHEN p.removed_at IS NOT NULL THEN 'restored'
        ELSE 'changed' END
    FROM unnest(CAST(:a_numbers AS text[]), CAST(:hashes AS text[])) AS f (a_number, supplier_hash)
    FULL JOIN (
        SELECT a_number, supplier_hash, removed_at FROM product_family WHERE supplier = :supplier
    ) AS p USING (a_number)
    LEFT JOIN (SELECT a_number, supplier_hash FROM quarantine WHERE NOT is_transfer) AS q USING (a_number)
    WHERE CASE
        WHEN f.supplier_hash IS NULL THEN p.removed_at IS NULL AND a_number <> ALL (CAST(:refused AS text[]))
        ELSE q.supplier_hash = f.supplier_hash
            OR p.supplier_hash IS DISTINCT FROM f.supplier_hash
            OR p.removed_at IS NOT NULL END
""")
