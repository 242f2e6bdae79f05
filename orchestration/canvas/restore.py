"""Going back to an earlier state of a project.

Which operations lead there. Keep out: undoing single operations (`log`), reading the state (`loading`).

History is never rewritten: a restore appends ordinary operations that turn what is there into what was, so it stands
in the log like any other work, and can itself be undone or restored from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.canvas.loading import load, load_snapshot
from orchestration.canvas.log import NewOperation, append
from orchestration.canvas.operations import difference
from orchestration.canvas.projects import lock_project
from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.canvas.log import Applied
    from orchestration.canvas.model import Element

    Elements = Mapping[str, Element]


class Target(NamedTuple):
    """Where to go back to: a snapshot, or the state after an operation (-1 is the empty canvas). One of both."""

    snapshot_id: int | None = None
    op_index: int | None = None


class Restored(NamedTuple):
    """A restore: the state after `op_index` is there again, by `applied`, which is empty when nothing differed.

    `missing` are elements that could not come back, and the medium of each, which was collected meanwhile.
    `came_from` is the last operation before it: restoring to that takes the restore back.
    """

    project_id: str
    op_index: int
    came_from: int
    applied: list[Applied]
    missing: Mapping[str, str] = {}


def restore(connection: sa.Connection, project_id: str, target: Target, actor_uid: str | None = None) -> Restored:
    """Go back, in the caller's transaction, in the name of `actor_uid` or else of the owner.

    An element whose medium was deleted stays as it is now; everything else comes back.
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
    current = load(connection, project_id).elements
    missing = _missing(connection, current, wanted.elements)
    possible = {key: element for key, element in wanted.elements.items() if key not in missing}
    possible |= {key: current[key] for key in missing if key in current}
    steps = difference(current, possible)
    applied = append(connection, project_id, [NewOperation(step, actor) for step in steps]) if steps else []
    return Restored(project_id, wanted.op_index, project.last_op_index, applied, missing)


def _missing(connection: sa.Connection, current: Elements, wanted: Elements) -> dict[str, str]:
    """The elements that would come back without their medium, and which that was."""
    shown = {
        key: medium
        for key, element in wanted.items()
        if current.get(key) != element and isinstance(medium := element.meta.get("mediaId"), str)
    }
    gone = set(connection.execute(_GONE, {"ids": sorted(set(shown.values()))}).scalars()) if shown else set()
    return {key: medium for key, medium in shown.items() if medium in gone}


_GONE = sa.text("""
    SELECT DISTINCT media_id FROM media_tombstone AS t WHERE media_id = ANY (CAST(:ids AS text[]))
        AND NOT EXISTS (SELECT FROM canvas_media AS m WHERE m.media_id = t.media_id)
""")
