"""The collection of canvas media over HTTP: start one, see what it did, take its marks back.

It holds the endpoints. Keep out: what may be deleted, which the collector decides.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import Field

from orchestration.api.access import ADMINISTERS, READS
from orchestration.api.models import USUAL_PAGE, AfterNumber, ApiModel, Body, Limit, Page, PathNumber, example, page_of
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.api.work import ACCEPTED, AdminWork, RequestId
from orchestration.canvas.media_gc.runs import list_runs, read_run, tombstones
from orchestration.canvas.requests import COLLECT

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.canvas.canvas import Canvas
    from orchestration.canvas.media_gc.runs import Undone
    from orchestration.requests.requests import WorkRequest

PATH = "/api/canvas/collections"
LONGEST_TTL_DAYS, MOST_MEDIA = 36_500, 1_000_000


class Collect(Body):
    """A collection to make: a dry run unless `dryRun` is exactly false."""

    model_config = example(dryRun=True, ttlDays=30)

    dry_run: Any = Field(default=True, description="Only `false` deletes; anything else reports what would be done")
    ttl_days: float | None = Field(None, gt=0, le=LONGEST_TTL_DAYS)
    max_items: int | None = Field(None, ge=1, le=MOST_MEDIA)
    force: bool = Field(default=False, description="Go on although a guard speaks against it")
    request_id: RequestId = None


class CollectionModel(ApiModel):
    """A collection: what it found and did. Sizes in bytes."""

    model_config = example(
        id=5, startedAt="2026-02-01T03:00:00Z", finishedAt="2026-02-01T03:00:04Z", isDryRun=False, isForced=False,
        ttlDays=30.0, graceHours=24.0, media=810, mediaBytes=412_000_000, places={"element": 1_204}, repaired=0,
        candidates=12, marked=12, revived=0, deleted=3, orphans=0, bytes=2_400_000, skipped=0, failed=0,
        refusedReason=None,
    )  # fmt: skip

    id: int
    started_at: datetime
    finished_at: datetime | None
    is_dry_run: bool
    is_forced: bool
    ttl_days: float
    grace_hours: float
    media: int
    media_bytes: int
    places: dict[str, int]
    repaired: int
    candidates: int
    marked: int
    revived: int
    deleted: int
    orphans: int
    bytes: int
    skipped: int
    failed: int
    refused_reason: str | None


class CollectionResult(CollectionModel):
    """A collection, with the media that it deleted."""

    deleted_media: list[str]


class UndoneModel(ApiModel):
    """What happened to a collection's marks: media that are kept now, and those that were deleted before."""

    model_config = example(runId=5, kept=["m-1"], deleted=[])

    run_id: int
    kept: list[str]
    deleted: list[str]


def collections_router(canvas: Canvas) -> APIRouter:
    """The endpoints of collections."""
    api, services = guarded_router("canvas"), canvas.services
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.post(PATH, **ACCEPTED)
    def collect_media(body: Collect, work: AdminWork) -> WorkRequest:
        """Mark media that nothing refers to, and delete those whose grace is over."""
        arguments = {
            "dry_run": body.dry_run is not False,
            "ttl_days": body.ttl_days,
            "max_items": body.max_items,
            "force": body.force,
        }
        return work.start(COLLECT, arguments, body.request_id)

    @api.get(PATH, response_model=Page[CollectionModel], dependencies=[READS])
    def read_collections(after: AfterNumber = None, limit: Limit = USUAL_PAGE) -> dict[str, Any]:
        """The newest collections first."""
        with services.database.connect() as connection:
            found = list_runs(connection, before=after, limit=limit + 1)
        return page_of(found, limit, lambda one: int(one["id"]))

    @api.get(f"{PATH}/{{number}}", response_model=CollectionResult, dependencies=[READS], responses=missing)
    def read_collection(number: PathNumber) -> dict[str, Any]:
        """One collection, with what it deleted."""
        with services.database.begin() as connection:
            run, gone = read_run(connection, number), tombstones(connection, number)
        return {**run, "deleted_media": _media(gone)}

    @api.post(f"{PATH}/{{number}}/undo", response_model=UndoneModel, dependencies=[ADMINISTERS], responses=missing)
    def undo_collection(number: PathNumber) -> Undone:
        """Keep what a collection has marked, as far as it is not deleted yet."""
        return canvas.media.undo(number)

    return api


def _media(gone: list[sa.RowMapping]) -> list[str]:
    return [one["media_id"] for one in gone if one["media_id"] is not None]
