"""Going back to an earlier state of a project.

Which operations lead there. Keep out: undoing single operations (`log`), reading the state (`loading`).

History is never rewritten: a restore appends ordinary operations that turn what is there into what was, so it stands
in the log like any other work, and can itself be undone or restored from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestration.canvas.loading import load, load_snapshot
from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.operations import difference
from orchestration.canvas.projects import lock_project
from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration.canvas.log import Applied


class Target(NamedTuple):
    """Where to go back to: a snapshot, or the state after an operation (-1 is the empty canvas). One of both."""

    snapshot_id: int | None = None
    op_index: int | None = None


class Restored(NamedTuple):
    """A restore: the state after `op_index` is there again, by `applied`, which is empty when nothing differed.

    `came_from` is the last operation before it: restoring to that takes the restore back.
    """

    project_id: str
    op_index: int
    came_from: int
    applied: list[Applied]


def restore(connection: sa.Connection, project_id: str, target: Target, actor_uid: str | None = None) -> Restored:
    """Go back, in the caller's transaction, in the name of `actor_uid` or else of the owner.

    Raises `RefusedError` for a user who may not edit, `NotFoundError` or `InvalidInputError` for a target that is not
    there, `ConfigurationError` unless exactly one is given.
    """
    if (target.snapshot_id is None) == (target.op_index is None):
        raise ConfigurationError("Give either a snapshot or the index of an operation to restore to")
    project = lock_project(connection, project_id)
    actor = actor_uid or project.owner_uid
    project.require_editor(actor)
    if target.snapshot_id is not None:
        wanted = load_snapshot(connection, project_id, target.snapshot_id)
    else:
        wanted = load(connection, project_id, at=target.op_index)
    # By the log, not by the rows: what is appended must fit a replay.
    steps = difference(load(connection, project_id).elements, wanted.elements)
    applied = append(connection, project_id, [NewOperation(step, actor) for step in steps]) if steps else []
    return Restored(project_id, wanted.op_index, project.last_op_index, applied)
