"""The canvas over HTTP: loading a project, its operations and snapshots, going back.

It holds the endpoints. Keep out: the collection of media (`canvas_collections`), and the work, which the domain does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field, model_validator
from starlette.responses import Response

from orchestration.api.access import ENQUEUES, READS
from orchestration.api.canvas_collections import collections_router
from orchestration.api.models import (
    LARGEST_NUMBER,
    USUAL_PAGE,
    ApiModel,
    Body,
    Limit,
    Name,
    Page,
    PathName,
    example,
    page_of,
)
from orchestration.api.problems import documented
from orchestration.api.routes import guarded_router
from orchestration.api.work import ACCEPTED, EnqueuerWork, RequestId
from orchestration.canvas.loading import load
from orchestration.canvas.log import NewOperation, append, list_operations, undo
from orchestration.canvas.model import OperationType, read_operation
from orchestration.canvas.projects import read_project
from orchestration.canvas.requests import SNAPSHOT
from orchestration.canvas.restore import Target, restore
from orchestration.canvas.snapshots import list_snapshots, save

if TYPE_CHECKING:
    from orchestration.canvas.canvas import Canvas
    from orchestration.canvas.log import Applied
    from orchestration.canvas.model import Operation
    from orchestration.requests.requests import WorkRequest
    from orchestration.services import Services

PROJECT = "/api/canvas/projects/{project_id}"
MOST_OPERATIONS = 1_000
OpIndex = Annotated[int, Field(ge=-1, le=LARGEST_NUMBER)]
# What a client's clock may say; further away lies what PostgreSQL stores and Python cannot read.
ClientTime = Annotated[AwareDatetime, Field(gt=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]


class OperationModel(ApiModel):
    """An operation: the elements that it names, and the data of its type."""

    type: OperationType
    element_id: str | None = None
    element_ids: list[str] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)


class AppliedModel(ApiModel):
    """An operation in the log. `inverse` takes it back; `isRepeat` if its request had been done before."""

    model_config = example(
        opIndex=12,
        operation={"type": "move", "elementId": "e1", "elementIds": [], "data": {"delta": {"x": 10, "y": 0}}},
        inverse={"type": "move", "elementId": "e1", "elementIds": [], "data": {"delta": {"x": -10, "y": 0}}},
        actorUid="ada",
        requestId="op-0001",
        clientTs=None,
        createdAt="2026-02-01T08:00:00Z",
        isRepeat=False,
    )

    op_index: int
    operation: OperationModel
    inverse: OperationModel | None
    actor_uid: str
    request_id: str | None
    client_ts: datetime | None
    created_at: datetime
    is_repeat: bool


class OperationBody(Body):
    """An operation to apply. The data of each type are checked when it is."""

    type: OperationType
    element_id: Name | None = None
    element_ids: list[Name] = Field(default_factory=list)
    data: dict[str, Any] = Field(default_factory=dict)


class NewOperationModel(Body):
    """An operation to apply, and whose it is. `requestId` makes it happen once, however often sent."""

    operation: OperationBody
    actor_uid: Name
    request_id: RequestId = None
    client_ts: ClientTime | None = None


class NewOperations(Body):
    """Operations to apply, one after another: all of them or none."""

    model_config = example(
        operations=[
            {
                "operation": {"type": "create", "elementId": "e1", "data": {"element": {"type": "text", "x": 10}}},
                "actorUid": "ada",
                "requestId": "op-0001",
            }
        ]
    )

    operations: list[NewOperationModel] = Field(min_length=1, max_length=MOST_OPERATIONS)


class AppliedOperations(ApiModel):
    """The operations as the log has them."""

    operations: list[AppliedModel]


class Undo(Body):
    """Who takes an operation back."""

    model_config = example(actorUid="ada", requestId="op-0002")

    actor_uid: Name
    request_id: RequestId = None


class Restore(Body):
    """Where to go back to: a snapshot, or the state after an operation (-1 is the empty canvas). One of both."""

    model_config = example(opIndex=7, actorUid="ada")

    snapshot_id: Annotated[int, Field(ge=1, le=LARGEST_NUMBER)] | None = None
    op_index: OpIndex | None = None
    actor_uid: Name | None = Field(None, description="In whose name; the owner's without it")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.snapshot_id is None) == (self.op_index is None):
            raise ValueError("give either snapshotId or opIndex")
        return self


class Restored(ApiModel):
    """A restore: the state after `opIndex` is there again. Restoring to `cameFrom` takes it back."""

    project_id: str
    op_index: int
    came_from: int
    applied: list[AppliedModel]


class SnapshotModel(ApiModel):
    """A snapshot: the last operation that is in it, and why it cannot be used, if so."""

    model_config = example(snapshotId=3, opIndex=12, name="before the launch", createdAt="2026-02-01T08:00:00Z",
                           corruptReason=None)  # fmt: skip

    snapshot_id: int
    op_index: int
    name: str | None
    created_at: datetime
    corrupt_reason: str | None


class NewSnapshot(Body):
    """A snapshot to make now; one with a name is made though nothing is new, and kept."""

    model_config = example(name="before the launch", createdBy="ada")

    name: Annotated[Name, Field(max_length=200)] | None = None
    created_by: Name | None = None


class SavedModel(ApiModel):
    """A snapshot that was made; `snapshotId` is null when there was nothing new to save."""

    model_config = example(projectId="p-1", snapshotId=3, opIndex=12, elementCount=5, bytes=912, name=None)

    project_id: str
    snapshot_id: int | None = None
    op_index: int | None = None
    element_count: int | None = None
    bytes: int | None = None
    name: str | None = None


class SaveProjects(Body):
    """Projects to save, due or not; none named: all that are due."""

    model_config = example(projects=["p-1"], requestId="req-0001")

    projects: list[Name] = Field(default_factory=list, max_length=MOST_OPERATIONS)
    request_id: RequestId = None


_LOADED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The elements by their ids",
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "projectId": "p-1",
                    "opIndex": 12,
                    "elements": {"e1": {"type": "text", "x": 10}},
                    "snapshotId": 3,
                    "replayed": 2,
                    "corrupt": [],
                },
            }
        },
    }
}


def router(canvas: Canvas) -> APIRouter:
    """The endpoints of the canvas."""
    api = guarded_router("canvas")
    _add_projects(api, canvas.services)
    _add_operations(api, canvas.services)
    _add_snapshots(api, canvas.services)
    whole = APIRouter()
    whole.include_router(api)
    whole.include_router(collections_router(canvas))
    return whole


def _add_projects(api: APIRouter, services: Services) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get(PROJECT, response_class=Response, dependencies=[READS], responses=_LOADED | missing)
    def load_project(
        project_id: PathName, at: Annotated[OpIndex | None, Query(description="As it was after this operation")] = None
    ) -> Response:
        """A project's elements, from its newest snapshot and the operations after it."""
        with services.database.begin() as connection:
            loaded = load(connection, project_id, at=at)
        answer = {
            "projectId": loaded.project_id,
            "opIndex": loaded.op_index,
            "elements": loaded.elements,
            "snapshotId": loaded.snapshot_id,
            "replayed": loaded.replayed,
            "corrupt": loaded.corrupt,
        }
        return Response(msgspec.json.encode(answer), media_type="application/json")

    @api.post(f"{PROJECT}/restore", response_model=Restored, dependencies=[ENQUEUES], responses=missing)
    def restore_project(project_id: PathName, body: Restore) -> dict[str, Any]:
        """Go back to an earlier state, by operations that can themselves be taken back."""
        target = Target(body.snapshot_id, body.op_index)
        with services.database.begin() as connection:
            restored = restore(connection, project_id, target, body.actor_uid)
        return {**restored._asdict(), "applied": list(map(_applied, restored.applied))}


