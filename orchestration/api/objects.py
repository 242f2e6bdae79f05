"""`GET /objects/KEY`: a stored object, for everyone who has a signed link to it.

The answer's headers, and parts of objects. Keep out: what makes a link valid (`storage.links`).
"""

from __future__ import annotations

import mimetypes
import re
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from orchestration.api.problems import documented
from orchestration.api.ranges import ByteRange, requested_range
from orchestration.api.routes import public_router

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from orchestration.domains import Domains
    from orchestration.services import Services

# What the library does not know, or names after another system's idea of it.
_MIME = {
    ".3mf": "model/3mf",
    ".avif": "image/avif",
    ".glb": "model/gltf-binary",
    ".jsonl": "application/jsonl",
    ".stl": "model/stl",
    ".vtt": "text/vtt",
    ".webm": "video/webm",
    ".webp": "image/webp",
}
# The bytes come from customers and suppliers, and this is the API's own origin: nothing in them may run here.
_SAFE = {
    "Accept-Ranges": "bytes",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
_BINARY: dict[str, Any] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
BYTES: dict[int | str, dict[str, Any]] = {
    200: {**_BINARY, "description": "The bytes"},
    206: {**_BINARY, "description": "The bytes of the range that was asked for"},
    304: {"description": "The caller's copy is still right"},
    **documented(HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
}
"""The `responses` of an endpoint that answers with an object."""


def router(domains: Domains) -> APIRouter:
    """The objects."""
    services = domains.services
    api = public_router("links")

    @api.head("/objects/{key:path}", include_in_schema=False)
    @api.get(
        "/objects/{key:path}",
        response_class=Response,
        responses=BYTES | documented(HTTPStatus.FORBIDDEN),
    )
    async def read_object(
        request: Request,
        key: str,
        expires: Annotated[str, Query(max_length=20)] = "",
        signature: Annotated[str, Query(max_length=200)] = "",
        filename: Annotated[str | None, Query(max_length=1_000)] = None,
    ) -> Response:
        """A stored object, by a signed link: 403 for a link that is wrong or over, 404 for an object that is gone."""
        now = datetime.now(UTC)
        await run_in_threadpool(services.links.verify, key, expires, signature, now=now, filename=filename)
        headers = {
            "Cache-Control": f"private, max-age={int(expires) - int(now.timestamp())}, immutable",
            "Content-Disposition": _disposition(filename),
        }
        return await answer_object(services, request, key, headers)

    return api


async def answer_object(services: Services, request: Request, key: str, headers: Mapping[str, str]) -> Response:
    """The object or a part of it, or that the caller's copy is still right.

    Raises `MissingObjectError`, which is answered with 404, and answers 416 for a range that it does not have.
    """
    head = await run_in_threadpool(services.objects.head, key)
    headers = {**_SAFE, **headers, **({"ETag": head.etag} if head.etag else {})}
    if head.etag and _names(request.headers.get("if-none-match", ""), head.etag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    part = requested_range(request.headers, head.size, head.etag)
    start, length = part or ByteRange(0, head.size)
    headers |= {"Content-Length": str(length), "Content-Type": _mime(key)}
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{head.size}"
    status = HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK
    if request.method == "HEAD" or length == 0:
        return Response(status_code=status, headers=headers)
    opened = await services.objects.open(key, start=start, length=length if part else None)
    return StreamingResponse(opened.chunks, status, headers=headers)


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
