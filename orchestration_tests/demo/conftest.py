"""The three days of the sample feed, written once for all tests over one served folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
import pytest

from orchestration.demo.days import DAYS
from orchestration.demo.feed import IMPORT_PATH, SampleFeed, write_feed
from orchestration.demo.server import serve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


# Pixels; every test but those of the pictures themselves is as good with small ones.
PICTURE_SIZE = 96


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """A day as it stood on disk: the account that was given, and every file's bytes and time of change by path."""

    base_url: str
    feed: SampleFeed
    files: Mapping[str, bytes]
    changed_at: Mapping[str, int]

    def path(self, url: str) -> str:
        return unquote(url.removeprefix(f"{self.base_url}/"))

    @property
    def lines(self) -> list[str]:
        return self.files[IMPORT_PATH].decode("utf-8-sig").split("\r\n")

    @property
    def listed(self) -> dict[str, list[str]]:
        """The hashes of each family in Import.txt, by family key."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            if match := re.fullmatch(r".*/A\d+/([^/]+)\.json\|([0-9A-Fa-f]{40})", line):
                found.setdefault(unquote(match[1]), []).append(match[2])
        return found

    def document(self, sku: str) -> bytes:
        return self.files[f"{sku.partition('-')[0]}/{sku}.json"]

    def decoded(self, sku: str) -> dict[str, Any]:
        return msgspec.json.decode(self.document(sku), type=dict[str, Any])


def snapshot(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    root = tmp_path_factory.mktemp("served")
    with serve(root) as base_url:
        yield root, base_url


@pytest.fixture(scope="session")
def days(served: tuple[Path, str]) -> dict[int, WrittenDay]:
    """Day after day over the same folder, which is left at the last one."""
    root, base_url = served
    written = {}
    for day in DAYS:
        feed = write_feed(root, day=day, base_url=base_url, picture_size=PICTURE_SIZE)
        times = {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in root.rglob("*")}
        written[day] = WrittenDay(base_url, feed, snapshot(root), times)
    return written
