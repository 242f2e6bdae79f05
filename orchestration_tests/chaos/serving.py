"""The world outside of the factory: a server of files, which also takes notifications and remembers them.

Keep out: which files there are, and what is expected to arrive.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from orchestration_tests.http_server import Request, serving_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        path = root / request.path.lstrip("/")
        return (200, path.read_bytes()) if path.is_file() else (404, b"")

    def post(request: Request) -> tuple[int, bytes]:
        received.append(Received(request.headers["webhook-id"], json.loads(request.body)["type"]))
        return 204, b""

    with serving_with(get, post) as host:
        yield Outside(root, host, received)
