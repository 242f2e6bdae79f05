"""A web server of images.

Keep out: the images.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration_tests.http_server import Request, serving_with

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Server:
    """Serves what is in `files`, by path, and notes in `asked` what was asked for. `endpoint` is its host and port."""

    endpoint: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://{self.endpoint}{path}"


@contextmanager
def serving() -> Iterator[Server]:
    """A server that is up."""
    server = Server()

    def get(request: Request) -> tuple[int, bytes]:
        server.asked.append(request.path)
        body = server.files.get(request.path)
        return (404, b"") if body is None else (200, body)

    with serving_with(get) as server.endpoint:
        yield server
