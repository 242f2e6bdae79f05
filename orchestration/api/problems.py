"""What an error looks like to a caller: a status, a code word, and one JSON object that says why (RFC 9457).

From error types to answers. Keep out: the messages, which are written where the error is raised. Nothing of a caller's
input is repeated, and an error that nobody foresaw shows its request's id and no more.
"""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import compile_path

from orchestration.errors import (
    ConfigurationError,
    ConflictError,
    DatabaseAwayError,
    InvalidInputError,
    NotFoundError,
    OrchestrationError,
    QueueFullError,
    RefusedError,
    TooLargeError,
    TransientError,
)
from orchestration.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
PROBLEM_SCHEMA = "#/components/schemas/Problem"
# What a caller is asked to wait when the error does not say.
USUAL_WAIT = 5.0

log = get_logger()


class Answer(NamedTuple):
    """How an error type is answered. `code` is the word that programs go by."""

    error: type[Exception]
    status: HTTPStatus
    code: str


# The first that fits.
ANSWERS = (
    Answer(NotFoundError, HTTPStatus.NOT_FOUND, "not_found"),
    Answer(ConflictError, HTTPStatus.CONFLICT, "conflict"),
    Answer(TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large"),
    Answer(RefusedError, HTTPStatus.FORBIDDEN, "refused"),
    Answer(InvalidInputError, HTTPStatus.BAD_REQUEST, "invalid"),
    Answer(QueueFullError, HTTPStatus.TOO_MANY_REQUESTS, "queue_full"),
    Answer(DatabaseAwayError, HTTPStatus.SERVICE_UNAVAILABLE, "database_away"),
    Answer(TransientError, HTTPStatus.SERVICE_UNAVAILABLE, "try_again"),
    Answer(ConfigurationError, HTTPStatus.SERVICE_UNAVAILABLE, "not_configured"),
    Answer(OrchestrationError, HTTPStatus.INTERNAL_SERVER_ERROR, "internal"),
)


# Those that no error type stands for.
_OTHERS = (
    ("key_missing", HTTPStatus.UNAUTHORIZED, "No API key was given, or one that is wrong or revoked."),
    ("role_missing", HTTPStatus.FORBIDDEN, "The key's role does not include this."),
    ("method_not_allowed", HTTPStatus.METHOD_NOT_ALLOWED, "The address exists, and takes other methods."),
    ("too_slow", HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time."),
    ("range_not_satisfiable", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The range begins behind the end."),
    ("invalid_json", HTTPStatus.BAD_REQUEST, "The body is no JSON, or holds a text that cannot be stored."),
    ("rate_limited", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests; wait as `Retry-After` says."),
)


def code_words() -> list[tuple[str, int, str]]:
    """Each code word with its status and its meaning, by status; a domain may add words of its own."""
    of_types = [(one.code, one.status, (one.error.__doc__ or "").partition("\n")[0]) for one in ANSWERS]
    return sorted(((code, int(status), meaning) for code, status, meaning in (*of_types, *_OTHERS)), key=lambda w: w[1])


class Fault(BaseModel):
    """One place of a request that is wrong."""

    path: str = Field(description="Where: `body`, `query` or `path`, and the names and positions that lead there")
    detail: str


class Problem(BaseModel):
    """Why a request was not done (RFC 9457)."""

    type: str = Field(description="The code word, as a link to its meaning", examples=["/#problem-not_found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no request 7"])
    code: str = Field(description="The word that programs go by", examples=["not_found"])
    request_id: str | None = Field(None, alias="requestId", description="What the logs call this request")
    errors: list[Fault] | None = Field(None, description="Every fault of the request, where there may be several")


class ProblemError(HTTPException):
    """An answer with a code word that no error type has, or with a list of faults."""

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=headers)
        self.code = code
        self.errors = errors


def problem(
    request_id: str | None,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer; it is never cached."""
    document: dict[str, Any] = {
        "type": f"/#problem-{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request_id,
    }
    if errors:
        document["errors"] = [fault.model_dump() for fault in errors]
    known = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(document, status, headers=known, media_type=MEDIA_TYPE)


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """These statuses as `responses` of an endpoint."""
    return {
        status.value: {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_SCHEMA}}}}
        for status in statuses
    }


def _id(request: Request) -> str | None:
    return cast("str | None", request.scope.get("request_id"))


async def _answer_ours(request: Request, error: Exception) -> JSONResponse:
    answer = next(answer for answer in ANSWERS if isinstance(error, answer.error))
    if answer.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request failed", exc_info=error)
        return unexpected(_id(request))
    headers = {}
    if isinstance(error, TransientError):
        headers["Retry-After"] = str(math.ceil(error.retry_after or USUAL_WAIT))
    return problem(_id(request), answer.status, answer.code, str(error), headers=headers)


async def _answer_http(request: Request, error: Exception) -> JSONResponse:
    known = cast("HTTPException", error)
    status = HTTPStatus(known.status_code)
    code = getattr(known, "code", status.name.lower())
    errors = getattr(known, "errors", ())
    headers = dict(known.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request, headers.get("Allow", "")))
    return problem(_id(request), status, code, known.detail, errors=errors, headers=headers)


def _allowed(request: Request, known: str) -> list[str]:
    """The methods of an address: those that the router found, which are one endpoint's, and those of its others."""
    paths: Mapping[str, Mapping[str, object]] = request.app.openapi()["paths"]
    others = (methods for path, methods in paths.items() if compile_path(path)[0].match(request.scope["path"]))
    return sorted({*known.split(", "), *(method.upper() for methods in others for method in methods)} - {""})


async def _answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """Every fault of a request; where only its address is wrong, there is nothing at that address."""
    found = cast("RequestValidationError", error).errors()
    if all(one["loc"][:1] == ("path",) for one in found):
        return problem(_id(request), HTTPStatus.NOT_FOUND, "not_found", "There is nothing of that name")
    faults = [Fault(path=".".join(map(str, one["loc"])), detail=one["msg"]) for one in found]
    detail = "; ".join(f"{fault.path}: {fault.detail}" for fault in faults[:3])
    if len(faults) > 3:  # noqa: PLR2004 - as many as are read at a glance
        detail += f"; and {len(faults) - 3} more"
    return problem(_id(request), HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, errors=faults)


async def _answer_data(request: Request, _error: Exception) -> JSONResponse:
    """A value that no column can hold, such as a number of forty digits: there can be no such row."""
    detail = "A value of the request is none that can be stored or looked for"
    return problem(_id(request), HTTPStatus.BAD_REQUEST, "invalid", detail)


def unexpected(request_id: str | None) -> JSONResponse:
    """The answer to an error that nobody foresaw."""
    detail = "This should not have happened; the logs say more under the request's id"
    return problem(request_id, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    OrchestrationError: _answer_ours,
    HTTPException: _answer_http,
    RequestValidationError: _answer_invalid,
    sa.exc.DataError: _answer_data,
}
