"""Canvas projects: making them, and who may change them.

The project's own row. Keep out: its operations (`log`), elements or snapshots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.tables import MOST_PREVIEW_IMAGES, canvas_project
from orchestration.errors import InvalidInputError, NotFoundError, RefusedError
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

EDITORS = ("owner", "editor")


class NewProject(NamedTuple):
    """A project that is to be made. `collaborators` gives each uid a role: owner, editor or viewer."""

    project_id: str
    name: str
    owner_uid: str
    description: str = ""
    collaborators: Mapping[str, str] = {}
    settings: Mapping[str, Any] = {}
    preview_images: Sequence[str] = ()


class Project(NamedTuple):
    """A project as its log is written and read. `collaborators` gives each uid its role."""

    project_id: str
    name: str
    owner_uid: str
    collaborators: Mapping[str, str]
    next_op_index: int

    @property
    def last_op_index(self) -> int:
        """The newest operation; -1 when there is none."""
        return self.next_op_index - 1

    def require_editor(self, uid: str) -> None:
        """Raise `RefusedError` unless this user may change the project."""
        if uid != self.owner_uid and self.collaborators.get(uid) not in EDITORS:
            raise RefusedError(
                f"{uid} may not change the project {self.project_id}; its owner can make them an editor of it"
            )


def create_projects(connection: sa.Connection, projects: Sequence[NewProject]) -> int:
    """Store new projects, in the caller's transaction; how many. One whose id is taken stays as it is.

    Raises `InvalidInputError` for a blank name, and for more preview images than are kept.
    """
    for project in projects:
        if not project.name.strip():
            raise InvalidInputError(f"The project {project.project_id} needs a name")
        if len(project.preview_images) > MOST_PREVIEW_IMAGES:
            raise InvalidInputError(f"The project {project.project_id} may show {MOST_PREVIEW_IMAGES} previews at most")
    rows = [
        project._asdict()
        | {"collaborators": [{"uid": uid, "role": role} for uid, role in project.collaborators.items()]}
        for project in projects
    ]
    return bulk.insert(connection, canvas_project, rows, columns=NewProject._fields)


def lock_project(connection: sa.Connection, project_id: str) -> Project:
    """The project, and with it the sole right to write to its log until the transaction ends.

    Raises `NotFoundError` for a project that is not there.
    """
    return _project(connection, project_id, sa.text(f"{_PROJECT} FOR NO KEY UPDATE"))


def read_project(connection: sa.Connection, project_id: str) -> Project:
    """The project as it is; raises as `lock_project` does."""
    return _project(connection, project_id, sa.text(_PROJECT))


class ListedProject(NamedTuple):
    """A project in a list. `unsaved` are its operations that are in no snapshot."""

    project_id: str
    name: str
    owner_uid: str
    operations: int
    unsaved: int
    last_snapshot_at: datetime | None
    updated_at: datetime


def list_projects(
    connection: sa.Connection, *, owner: str | None = None, after: str | None = None, limit: int = 100
) -> list[ListedProject]:
    """Projects by their ids, of one owner or of all."""
    columns = canvas_project.c
    unsaved = columns.next_op_index - sa.func.coalesce(columns.last_snapshot_op_index, -1) - 1
    statement = sa.select(
        columns.project_id, columns.name, columns.owner_uid, columns.next_op_index, unsaved, columns.last_snapshot_at,
        columns.updated_at,
    ).order_by(columns.project_id).limit(limit)  # fmt: skip
    if owner is not None:
        statement = statement.where(columns.owner_uid == owner)
    if after is not None:
        statement = statement.where(columns.project_id > after)
    return [ListedProject(*row) for row in connection.execute(statement)]


def known_projects(connection: sa.Connection, project_ids: Sequence[str]) -> set[str]:
    """Those of the ids that are projects."""
    known = sa.select(canvas_project.c.project_id).where(canvas_project.c.project_id.in_(project_ids))
    return set(connection.execute(known).scalars()) if project_ids else set()


def _project(connection: sa.Connection, project_id: str, statement: sa.TextClause) -> Project:
    row = connection.execute(statement, {"project_id": project_id}).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no canvas project {project_id}")
    return Project(project_id, row.name, row.owner_uid, _roles(row.collaborators), row.next_op_index)


def _roles(collaborators: Sequence[Any]) -> dict[str, str]:
    """The role of each user; an entry of any other shape, as other versions of the app write them, means nobody."""
    records = [one for one in collaborators if isinstance(one, dict)]
    pairs = [(one.get("uid"), one.get("role")) for one in records]
    return {uid: role for uid, role in pairs if isinstance(uid, str) and isinstance(role, str)}


_PROJECT = "SELECT name, owner_uid, collaborators, next_op_index FROM canvas_project WHERE project_id = :project_id"