def _add_operations(api: APIRouter, services: Services) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get(f"{PROJECT}/operations", response_model=Page[AppliedModel], dependencies=[READS], responses=missing)
    def read_operations(
        project_id: PathName, after: Annotated[OpIndex, Query()] = -1, limit: Limit = USUAL_PAGE
    ) -> dict[str, Any]:
        """The operations that follow the index `after`, in their order."""
        with services.database.begin() as connection:
            read_project(connection, project_id)
            found = list_operations(connection, project_id, after=after, limit=limit + 1)
        return page_of([_applied(one) for one in found], limit, lambda one: one["op_index"])

    @api.post(f"{PROJECT}/operations", response_model=AppliedOperations, dependencies=[ENQUEUES], responses=missing)
    def apply_operations(project_id: PathName, body: NewOperations) -> dict[str, Any]:
        """Apply operations, one after another: all of them or none."""
        wanted = [
            NewOperation(_operation(one.operation), one.actor_uid, one.request_id, one.client_ts)
            for one in body.operations
        ]
        with services.database.begin() as connection:
            applied = append(connection, project_id, wanted)
        return {"operations": list(map(_applied, applied))}

    @api.post(
        f"{PROJECT}/operations/{{op_index}}/undo",
        response_model=AppliedModel,
        dependencies=[ENQUEUES],
        responses=missing,
    )
    def undo_operation(project_id: PathName, op_index: OpIndex, body: Undo) -> dict[str, Any]:
        """Take an operation back by appending its inverse; what others did since stays."""
        with services.database.begin() as connection:
            return _applied(undo(connection, project_id, op_index, body.actor_uid, body.request_id))


def _add_snapshots(api: APIRouter, services: Services) -> None:
    missing = documented(HTTPStatus.NOT_FOUND)

    @api.get(f"{PROJECT}/snapshots", response_model=Page[SnapshotModel], dependencies=[READS], responses=missing)
    def read_snapshots(project_id: PathName) -> dict[str, Any]:
        """The project's snapshots, the newest first."""
        with services.database.begin() as connection:
            read_project(connection, project_id)
            return {"items": list_snapshots(connection, project_id)}

    @api.post(
        f"{PROJECT}/snapshots",
        response_model=SavedModel,
        dependencies=[ENQUEUES],
        responses=missing | documented(HTTPStatus.CONFLICT),
    )
    def save_project(project_id: PathName, body: NewSnapshot) -> dict[str, Any]:
        """Save the project as it is now."""
        with services.database.begin() as connection:
            saved = save(connection, project_id, name=body.name, created_by=body.created_by)
        return saved._asdict() if saved else {"project_id": project_id}

    @api.post("/api/canvas/snapshots", **ACCEPTED)
    def save_projects(body: SaveProjects, work: EnqueuerWork) -> WorkRequest:
        """Save the projects that are due, or those that are named."""
        return work.start(SNAPSHOT, {"projects": body.projects}, body.request_id)


def _operation(body: OperationBody) -> Operation:
    return read_operation(body.model_dump(mode="json", by_alias=True, exclude_unset=True))


def _applied(one: Applied) -> dict[str, Any]:
    """An applied operation as plain values; a structure's defaults are left out of its JSON, and are there again."""
    inverse = None if one.inverse is None else msgspec.to_builtins(one.inverse)
    return {**one._asdict(), "operation": msgspec.to_builtins(one.operation), "inverse": inverse}
