"""`GET /objects/KEY`: a stored object, for whoever has a signed link to it.

The answer's headers. Keep out: what makes a link valid (`storage.links`).
"""

from __future__ import annotations

import mimetypes
import re
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from orchestration.services import Services

# What the library does not know, or names after another system's idea of it.
_MIME = {
    ".3mf": "model/3mf",
    ".avif": "image/avif",
    ".jsonl": "application/jsonl",
    ".stl": "model/stl",
    ".webp": "image/webp",
}
# The bytes come from customers and suppliers, and this is the API's own origin: nothing in them may run here.
_SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


def routes(services: Services) -> list[Route]:
    """The objects: 403 for a link that is wrong or over, 404 for an object that is gone."""

    async def read_object(request: Request) -> Response:
        key, query = request.path_params["key"], request.query_params
        expires, filename, now = query.get("expires", ""), query.get("filename"), datetime.now(UTC)
        services.links.verify(key, expires, query.get("signature", ""), now=now, filename=filename)
        headers = {
            "Cache-Control": f"private, max-age={int(expires) - int(now.timestamp())}, immutable",
            "Content-Disposition": _disposition(filename),
        }
        return await answer_object(services, request, key, headers)

    return [Route("/objects/{key:path}", read_object)]


async def answer_object(services: Services, request: Request, key: str, headers: Mapping[str, str]) -> Response:
    """The object, or that the caller's copy is still right. Raises `MissingObjectError`, which is answered with 404."""
    opened = await services.objects.open(key)
    headers = {**_SAFE, **headers, **({"ETag": opened.etag} if opened.etag else {})}
    if opened.etag and _names(request.headers.get("if-none-match", ""), opened.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers |= {"Content-Length": str(opened.size), "Content-Type": _mime(key)}
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(opened.chunks, headers=headers)


def _mime(key: str) -> str:
    extension = PurePosixPath(key).suffix.lower()
    return _MIME.get(extension) or mimetypes.types_map.get(extension, "application/octet-stream")


def _disposition(filename: str | None) -> str:
    """RFC 6266: the name in full for those who can read it, and in plain letters for the others."""
    if not filename:
        return "inline"
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _names(header: str, etag: str) -> bool:
    """Whether an If-None-Match header (RFC 9110 13.1.2) names the tag."""
    tags = [tag.strip().removeprefix("W/") for tag in header.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags
