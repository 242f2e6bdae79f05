"""The gallery over HTTP: its public side, and what operators do with the mirror.

It holds the endpoints. Keep out: what is public; each request asks the database.

What has been made private is gone with that very change, though the mirror takes a moment longer.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from orchestration.api.access import ADMINISTERS, READS
from orchestration.api.models import (
    USUAL_PAGE,
    After,
    ApiModel,
    Body,
    Limit,
    Name,
    Page,
    PathName,
    example,
    page_of,
)
from orchestration.api.objects import BYTES, answer_object
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router, public_router
from orchestration.api.work import ACCEPTED, EnqueuerWork, RequestId
from orchestration.errors import NotFoundError
from orchestration.gallery.images.store import servable
from orchestration.gallery.public import public_document_text
from orchestration.gallery.reconcile import find_drift
from orchestration.gallery.requests import MIRROR, REFRESH_SIGNUP, REPAIR
from orchestration.gallery.signup import signup_image
from orchestration.gallery.takedowns import lift, list_takedowns, takedown

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery
    from orchestration.requests.requests import WorkRequest
    from orchestration.services import Services

# Generations that one call may name, and items of each kind of drift that are listed.
MOST_ITEMS, LISTED = 1_000, 100
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


class Items(Body):
    """Generations, by their ids."""

    model_config = example(ids=["g1", "g2"], requestId="req-0001")

    ids: list[Name] = Field(min_length=1, max_length=MOST_ITEMS)
    request_id: RequestId = None


class Asking(Body):
    """A call for work that takes nothing."""

    model_config = example(requestId="req-0001")

    request_id: RequestId = None


class TakeDown(Body):
    """Generations to take down, and why, for those who ask later."""

    model_config = example(ids=["g1"], reason="asked for by a rights holder")

    ids: list[Name] = Field(min_length=1, max_length=MOST_ITEMS)
    reason: Name = "removed by an operator"


class TakenDown(ApiModel):
    """How many generations are down now that were not, and how many were."""

    model_config = example(takenDown=1, wereDown=0)

    taken_down: int
    were_down: int


class TakedownModel(ApiModel):
    """A generation that is taken down until it is lifted."""

    model_config = example(historyId="g1", reason="asked for by a rights holder", takenDownAt="2026-02-01T08:00:00Z")

    history_id: str
    reason: str
    taken_down_at: datetime


class Drift(ApiModel):
    """Where the mirror is not what the history says: how many items, and the first of each kind."""

    model_config = example(source=120, mirror=120, total=1, extra=[], missing=["g7"], stale=[])

    source: int = Field(description="Items that the history shows")
    mirror: int = Field(description="Items that the mirror shows")
    total: int
    extra: list[str] = Field(description="Shown, and must not be")
    missing: list[str]
    stale: list[str] = Field(description="Shown as they no longer are")


def router(gallery: Gallery) -> APIRouter:
    """The gallery's endpoints."""
    api = APIRouter()
    api.include_router(_public(gallery.services))
    api.include_router(_operating(gallery.services))
    return api


def _operating(services: Services) -> APIRouter:
    api = guarded_router("gallery")

    @api.post("/api/gallery/mirror", **ACCEPTED)
    def mirror_items(body: Items, work: EnqueuerWork) -> WorkRequest:
        """Mirror generations now, whether or not they changed."""
        return work.start(MIRROR, {"ids": body.ids}, body.request_id)

    @api.get("/api/gallery/drift", dependencies=[READS])
    def read_drift() -> Drift:
        """Compare the mirror with the history, whole."""
        with services.database.connect() as connection:
            found = find_drift(connection)
        kinds = {name: list(getattr(found, name)[:LISTED]) for name in ("extra", "missing", "stale")}
        return Drift(source=found.source, mirror=found.mirror, total=found.total, **kinds)

    @api.post("/api/gallery/repair", **ACCEPTED)
    def repair_mirror(body: Asking, work: EnqueuerWork) -> WorkRequest:
        """Compare the mirror with the history, and mirror what differs."""
        return work.start(REPAIR, {}, body.request_id)

    @api.post("/api/gallery/signup/refresh", **ACCEPTED)
    def refresh_signup_images(body: Asking, work: EnqueuerWork) -> WorkRequest:
        """Choose the images of the signup page again."""
        return work.start(REFRESH_SIGNUP, {}, body.request_id)

    _add_takedowns(api, services)
    return api


def _add_takedowns(api: APIRouter, services: Services) -> None:
    """Taking down acts at once, and not when Dagster comes to it."""

    @api.get("/api/gallery/takedowns", response_model=Page[TakedownModel], dependencies=[READS])
    def read_takedowns(after: After = None, limit: Limit = USUAL_PAGE) -> dict[str, Any]:
        """The generations that are taken down, by their ids."""
        with services.database.connect() as connection:
            found = list_takedowns(connection, after=after, limit=limit + 1)
        return page_of(found, limit, lambda one: one.history_id)

    @api.post("/api/gallery/takedowns", dependencies=[ADMINISTERS])
    def take_down(body: TakeDown) -> TakenDown:
        """Take generations down until they are lifted, also against their makers. They are gone at once."""
        with services.database.begin() as connection:
            new = takedown(connection, set(body.ids), body.reason)
        return TakenDown(taken_down=new, were_down=len(set(body.ids)) - new)

    @api.delete(
        "/api/gallery/takedowns/{history_id}",
        status_code=HTTPStatus.NO_CONTENT,
        dependencies=[ADMINISTERS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def lift_takedown(history_id: PathName) -> None:
        """Let the history decide again about a generation."""
        with services.database.begin() as connection:
            if not lift(connection, [history_id]):
                raise NotFoundError("This generation is not taken down; nothing was done")


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
