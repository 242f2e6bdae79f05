"""The public side of the gallery: a signup image, a generation, and the smaller forms of images.

It holds the routes. Keep out: what is public; each request asks the database.

What has been made private is gone with that very change, though the mirror takes a moment longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestration.api.objects import answer_object
from orchestration.gallery.images.store import servable
from orchestration.gallery.public import public_document_text
from orchestration.gallery.signup import signup_image

if TYPE_CHECKING:
    from starlette.requests import Request

    from orchestration.services import Services

_FRESH = {"Cache-Control": "no-store"}
# As long as an image that was taken back may still be in somebody's cache.
_BRIEFLY = {"Cache-Control": "public, max-age=60", "Content-Disposition": "inline"}


def routes(services: Services) -> list[Route]:
    """`/signup/image`, `/generations/ID` and `/media/...`: 404 for what is not public."""

    def read_signup_image(_: Request) -> Response:
        with services.database.connect() as connection:
            image = signup_image(connection)
        if image is None:
            raise HTTPException(404, "There is no signup image: materialize gallery/signup_images")
        creator = image.creator and {"username": image.creator.username, "photoURL": image.creator.photo_url}
        answer = {
            "imageUrl": image.image_url,
            "prompt": image.prompt,
            "generationId": image.generation_id,
            "creator": creator,
            "cachedAt": image.cached_at.isoformat(),
        }
        return JSONResponse(answer, headers=_FRESH)

    def read_generation(request: Request) -> Response:
        with services.database.connect() as connection:
            document = public_document_text(connection, request.path_params["history_id"])
        if document is None:
            raise HTTPException(404, "There is no such public generation")
        return Response(document, media_type="application/json", headers=_FRESH)

    async def read_image(request: Request) -> Response:
        key = f"media/{request.path_params['rest']}"
        if not await run_in_threadpool(_is_servable, services, key):
            raise HTTPException(404, "No public generation shows this image")
        return await answer_object(services, request, key, _BRIEFLY)

    return [
        Route("/signup/image", read_signup_image),
        Route("/generations/{history_id}", read_generation),
        Route("/media/{rest:path}", read_image),
    ]


def _is_servable(services: Services, key: str) -> bool:
    with services.database.connect() as connection:
        return servable(connection, key)
