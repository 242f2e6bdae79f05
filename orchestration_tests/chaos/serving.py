"""The world outside of the factory: a server of files, which also takes notifications and remembers them.

Keep out: which files there are, and what is expected to arrive.
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Received(NamedTuple):
    """A notification that arrived: its id, by which repeats are recognised, and its type."""

    id: str
    type: str


class Outside:
    """Serves the files under `root` at `url`, and keeps what is posted, in order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.received: list[Received] = []
        outside = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = outside.root / self.path.lstrip("/")
                body = path.read_bytes() if path.is_file() else None
                self._answer(404 if body is None else 200, body or b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outside.received.append(Received(self.headers["webhook-id"], json.loads(body)["type"]))
                self._answer(204, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.host = f"127.0.0.1:{self.http.server_port}"
        self.url = f"http://{self.host}"


@contextmanager
def serving(root: Path) -> Iterator[Outside]:
    """The outside while the block runs."""
    outside = Outside(root)
    thread = threading.Thread(target=outside.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield outside
    finally:
        outside.http.shutdown()
        thread.join()
        outside.http.server_close()
