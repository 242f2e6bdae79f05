"""What surrounds every request: its id, its line in the log, the headers of its answer, and the last catch.

The log names the route and not the address, since the links in addresses work for every reader. Keep out: what
endpoints do, and who may call them.
"""

from __future__ import annotations

import logging
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders

from orchestration.api.problems import problem, unexpected
from orchestration.observability.logs import about, get_logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = "X-Request-ID"
_GOOD_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# Nothing that is answered may run, be framed, be guessed a type for, or be kept, unless an endpoint says otherwise.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
# What names a character that no address of an object has; the database would refuse it.
_NUL = b"%00"
_PROBES = ("/healthz", "/metrics", "/api/metrics")

log = get_logger()


class Frame:
    """The outermost layer of the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GOOD_ID.fullmatch(given) else uuid4().hex
        scope["request_id"] = request_id
        with about(http_request_id=request_id):
            await _Exchange(request_id, send).run(self._app, scope, receive)


class _Exchange:
    """One request and its answer."""

    def __init__(self, request_id: str, send: Send) -> None:
        self._request_id = request_id
        self._send = send
        self._status: int | None = None

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        started = time.perf_counter()
        try:
            if "\0" in scope["path"] or _NUL in scope["query_string"]:
                await problem(self._request_id, *_impossible(scope))(scope, receive, self.send)
            else:
                await app(scope, receive, self.send)
        except Exception:
            log.exception("request failed")
            # A half-sent answer can only be cut off.
            if self._status is not None:
                raise
            await unexpected(self._request_id)(scope, receive, self.send)
        finally:
            self._log(scope, time.perf_counter() - started)

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = int(message["status"])
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    def _log(self, scope: Scope, seconds: float) -> None:
        route: Any = scope.get("route")
        scope["app"].state.traffic.count(self._status, seconds)
        # Probes come every few seconds, and say something only when they fail.
        level = logging.DEBUG if scope["path"] in _PROBES and self._status == HTTPStatus.OK else logging.INFO
        log.log(
            level,
            "request",
            method=scope["method"],
            caller=getattr(scope.get("caller"), "name", None),
            route=getattr(route, "path", None),
            status=self._status,
            milliseconds=round(1000 * seconds, 1),
        )


def _impossible(scope: Scope) -> tuple[int, str, str]:
    if "\0" in scope["path"]:
        return 404, "not_found", "There is nothing of that name"
    return 400, "invalid", "The query holds the character NUL"
