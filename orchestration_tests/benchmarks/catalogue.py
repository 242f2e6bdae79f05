"""The catalogue against the naive way: one request, one commit, one item at a time.

Prints, for the two feeds that the mark to beat was measured on: families and images a second, CPU seconds beside wall,
the growth from 100 to 10,000 families, and an unchanged feed. The server of the feed and
PostgreSQL are processes of their own, and their CPU is not counted. The marks: a strong Node program of the same job
took 7 s (7 CPU s) for 600 families with 207 MB of JSON and 2,000 images of 160 kB, and 47 s (29 CPU s) for 25,000 small
families with 66,000 variants.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests
import sqlalchemy as sa
import structlog

from orchestration.catalogue.catalogue import Catalogue
from orchestration.catalogue.documents.decode import decode_family
from orchestration.catalogue.drains import import_families, mirror_images
from orchestration.catalogue.families.store import Arrival, store_families
from orchestration.media.identify import content_hash, identify
from orchestration.media.tables import media, media_source
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.objects import content_key
from orchestration.work_queue.options import DrainOptions
from orchestration_tests.benchmarks.bulk_feed import served, touch, write_bulk_feed
from orchestration_tests.benchmarks.timing import Timing, median, report, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
# The rival gets a slice of the feed: it would take minutes for all of it.
RIVAL_FAMILIES = 100
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the feed's disk is not what is measured


class BulkSpec(NamedTuple):
    """The size of a feed."""

    title: str
    suppliers: int
    families: int
    children: float
    document_bytes: int | None = None
    images: int = 0


HEAVY = BulkSpec("600 families, 207 MB, 2,000 images", 6, 600, 18, 345_000, 2_000)
WIDE = BulkSpec("25,000 small families, 66,000 variants", 25, 25_000, 2.64)
GROWTH = (100, 1_000, 10_000)


@contextmanager
def catalogue_over(base_url: str) -> Iterator[Catalogue]:
    """A catalogue with a database and a store of its own."""
    with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder, ExitStack() as stack:
        services = Services(Settings(home=Path(folder), promidata_base_url=base_url))
        stack.callback(services.close)
        _ = services.database
        yield Catalogue(services)


@contextmanager
def feed_of(spec: BulkSpec) -> Iterator[tuple[Path, str]]:
    """A served feed of this size: its folder and URL."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="orchestration-feed-", dir=place) as folder, served(Path(folder)) as url:
        write_bulk_feed(
            Path(folder),
            base_url=url,
            suppliers=spec.suppliers,
            families=spec.families,
            children=spec.children,
            document_bytes=spec.document_bytes,
            images_per_family=spec.images / spec.families,
        )
        yield Path(folder), url


def sync(catalogue: Catalogue) -> None:
    """A whole sync without Dagster: plan, import, mirror."""
    feed = asyncio.run(catalogue.read_feed())
    list(catalogue.plan_suppliers(feed))
    until_empty = DrainOptions(idle_seconds=None)
    asyncio.run(import_families(catalogue, lambda _: None, until_empty))
    asyncio.run(mirror_images(catalogue, lambda _: None, lambda _: None, until_empty))


def sync_naively(catalogue: Catalogue, limit: int) -> tuple[int, int]:
    """The rival: `requests`, one family and one image at a time, each committed by itself; how many of both."""
    feed = asyncio.run(catalogue.read_feed())
    session = requests.Session()
    urls: list[str] = []
    for entry in feed.entries[:limit]:
        with catalogue.database.begin() as connection:
            connection.execute(
                sa.text("INSERT INTO supplier (code, name) VALUES (:code, :code) ON CONFLICT DO NOTHING"),
                {"code": entry.supplier},
            )
        document = session.get(entry.url, timeout=60).content
        json.loads(document)
        decoded = decode_family(document, a_number=entry.a_number, supplier=entry.supplier)
        with catalogue.database.begin() as connection:
            store_families(connection, [Arrival(decoded, entry.supplier_hash, None)], datetime.now(UTC))
        urls += decoded.images
    for url in urls:
        body = session.get(url, timeout=60).content
        facts, digest = identify(body, max_pixels=10**9), content_hash(body)
        key = content_key("media", digest, facts.extension)
        asyncio.run(catalogue.services.objects.put_once(key, body))
        with catalogue.database.begin() as connection:
            values = {"content_hash": digest, "key": key, "bytes": len(body), **facts._asdict()}
            del values["extension"]
            connection.execute(sa.insert(media).values(values))
            connection.execute(sa.insert(media_source).values(url=url, content_hash=digest))
    return min(limit, len(feed.entries)), len(urls)


def race(spec: BulkSpec) -> None:
    """A first sync, an unchanged one, one with 1 % changed, and the rival's first sync of a slice."""
    print(f"\n{spec.title}")
    first: list[Timing] = []
    unchanged: list[Timing] = []
    changed: list[Timing] = []
    rival: list[Timing] = []
    slice_families = 1
    with feed_of(spec) as (folder, url):
        for _ in range(ROUNDS):
            with catalogue_over(url) as catalogue:
                with timed(first):
                    sync(catalogue)
                with timed(unchanged):
                    sync(catalogue)
                touch(folder, spec.families // 100)
                with timed(changed):
                    sync(catalogue)
            with catalogue_over(url) as catalogue, timed(rival):
                slice_families, _ = sync_naively(catalogue, RIVAL_FAMILIES)
    slice_timing, share = median(rival), spec.families / slice_families
    scaled = Timing(slice_timing.wall * share, slice_timing.cpu * share, slice_timing.peak_mb)
    report("naive, one by one (scaled from a slice)", scaled, items=spec.families, what="families")
    report("first sync", median(first), items=spec.families, what="families", rival=scaled)
    if spec.images:
        report("  of it, per image", median(first), items=spec.images, what="images")
    report("unchanged", median(unchanged), items=spec.families, what="families")
    report("1 % changed", median(changed), items=spec.families // 100, what="families")


def growth() -> None:
    """Seconds a family as the feed grows a hundredfold."""
    print("\nGrowth, small families")
    for families in GROWTH:
        spec = BulkSpec("", max(1, families // 1000), families, 2.64)
        with feed_of(spec) as (_, url), catalogue_over(url) as catalogue:
            found: list[Timing] = []
            with timed(found):
                sync(catalogue)
            report(f"{families} families", found[0], items=families, what="families")


def main() -> None:
    """Run every race."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    race(HEAVY)
    race(WIDE)
    growth()


if __name__ == "__main__":
    main()
