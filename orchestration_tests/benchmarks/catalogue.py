"""The catalogue against a rival: whole syncs, each a command of its own, over the same served feed in the same run.

Prints the ratios first, then seconds and CPU seconds of both, medians. The rival is the program that `RIVAL_SYNC`
names: it is called with the feed's base URL, and prints a line of JSON for a full and one for an unchanged sync, with
`seconds` and `cpu_seconds`. Without it, it is the naive way: one request, one commit, one item at a time, scaled from a
slice. The server of the feed and PostgreSQL are processes of their own, and their CPU is not counted. The marks: a
strong Node program of the same job took 7 s (7 CPU s) for 600 families with 207 MB of JSON and 2,000 images of 160 kB,
22 s with 80 ms of latency, and 47 s (29 CPU s) for 25,000 small families with 66,000 variants.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
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
from orchestration_tests.benchmarks.timing import Timing, median, report, report_race, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
LATENCY = 0.08
RIVAL = os.environ.get("RIVAL_SYNC")
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
def feed_of(spec: BulkSpec, latency: float = 0.0) -> Iterator[tuple[Path, str]]:
    """A served feed of this size: its folder and URL."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="orchestration-feed-", dir=place) as folder,
        served(Path(folder), latency) as url,
    ):
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


@contextmanager
def migrated_home(base_url: str) -> Iterator[dict[str, str]]:
    """The variables of a system over this feed whose database stands, and runs."""
    with catalogue_over(base_url) as catalogue:
        home = {"ORCHESTRATION_HOME": str(catalogue.settings.home), "PROMIDATA_BASE_URL": base_url}
        command(os.environ | home, "env")  # makes Dagster's tables
        yield os.environ | home


def command(variables: dict[str, str], *words: str) -> Timing:
    """Run a command in a process of its own; its wall and CPU seconds, and its largest memory."""
    started = time.perf_counter()
    words = (sys.executable, "-m", "orchestration", *words)
    process = subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL)  # noqa: S603 - ourselves
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{words} ended with {process.returncode}")
    return Timing(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def rival_syncs(base_url: str, spec: BulkSpec) -> list[Timing]:
    """A full sync of the rival, and an unchanged one if it tells of one."""
    if RIVAL:
        printed = subprocess.run([RIVAL, base_url], check=True, capture_output=True, text=True).stdout  # noqa: S603
        runs = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
        return [Timing(run["seconds"], run["cpu_seconds"], run.get("max_rss_mb", 0)) for run in runs]
    found: list[Timing] = []
    with catalogue_over(base_url) as catalogue, timed(found):
        done, _ = sync_naively(catalogue, RIVAL_FAMILIES)
    (slice_timing,) = found
    share = spec.families / done
    return [Timing(slice_timing.wall * share, slice_timing.cpu * share, slice_timing.peak_mb)]


def race(spec: BulkSpec, latency: float = 0.0, rounds: int = ROUNDS) -> None:
    """A first sync, an unchanged one and one with 1 % changed, beside the rival's."""
    ours: dict[str, list[Timing]] = {"first sync": [], "unchanged": [], "1 % changed": []}
    rival: dict[str, list[Timing]] = {name: [] for name in ours}
    with feed_of(spec, latency) as (folder, url):
        for _ in range(rounds):
            with migrated_home(url) as variables:
                for name, timings in ours.items():
                    if name == "1 % changed":
                        touch(folder, spec.families // 100)
                    timings.append(command(variables, "sync", "--json"))
            for name, timing in zip(rival, rival_syncs(url, spec), strict=False):
                rival[name].append(timing)
    print(f"\n{spec.title}, {1000 * latency:.0f} ms, against {RIVAL or 'the naive way'}")
    for name, timings in ours.items():
        report_race(name, median(timings), median(rival[name]) if rival[name] else None)


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
    race(HEAVY, LATENCY)
    race(WIDE, rounds=1)
    growth()


if __name__ == "__main__":
    main()
