"""What an error looks like to a caller: a status, and one JSON object that says why.

From error types to statuses. Keep out: the messages, which are written where the error is raised.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from orchestration.errors import InvalidInputError, NotFoundError, OrchestrationError, RefusedError, TransientError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ExceptionHandler

# The first that fits.
_STATUSES: tuple[tuple[type[OrchestrationError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (RefusedError, HTTPStatus.FORBIDDEN),
    (InvalidInputError, HTTPStatus.BAD_REQUEST),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (OrchestrationError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_HEADERS = {"Cache-Control": "no-store"}


def _answer_ours(_: Request, error: Exception) -> JSONResponse:
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    return JSONResponse({"error": str(error)}, status, headers=_HEADERS)


def _answer_http(_: Request, error: Exception) -> JSONResponse:
    known = cast("HTTPException", error)
    return JSONResponse({"error": known.detail}, known.status_code, headers={**_HEADERS, **(known.headers or {})})


EXCEPTION_HANDLERS: dict[type[Exception], ExceptionHandler] = {
    OrchestrationError: _answer_ours,
    HTTPException: _answer_http,
}
