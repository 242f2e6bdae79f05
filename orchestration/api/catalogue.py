"""The catalogue over HTTP: syncs of suppliers, and their progress.

It holds the endpoints. Keep out: reading what was synced (`catalogue_records`), and the work, which the domain does.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from orchestration.api.access import ADMINISTERS, READS, Enqueuer
from orchestration.api.catalogue_records import records_router
from orchestration.api.models import (
    USUAL_PAGE,
    AfterNumber,
    ApiModel,
    Body,
    Limit,
    Name,
    Page,
    PathName,
    PathNumber,
    example,
    page_of,
)
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.api.work import ACCEPTED, EnqueuerWork, RequestId
from orchestration.catalogue.feed.removal import restore_families
from orchestration.catalogue.feed.stopping import stop_supplier
from orchestration.catalogue.feed.sync_runs import supplier_statuses
from orchestration.catalogue.listing import list_syncs, read_sync
from orchestration.catalogue.requests import SYNC
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.catalogue.catalogue import Catalogue
    from orchestration.catalogue.feed.sync_runs import SupplierStatus
    from orchestration.requests.requests import WorkRequest
    from orchestration.services import Services

MOST_NAMES = 1_000
SyncStatus = Literal["running", "completed", "failed", "stopped"]


class ProgressModel(ApiModel):
    """How far a sync has come."""

    step: str
    completed: int
    total: int
    message: str


class SupplierModel(ApiModel):
    """A supplier and its newest sync. `perMinute` and `etaSeconds` are known while families are being imported."""

    model_config = example(
        supplier="A23", name="Ocean Bottle", status="running", message="",
        counts={"added": 4, "changed": 2, "unchanged": 80},
        progress={"step": "importing_families", "completed": 6, "total": 14, "message": "6 of 14 families"},
        startedAt="2026-02-01T08:00:00Z", finishedAt=None, perMinute=240.0, etaSeconds=2.0,
    )  # fmt: skip

    supplier: str
    name: str
    status: str
    message: str
    counts: dict[str, int]
    progress: ProgressModel
    started_at: datetime | None
    finished_at: datetime | None
    per_minute: float | None
    eta_seconds: float | None


class SyncModel(ApiModel):
    """One sync of a supplier, with its counts of families and images."""

    model_config = example(
        id=9, supplier="A23", isFull=False, status="completed", step="complete", message="", listed=86, settled=14,
        planned=14, added=4, changed=10, unchanged=72, removed=0, restored=0, heldBack=0, quarantined=0, failed=0,
        documents=14, rowsWritten=410, variants=180, images=96, imagesSettled=96, imagesFailed=0,
        startedAt="2026-02-01T08:00:00Z", finishedAt="2026-02-01T08:01:00Z",
    )  # fmt: skip

    id: int
    supplier: str
    is_full: bool
    status: SyncStatus
    step: str
    message: str
    listed: int
    settled: int
    planned: int
    added: int
    changed: int
    unchanged: int
    removed: int
    restored: int
    held_back: int
    quarantined: int
    failed: int
    documents: int
    rows_written: int
    variants: int
    images: int
    images_settled: int
    images_failed: int
    started_at: datetime
    finished_at: datetime | None


class StartSync(Body):
    """Which suppliers are synced; none named: all. `full` downloads every family."""

    model_config = example(suppliers=["A23"], full=False, requestId="req-0001")

    suppliers: list[Name] = Field(default_factory=list, max_length=MOST_NAMES)
    full: bool = False
    allow_mass_removal: bool = Field(default=False, description="Remove families that the guard would hold back")
    request_id: RequestId = None


class Stopped(ApiModel):
    """How many families were taken from the queue, and how many were interrupted while they were imported."""

    model_config = example(supplier="A23", cancelled=8, interrupted=2)

    supplier: str
    cancelled: int
    interrupted: int


class FamilyNumbers(Body):
    """Families, by their numbers."""

    model_config = example(aNumbers=["A23-100804"])

    a_numbers: list[Name] = Field(min_length=1, max_length=MOST_NAMES)


class RestoredFamilies(ApiModel):
    """The families that are published again, and those that were not removed."""

    model_config = example(restored=["A23-100804"], notRemoved=[])

    restored: list[str]
    not_removed: list[str]


def router(catalogue: Catalogue) -> APIRouter:
    """The endpoints of the catalogue."""
    api = guarded_router("catalogue")
    _add_suppliers(api, catalogue)
    _add_syncs(api, catalogue.services)
    whole = APIRouter()
    whole.include_router(api)
    whole.include_router(records_router(catalogue.services))
    return whole


def _add_suppliers(api: APIRouter, catalogue: Catalogue) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get("/api/catalogue/suppliers", response_model=Page[SupplierModel], dependencies=[READS])
    def read_suppliers() -> dict[str, list[SupplierStatus]]:
        """Each supplier with its newest sync."""
        with catalogue.database.connect() as connection:
            return {"items": supplier_statuses(connection)}

    @api.get("/api/catalogue/suppliers/{code}", response_model=SupplierModel, dependencies=[READS], responses=missing)
    def read_supplier(code: PathName) -> SupplierStatus:
        """One supplier: the state of its sync, counts, progress, families a minute, time left."""
        with catalogue.database.connect() as connection:
            found = {one.supplier: one for one in supplier_statuses(connection)}
        if code not in found:
            raise NotFoundError(f"There is no supplier {code}")
        return found[code]

    @api.post("/api/catalogue/suppliers/{code}/stop", response_model=Stopped, responses=missing)
    def stop(code: PathName, caller: Enqueuer) -> dict[str, Any]:
        """Stop a supplier's sync, with what is being imported. The next sync goes on where this one ended."""
        with catalogue.database.begin() as connection:
            stopped = stop_supplier(connection, catalogue.family_queue, code, by=f"api:{caller.name}")
        return {"supplier": code, **stopped._asdict()}


def _add_syncs(api: APIRouter, services: Services) -> None:
    @api.post("/api/catalogue/syncs", **ACCEPTED)
    def start_sync(body: StartSync, work: EnqueuerWork) -> WorkRequest:
        """Read the feed and queue what changed; the drains do the rest."""
        return work.start(SYNC, body.model_dump(exclude={"request_id"}), body.request_id)

    @api.get("/api/catalogue/syncs", response_model=Page[SyncModel], dependencies=[READS])
    def read_syncs(
        supplier: Annotated[Name | None, Query()] = None,
        status: SyncStatus | None = None,
        after: AfterNumber = None,
        limit: Limit = USUAL_PAGE,
    ) -> dict[str, Any]:
        """The newest syncs first."""
        with services.database.connect() as connection:
            found = list_syncs(connection, supplier=supplier, status=status, before=after, limit=limit + 1)
        return page_of(found, limit, lambda one: int(one["id"]))

    @api.get(
        "/api/catalogue/syncs/{number}",
        response_model=SyncModel,
        dependencies=[READS],
        responses=documented(HTTPStatus.NOT_FOUND),
    )
    def read_one_sync(number: PathNumber) -> sa.RowMapping:
        """One sync with its counts."""
        with services.database.connect() as connection:
            return read_sync(connection, number)

    @api.post("/api/catalogue/restore", response_model=RestoredFamilies, dependencies=[ADMINISTERS])
    def restore_removed_families(body: FamilyNumbers) -> dict[str, list[str]]:
        """Publish removed families again."""
        with services.database.begin() as connection:
            restored = restore_families(connection, body.a_numbers)
        return {"restored": restored, "not_removed": sorted(set(body.a_numbers) - set(restored))}
