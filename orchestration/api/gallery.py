"""The gallery over HTTP: its public side, and what operators do with the mirror.

It holds the endpoints. Keep out: what is public; each request asks the database.

What has been made private is gone with that very change, though the mirror takes a moment longer.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from orchestration.api.models import ApiModel, PathName, example
from orchestration.api.objects import BYTES, answer_object
from orchestration.api.problems import documented
from orchestration.api.routes import public_router
from orchestration.errors import NotFoundError
from orchestration.gallery.images.store import servable
from orchestration.gallery.public import public_document_text
from orchestration.gallery.signup import signup_image

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery
    from orchestration.services import Services

# As long as an image that was taken back may still be in somebody's cache.
_BRIEFLY = {"Cache-Control": "public, max-age=60", "Content-Disposition": "inline"}
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The public document",
        "content": {"application/json": {"schema": {"type": "object"}, "example": {"prompt": "a red fox in the snow"}}},
    }
}


class Creator(ApiModel):
    """Who made an image, as far as it is shown."""

    username: str | None
    photo_url: str | None = Field(alias="photoURL")


class SignupImage(ApiModel):
    """One image for the signup page."""

    model_config = example(
        imageUrl="https://images.example/1.png",
        prompt="a red fox in the snow",
        generationId="g1",
        creator={"username": "ada", "photoURL": "https://photos.example/ada.jpg"},
        cachedAt="2026-02-01T00:00:00+00:00",
    )

    image_url: str
    prompt: str | None
    generation_id: str | None
    creator: Creator | None
    cached_at: str


def router(gallery: Gallery) -> APIRouter:
    """The gallery's endpoints."""
    api = APIRouter()
    api.include_router(_public(gallery.services))
    return api


def _public(services: Services) -> APIRouter:
    api = public_router("gallery")
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get("/signup/image", responses=missing)
    def read_signup_image() -> SignupImage:
        """An image for the signup page, another one each time."""
        with services.database.connect() as connection:
            image = signup_image(connection)
        if image is None:
            raise NotFoundError("There is no signup image: materialize gallery/signup_images")
        return SignupImage.model_validate({**image._asdict(), "cached_at": image.cached_at.isoformat()})

    @api.get("/generations/{history_id}", response_class=Response, responses=_DOCUMENT | missing)
    def read_generation(history_id: PathName) -> Response:
        """A public generation as it is mirrored."""
        with services.database.connect() as connection:
            document = public_document_text(connection, history_id)
        if document is None:
            raise NotFoundError("There is no such public generation")
        return Response(document, media_type="application/json")

    @api.head("/media/{rest:path}", include_in_schema=False)
    @api.get("/media/{rest:path}", response_class=Response, responses=BYTES)
    async def read_image(request: Request, rest: PathName) -> Response:
        """A smaller form of an image that a public generation shows."""
        key = f"media/{rest}"
        if not await run_in_threadpool(_is_servable, services, key):
            raise NotFoundError("No public generation shows this image")
        return await answer_object(services, request, key, _BRIEFLY)

    return api


def _is_servable(services: Services, key: str) -> bool:
    with services.database.connect() as connection:
        return servable(connection, key)
