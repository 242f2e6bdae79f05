"""Which snapshots of a project are kept: all of late, then one a day, then one a week; named ones always.

The rule, and thinning one project by it. Keep out: the log, which is kept whole.

The last snapshot of a week is also the last of its day, so what is kept as a day's grows into a week's, and it makes
no difference how often or how late a project is thinned. Only snapshots whose bytes are sound count as kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.loading import mark_corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from orchestration.settings import Settings


class Kept(NamedTuple):
    """A snapshot as the rule sees it. `is_sound` is False for one that cannot be read."""

    snapshot_id: int
    created_at: datetime
    is_named: bool = False
    is_sound: bool = True


class RetentionRule(NamedTuple):
    """The newest `last` are kept, the last of each day for `days`, and the last of each week for `weeks` (UTC)."""

    last: int
    days: int
    weeks: int

    def surplus(self, snapshots: Sequence[Kept], now: datetime) -> set[int]:
        """The ids that can go. One that cannot be read stays for `days` as evidence, and counts for nothing."""
        plain = [one for one in snapshots if not one.is_named]
        newest_first = sorted((one for one in plain if one.is_sound), key=_age, reverse=True)
        daily = [one for one in newest_first if now - one.created_at <= timedelta(days=self.days)]
        weekly = [one for one in newest_first if now - one.created_at <= timedelta(weeks=self.weeks)]
        kept = {
            *(one.snapshot_id for one in newest_first[: self.last]),
            *_first_of_each(daily, lambda one: one.created_at.astimezone(UTC).date()),
            *_first_of_each(weekly, lambda one: one.created_at.astimezone(UTC).isocalendar()[:2]),
            *(one.snapshot_id for one in plain if not one.is_sound and _is_younger(one, now, self.days)),
        }
        return {one.snapshot_id for one in plain} - kept

    @property
    def horizon(self) -> timedelta:
        """The age beyond which only the newest `last` are kept."""
        return timedelta(days=max(self.days, 7 * self.weeks))


def retention_rule(settings: Settings) -> RetentionRule:
    """The rule of these settings."""
    return RetentionRule(settings.snapshot_keep_last, settings.snapshot_keep_days, settings.snapshot_keep_weeks)


def thin(connection: sa.Connection, project_id: str, rule: RetentionRule, now: datetime) -> int:
    """Delete a project's surplus snapshots; how many. Marks those whose bytes have changed since they were written."""
    rows = connection.execute(_SNAPSHOTS, {"project_id": project_id}).all()
    for row in rows:
        if row.is_changed and not row.is_marked:
            mark_corrupt(connection, project_id, row.id, "its bytes do not have the checksum stored with them")
    snapshots = [Kept(row.id, row.created_at, row.is_named, not (row.is_marked or row.is_changed)) for row in rows]
    surplus = rule.surplus(snapshots, now)
    if surplus:
        connection.execute(_DELETE, {"ids": sorted(surplus)})
    return len(surplus)


def outlived_projects(connection: sa.Connection, rule: RetentionRule, now: datetime) -> list[str]:
    """Projects that hold snapshots beyond the horizon, though nobody works on them any more."""
    parameters = {"before": now - rule.horizon, "last": rule.last}
    return list(connection.execute(_OUTLIVED, parameters).scalars())


def _age(one: Kept) -> tuple[datetime, int]:
    return one.created_at, one.snapshot_id


def _is_younger(one: Kept, now: datetime, days: int) -> bool:
    return now - one.created_at <= timedelta(days=days)


def _first_of_each(snapshots: Iterable[Kept], bucket: Callable[[Kept], Hashable]) -> Iterable[int]:
    firsts: dict[Hashable, int] = {}
    for one in snapshots:
        firsts.setdefault(bucket(one), one.snapshot_id)
    return firsts.values()


_SNAPSHOTS = sa.text("""
    SELECT id, created_at, name IS NOT NULL AS is_named,
        corrupt_reason IS NOT NULL AS is_marked, encode(sha256(elements), 'hex') <> checksum AS is_changed
    FROM canvas_snapshot WHERE project_id = :project_id
""")

_DELETE = sa.text("DELETE FROM canvas_snapshot WHERE id = ANY (CAST(:ids AS bigint[]))")

_OUTLIVED = sa.text("""
    SELECT project_id FROM canvas_snapshot WHERE name IS NULL
    GROUP BY project_id HAVING min(created_at) < :before AND count(*) > :last ORDER BY project_id
""")
