"""While others write, no live medium is ever deleted, no dead one stays, and every byte is accounted for."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

from orchestration.canvas.media_gc.model import Guard
from orchestration_tests.canvas.media_gc.race import Race, overdue

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld

DAYS = 40
KINDS = ("added", "dropped", "uploaded", "uploads lost")
TTL, GRACE, INTERVAL = timedelta(days=5), timedelta(days=3), timedelta(days=1)


def test_months_of_writers_uploads_and_collections(real: RealWorld) -> None:
    race = Race(real, seed=1)
    with race.actors(writers=3, uploaders=2):
        for day in itertools.count():
            if day >= DAYS and all(race.counts[what] >= 20 for what in KINDS):
                break
            assert day < 20 * DAYS, f"this is no race: {dict(race.counts)}"
            real.clock.turn(days=1)
            collected = real.collect(ttl_days=TTL.days, allow=tuple(Guard))
            assert not collected.result or not collected.result.failed
            assert not race.wrong
            if day % 10 == 9:
                with race.stillness():
                    real.collect(ttl_days=TTL.days, allow=tuple(Guard))
                    assert overdue(race, TTL, GRACE, INTERVAL) == []
                    assert real.collector.reconcile().unexplained == 0
    assert not race.wrong

    # Nothing is left to go: what has no reference goes, what was uploaded without a row goes.
    for _ in range(12):
        real.clock.turn(days=1)
        real.collect(ttl_days=TTL.days, allow=tuple(Guard))
    assert overdue(race, timedelta(0), timedelta(0), timedelta(0)) == []
    bucket = real.collector.reconcile()
    assert (bucket.difference, bucket.orphans, bucket.missing, bucket.mismatched) == (0, {}, {}, {})
    (freed,) = real.execute("SELECT sum(freed) FROM media_tombstone")[0]
    assert race.counts["bytes created"] == freed + bucket.bytes

    # Each kind of end was met.
    assert real.execute("SELECT count(*) FROM media_tombstone WHERE object_state = 'shared'")[0][0] > 0
    assert real.execute("SELECT count(*) FROM media_tombstone WHERE reason = 'orphan'")[0][0] > 0
