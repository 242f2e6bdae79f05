"""Where the feed is: the address of Import.txt, and its download.

It knows the addresses of the feed's own files and downloads them. Keep out: their formats (`feed`, `categories`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from orchestration.catalogue.feed.feed import Feed, parse_feed
from orchestration.errors import InvalidInputError
from orchestration.media.download import Downloader, DownloadLimits
from orchestration.media.rules import HostRules

if TYPE_CHECKING:
    from orchestration.settings import Settings

IMPORT_FILE = "Import.txt"
_FOLDER = "/import"
MAX_IMPORT_BYTES = 256 * 2**20


class FeedVersion(NamedTuple):
    """What distinguishes one Import.txt from the next: the server's validators, and the SHA-256 of the bytes."""

    etag: str | None
    last_modified: str | None
    sha256: str


class FeedSnapshot(NamedTuple):
    """One Import.txt, read."""

    feed: Feed
    version: FeedVersion


def import_url(base: str) -> str:
    """The URL of Import.txt under a base URL, before its query; a URL of the file itself stays, in any case."""
    path, mark, query = base.partition("?")
    if _names_file(path):
        return base
    return f"{path.rstrip('/')}/Import/{IMPORT_FILE}{mark}{query}"


def base_url(feed: str) -> str:
    """The root that the feed's other files lie under."""
    folder = import_url(feed).partition("?")[0].rpartition("/")[0]
    return folder[: -len(_FOLDER)] if folder.lower().endswith(_FOLDER) else folder


def _names_file(path: str) -> bool:
    return path.lower().endswith(f"/{IMPORT_FILE.lower()}")


def host_rules(feed: str, settings: Settings) -> HostRules:
    """What may be downloaded for this feed."""
    return HostRules.for_feed(base_url(feed), settings.image_hosts)


def open_downloader(feed: str, settings: Settings, *, seconds: float) -> Downloader:
    """A downloader for this feed's files, each within `seconds`."""
    limits = DownloadLimits(
        total_seconds=seconds,
        per_host=settings.downloads_per_host,
        max_bytes=max(settings.max_document_bytes, settings.max_image_bytes, MAX_IMPORT_BYTES),
    )
    return Downloader(host_rules(feed, settings), limits=limits)


async def fetch_feed(downloader: Downloader, feed: str, known: FeedVersion | None = None) -> FeedSnapshot | None:
    """Read the feed; None when it is the known version, by the server's word or by its bytes.

    Raises what `Downloader.get` and `parse_feed` raise.
    """
    etag, last_modified = (known.etag, known.last_modified) if known else (None, None)
    url = import_url(feed)
    answer = await downloader.get(url, max_bytes=MAX_IMPORT_BYTES, etag=etag, last_modified=last_modified)
    if answer.not_modified:
        return None
    version = FeedVersion(answer.etag, answer.last_modified, hashlib.sha256(answer.body).hexdigest())
    if known and version.sha256 == known.sha256:
        return None
    try:
        return FeedSnapshot(parse_feed(answer.body), version)
    except InvalidInputError as error:
        raise type(error)(f"{url}: {error}") from error
