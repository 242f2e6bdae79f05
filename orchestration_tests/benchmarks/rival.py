"""The rival of the sync, and the naive way where none is installed.

A folder may hold a strong program of the same job: `services.sh start|stop DIR`, which prints the lines `export
NAME=value` of its servers, and `bullmq/run.sh URL`, which syncs the feed at the URL from nothing and then again, and
prints a line of JSON for each with `seconds` and `cpu_seconds`. Keep out: our own commands.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests
import sqlalchemy as sa

from orchestration.catalogue.documents.decode import decode_family
from orchestration.catalogue.families.store import Arrival, store_families
from orchestration.media.identify import content_hash, identify
from orchestration.media.tables import media, media_source
from orchestration.storage.objects import content_key
from orchestration_tests.benchmarks.timing import Timing, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from orchestration.catalogue.catalogue import Catalogue

# The naive way gets a slice of the feed: it would take minutes for all of it.
NAIVE_FAMILIES = 60


class Rival(NamedTuple):
    """A program to race against: its name, and what syncs a feed from nothing and, if it can, once more unchanged.

    It is called with the feed's base URL and how many families the feed has.
    """

    name: str
    sync: Callable[[str, int], list[Timing]]


@contextmanager
def installed_rival(folder: Path) -> Iterator[Rival]:
    """The program of a folder, with its servers up."""
    with tempfile.TemporaryDirectory(prefix="rival-") as place:
        Path(place).chmod(0o755)  # its servers may run as another user
        try:
            variables = _printed(folder / "services.sh", "start", place)
            exported = dict(
                line.removeprefix("export ").split("=", 1) for line in variables.splitlines() if "=" in line
            )
            environment = {**os.environ, **exported}
            yield Rival(
                "BullMQ on Node", lambda url, _: _runs(_printed(folder / "bullmq/run.sh", url, env=environment))
            )
        finally:
            _printed(folder / "services.sh", "stop", place)


def _printed(*words: object, env: dict[str, str] | None = None) -> str:
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, env=env).stdout  # noqa: S603


def _runs(printed: str) -> list[Timing]:
    runs = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [Timing(run["seconds"], run["cpu_seconds"], run.get("max_rss_mb", 0)) for run in runs if "seconds" in run]


def naive_rival(opened: Callable[[str], AbstractContextManager[Catalogue]]) -> Rival:
    """One request, one commit, one item at a time, scaled from a slice; `opened` gives a catalogue over a base URL."""

    def sync(url: str, families: int) -> list[Timing]:
        found: list[Timing] = []
        with opened(url) as catalogue, timed(found):
            done = _sync_naively(catalogue, NAIVE_FAMILIES)
        return [found[0].times(families / done)]

    return Rival("one at a time", sync)


def _sync_naively(catalogue: Catalogue, limit: int) -> int:
    """Sync the first families of a feed; how many."""
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
        _mirror_naively(catalogue, url, session.get(url, timeout=60).content)
    return min(limit, len(feed.entries))


def _mirror_naively(catalogue: Catalogue, url: str, body: bytes) -> None:
    facts, digest = identify(body, max_pixels=10**9), content_hash(body)
    key = content_key("media", digest, facts.extension)
    asyncio.run(catalogue.services.objects.put_once(key, body))
    with catalogue.database.begin() as connection:
        values = {"content_hash": digest, "key": key, "bytes": len(body), **facts._asdict()}
        del values["extension"]
        connection.execute(sa.insert(media).values(values))
        connection.execute(sa.insert(media_source).values(url=url, content_hash=digest))
