"""From the gallery's results to what operators read beside a run: counts, rates, tables, pictures.

Belongs here: adding results up, and their form as Dagster's metadata. Does not: deciding anything.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration.gallery.mirror import Effect
from orchestration.gallery.pictures.store import thumbnail_keys
from orchestration.media.mirror import Mirrored as Fetched
from orchestration.runtime.markdown import markdown_table
from orchestration.runtime.renditions import VariantReport
from orchestration.work_queue.running import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import sqlalchemy as sa

    from orchestration.gallery.drift import Drift
    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import Mirrored
    from orchestration.gallery.signup import SignupImage, SignupRefresh
    from orchestration.media.mirror import MirroredImage
    from orchestration.runtime.markdown import Pictures

Metadata = dict[str, Any]

HEARTBEAT_SECONDS = 60.0
# A pause that is longer than this is no work.
BUSY_SECONDS = 1.0
# Latencies are those of the newest items.
REMEMBERED = 10_000
SAMPLES = 8
SHOWN_PICTURES = 4


class MirrorReport:
    """Adds up what a drain of the mirror did.

    A warm drain is up for most of an hour, so what it did is told as a materialization in each minute in which there
    was something; a drain that is idle costs no events. Batches and heartbeats come from different threads.
    """

    def __init__(
        self, context: dg.AssetExecutionContext, gallery: Gallery, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._context = context
        self._gallery = gallery
        self._clock = clock
        self._lock = threading.Lock()
        self._heard = clock()
        self._batches = self._told = 0
        self._busy = 0.0
        self._effects = Counter[str]()
        self._problems: dict[str, str] = {}
        self._newest: deque[Mirrored] = deque(maxlen=REMEMBERED)

    def record(self, mirrored: Sequence[Mirrored]) -> None:
        """Count a batch; one that will be tried again is no failure yet."""
        with self._lock:
            now = self._clock()
            self._busy += min(BUSY_SECONDS, now - self._heard)
            self._heard = now
            self._batches += 1
            for one in mirrored:
                self._count(one)

    def _count(self, one: Mirrored) -> None:
        if not one.is_final:
            self._effects["tried again"] += 1
        elif one.effect is Effect.FAILED:
            self._problems[one.history_id] = one.problem or ""
        else:
            self._effects[one.effect.value] += 1
            self._newest.append(one)

    @property
    def heartbeat(self) -> Heartbeat:
        """Tells once a minute what was counted since."""
        return Heartbeat(self.tell, HEARTBEAT_SECONDS)

    def tell(self) -> None:
        """Materialize the asset with what was done so far, unless that was told before."""
        batches = self._batches
        if batches != self._told:
            self._context.log_event(dg.AssetMaterialization(self._context.asset_key, metadata=self.metadata()))
            self._told = batches

    def metadata(self) -> Metadata:
        """Counts by effect, rate, latencies, the state of the queue, samples and failures."""
        with self._lock:
            return self._metadata()

    def _metadata(self) -> Metadata:
        gallery = self._gallery
        with gallery.database.connect() as connection:
            queue = gallery.mirror.counts(connection)
        done = sum(count for effect, count in self._effects.items() if effect != "tried again")
        shown: Metadata = {
            effect.value: self._effects[effect.value] for effect in Effect if effect is not Effect.FAILED
        }
        shown |= {
            "failed": len(self._problems),
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
        if self._problems:
            table = markdown_table(("item", "reason"), list(self._problems.items()))
            tables["failures"] = dg.MetadataValue.md(table)
        return tables


class PictureReport:
    """Adds up the images and variants of a run."""

    def __init__(self) -> None:
        self.variants = VariantReport()
        self._outcomes = Counter[Fetched]()
        self._bytes = 0
        self._problems: dict[str, str] = {}

    def add_images(self, images: Sequence[MirroredImage]) -> None:
        """Count a batch of fetched images."""
        for image in images:
            if image.is_final:
                self._outcomes[image.outcome] += 1
                self._bytes += image.bytes
                if image.problem:
                    self._problems[image.url] = image.problem

    def metadata(self) -> Metadata:
        """Counts and bytes of both, and the images that failed."""
        shown: Metadata = {f"fetched_{outcome.value}": self._outcomes[outcome] for outcome in Fetched}
        shown["fetched_bytes"] = self._bytes
        if self._problems:
            table = markdown_table(("image", "reason"), list(self._problems.items()))
            shown["not_fetched"] = dg.MetadataValue.md(table)
        return shown | self.variants.metadata()


def of_drift(drift: Drift) -> Metadata:
    """A comparison of the mirror with its source, of which what differs was queued."""
    return {
        "drift_in_source": drift.source,
        "drift_in_mirror": drift.mirror,
        "drift_shown_wrongly": len(drift.extra),
        "drift_missing": len(drift.missing),
        "drift_out_of_date": len(drift.stale),
    }


def of_signup(connection: sa.Connection, refresh: SignupRefresh, pictures: Pictures) -> Metadata:
    """A refresh of the signup set: counts, the best images, and the first pictures that are stored here."""
    images = refresh.images
    shown: Metadata = {
        "images": len(images),
        "candidates": refresh.candidates,
        "other_types": refresh.widened,
        "creators": len({image.creator for image in images}),
    }
    if refresh.kept is not None:
        shown["kept"] = dg.MetadataValue.text(f"No image was good enough; the old set of {refresh.kept} stays")
        return shown
    best = sorted(images, key=lambda image: -(image.score or 0.0))
    shown |= {"best_score": best[0].score or 0.0, "lowest_score": best[-1].score or 0.0}
    rows = [(image.score, image.creator and image.creator.username, image.prompt) for image in best[:SAMPLES]]
    shown["best"] = dg.MetadataValue.md(markdown_table(("score", "creator", "prompt"), rows))
    return shown | _pictures(connection, best, pictures)


def _pictures(connection: sa.Connection, images: Sequence[SignupImage], pictures: Pictures) -> Metadata:
    keys = thumbnail_keys(connection, [image.source_url for image in images if image.source_url])
    stored = [(image, keys[image.source_url]) for image in images if image.source_url in keys][:SHOWN_PICTURES]
    drawn = [(image, pictures.of(key, f"score {image.score}")) for image, key in stored]
    return {
        f"picture_{number}": dg.MetadataValue.md(picture) for number, (_, picture) in enumerate(drawn, 1) if picture
    }
