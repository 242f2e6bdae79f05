"""A small HTTP server in a thread, for tests of what speaks to others.

Starting and stopping it, and reading what is asked. Keep out: what is answered.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

# The server looks so often whether it is to stop.
_POLL_SECONDS = 0.02


class Request(NamedTuple):
    """What is asked."""

    path: str
    headers: Message
    body: bytes


Respond = Callable[[Request], tuple[int, bytes]]
"""Gives the status and the body of an answer."""


def not_implemented(_request: Request) -> tuple[int, bytes]:
    """What a server answers to a method that it does not know."""
    return HTTPStatus.NOT_IMPLEMENTED, b""


class _Server(ThreadingHTTPServer):
    """Says nothing of clients that hang up, which are killed in some tests."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as its base has it
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving_with(get: Respond = not_implemented, post: Respond = not_implemented) -> Iterator[str]:
    """Serve on the loopback interface while the block runs; host and port, as a URL has them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(get)

        def do_POST(self) -> None:
            self._answer(post)

        def _answer(self, respond: Respond) -> None:
            asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = respond(Request(self.path, self.headers, asked))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
