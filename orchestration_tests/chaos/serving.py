"""The world outside of the factory: a server of files, which also takes notifications and remembers them.

Keep out: which files there are, and what is expected to arrive.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from orchestration_tests.http_server import Request, serving_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


SLOW = "/slow"
"""What the path of a file begins with that takes up to `LONGEST_SECONDS`, always as long."""
LONGEST_SECONDS = 2.0


class Received(NamedTuple):
    """A notification that arrived: its id, by which repeats are recognised, and its type."""

    id: str
    type: str


class Outside(NamedTuple):
    """Serves the files under `root` at `url`, and keeps what is posted, in order. `host` has a port."""

    root: Path
    host: str
    received: list[Received]

    @property
    def url(self) -> str:
        """Where the files are."""
        return f"http://{self.host}"


@contextmanager
def serving(root: Path) -> Iterator[Outside]:
    """The outside while the block runs."""
    received: list[Received] = []

    def get(request: Request) -> tuple[int, bytes]:
        if request.path.startswith(SLOW):
            time.sleep(LONGEST_SECONDS * (crc32(request.path.encode()) % 100) / 100)
        path = root / request.path.removeprefix(SLOW).lstrip("/")
        return (200, path.read_bytes()) if path.is_file() else (404, b"")

    def post(request: Request) -> tuple[int, bytes]:
        received.append(Received(request.headers["webhook-id"], json.loads(request.body)["type"]))
        return 204, b""

    with serving_with(get, post) as host:
        yield Outside(root, host, received)
