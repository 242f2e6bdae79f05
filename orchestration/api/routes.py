"""What every endpoint does with a request before its own work: the key, a bounded body, JSON that is strictly JSON.

Keep out: endpoints.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from orchestration.api.access import admit, count_address, required_roles
from orchestration.api.problems import ProblemError, documented
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response
    from starlette.types import Message, Receive

    from orchestration.settings import Settings

MAX_BODY_BYTES = "x-max-body-bytes"
_UTF_8 = {b"utf-8", b"utf8", b"us-ascii"}
# What any endpoint may answer, and what one that needs a key may answer beside that.
_ALWAYS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_GUARDED = (
    *_ALWAYS,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)


def guarded_router(tag: str) -> APIRouter:
    """A router for endpoints that name a role (`access`)."""
    return APIRouter(tags=[tag], route_class=ApiRoute, responses=documented(*_GUARDED))


def public_router(tag: str) -> APIRouter:
    """A router for endpoints that anybody may call."""
    counted = [Depends(count_address)]
    return APIRouter(tags=[tag], route_class=ApiRoute, responses=documented(*_ALWAYS), dependencies=counted)


def takes_bytes(most: int) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint whose body may be larger than the setting allows the others."""
    return {MAX_BODY_BYTES: most}


class ApiRoute(APIRoute):
    """A route that reads no body of a caller whom it does not admit, and of others a bounded one."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint over a request that was admitted and is bounded."""
        handle = super().get_route_handler()
        own_limit: int | None = (self.openapi_extra or {}).get(MAX_BODY_BYTES)
        roles = required_roles(self.dependant)

        async def bounded(request: Request) -> Response:
            if roles:
                await run_in_threadpool(admit, request, roles)
            settings: Settings = request.app.state.services.settings
            limit = settings.api_max_body_bytes if own_limit is None else own_limit
            body = _Body(request.receive, limit, settings.api_body_seconds)
            if int(request.headers.get("content-length", 0)) > limit:
                raise body.too_large()
            _check_charset(request)
            return await handle(_StrictRequest(request.scope, body.receive))

        return bounded


class _Body:
    """A request's body as it arrives: no more than `limit` bytes, and within `seconds`."""

    def __init__(self, receive: Receive, limit: int, seconds: float) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._deadline: float | None = None
        self._bytes = 0
        self._is_whole = False

    async def receive(self) -> Message:
        """The next part; after the last one this waits for the caller to leave, for as long as that takes."""
        if self._is_whole:
            return await self._receive()
        self._deadline = self._deadline or asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError as error:
            detail = f"The body did not arrive within {self._seconds:g} seconds"
            headers = {"Connection": "close"}
            raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", detail, headers=headers) from error
        self._bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._bytes > self._limit:
            raise self.too_large()
        return message

    def too_large(self) -> ProblemError:
        """Why the body is refused; its rest is not read."""
        detail = f"The body is larger than the limit of {self._limit} bytes"
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return ProblemError(status, "too_large", detail, headers={"Connection": "close"})


def _check_charset(request: Request) -> None:
    """Refuse a form of another encoding than UTF-8: some of them write lone surrogates, which nothing can store."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    charset = options.get(b"charset", b"utf-8").lower()
    if kind.startswith(b"multipart/") and charset not in _UTF_8:
        raise InvalidInputError("The form is not in UTF-8; send it without a charset, as RFC 7578 has it")


class _StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:  # noqa: ANN401 - as Starlette has it
        """The body; raises `ProblemError` for what is no JSON, or holds text that cannot be stored."""
        return read_json(await self.body())


def read_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The value of a JSON text (RFC 8259): no NaN, no lone surrogates, and no NUL, which PostgreSQL cannot store."""
    try:
        value = msgspec.json.decode(body)
        has_nul = b"\\u0000" in body and _has_nul(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "invalid_json", f"The body is no JSON: {error}") from error
    if has_nul:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "invalid_json", "The body holds a text with the character NUL")
    return value


def _has_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(_has_nul, value))
    return isinstance(value, str) and "\0" in value
