"""What operators read beside a run of the mirror: counts, rates, latencies, the state of the queue.

It adds results up and gives them the form of Dagster's metadata. Keep out: decisions.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.gallery.mirror import MirrorEffect
from orchestration.runtime.metadata import markdown_table
from orchestration.work_queue.drain import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import MirrorResult
    from orchestration.gallery.reconcile import MirrorDiff

Metadata = dict[str, Any]

HEARTBEAT_SECONDS = 60.0
# A pause that is longer than this is no work.
BUSY_SECONDS = 1.0
# Latencies are those of the newest items.
REMEMBERED = 10_000
SAMPLES = 8


class MirrorReport:
    """Adds up what a drain of the mirror did; `failures` are the reasons of items that were not mirrored later either.

    A warm drain is up for most of an hour, so it materializes the asset in each minute in which it did something; a
    drain that is idle costs no events. Batches and heartbeats come from different threads.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, gallery: Gallery, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._gallery = gallery
        self._clock = clock
        self._lock = threading.Lock()
        self._last_batch = clock()
        self._batches = self._reported = 0
        self._busy = 0.0
        self._effects = Counter[str]()
        self.failures: dict[str, str] = {}
        self._newest: deque[MirrorResult] = deque(maxlen=REMEMBERED)

    def record(self, mirrored: Sequence[MirrorResult]) -> None:
        """Count a batch; one that will be tried again is no failure yet."""
        with self._lock:
            now = self._clock()
            self._busy += min(BUSY_SECONDS, now - self._last_batch)
            self._last_batch = now
            self._batches += 1
            for one in mirrored:
                self._count(one)

    def _count(self, one: MirrorResult) -> None:
        if not one.is_final:
            self._effects["tried again"] += 1
        elif one.effect is MirrorEffect.FAILED:
            self.failures[one.history_id] = one.problem or ""
        else:
            self.failures.pop(one.history_id, None)
            self._effects[one.effect.value] += 1
            self._newest.append(one)

    @property
    def heartbeat(self) -> Heartbeat:
        """Reports once a minute."""
        return Heartbeat(self.materialize, HEARTBEAT_SECONDS)

    def materialize(self) -> None:
        """Materialize the asset with what was done so far, unless that was reported before."""
        batches = self._batches
        if batches != self._reported:
            self._context.log_event(dg.AssetMaterialization(self._context.asset_key, metadata=self.metadata()))
            self._reported = batches

    def metadata(self) -> Metadata:
        """Counts by effect, rate, latencies, the state of the queue, samples and failures."""
        with self._lock:
            return self._metadata()

    def _metadata(self) -> Metadata:
        gallery = self._gallery
        with gallery.database.connect() as connection:
            queue = gallery.mirror_queue.counts(connection)
        done = sum(count for effect, count in self._effects.items() if effect != "tried again")
        shown: Metadata = {
            effect.value: self._effects[effect.value] for effect in MirrorEffect if effect is not MirrorEffect.FAILED
        }
        shown |= {
            "failed": len(self.failures),
            "tried_again": self._effects["tried again"],
            "items_per_second": round(done / self._busy, 1) if self._busy else 0.0,
            "queue_waiting": queue.waiting + queue.delayed,
            "queue_active": queue.active,
            "queue_oldest_seconds": round(queue.oldest_seconds or 0.0, 3),
            "queue_dead_letters": queue.failed,
        }
        return shown | self._latencies() | self._tables()

    def _latencies(self) -> Metadata:
        seconds = [one.seconds for one in self._newest]
        if not seconds:
            return {}
        cuts = quantiles([*seconds, seconds[-1]], n=100)
        return {"latency_p50_ms": round(1000 * cuts[49], 1), "latency_p99_ms": round(1000 * cuts[98], 1)}

    def _tables(self) -> Metadata:
        newest = list(self._newest)[-SAMPLES:]
        rows = [(one.history_id, one.op, one.effect.value, f"{1000 * one.seconds:.0f} ms") for one in newest]
        tables: Metadata = {}
        if rows:
            tables["newest"] = dg.MetadataValue.md(markdown_table(("item", "asked for", "effect", "after"), rows))
        if self.failures:
            table = markdown_table(("item", "reason"), list(self.failures.items()))
            tables["failures"] = dg.MetadataValue.md(table)
        return tables


def of_drift(drift: MirrorDiff) -> Metadata:
    """A comparison of the mirror with its source, of which what differs was queued."""
    return {
        "drift_in_source": drift.source,
        "drift_in_mirror": drift.mirror,
        "drift_shown_wrongly": len(drift.extra),
        "drift_missing": len(drift.missing),
        "drift_out_of_date": len(drift.stale),
    }
