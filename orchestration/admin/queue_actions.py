"""What can be done to queues and their tasks: pause and resume, replay, cancel, stop a bulk action, resolve an error.

Keep out: the pages, and how a dead task begins again (`revival`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestration.admin.bulk import CANARY_ITEMS, NewBulk, create_bulk, stop_bulk
from orchestration.admin.errors import resolve_error
from orchestration.admin.forms import Action, Doing, Done, Field
from orchestration.admin.frame import address
from orchestration.admin.revival import revive, what_happens
from orchestration.api.keys import Role
from orchestration.errors import ConflictError, InvalidInputError, NotFoundError
from orchestration.work_queue.dead_letters import dead_keys
from orchestration.work_queue.pausing import pause, resume

if TYPE_CHECKING:
    from orchestration.work_queue.queue import TaskQueue

_WHY: Final = (Field("why", "Why", hint="for those who read it later"),)
_COUNTED_TO: Final = 100_001


def queue_named(doing: Doing) -> TaskQueue:
    """The queue that a form names; raises `NotFoundError`."""
    name = doing.one("queue")
    found = {queue.name: queue for queue in doing.domains.queues}
    if name not in found:
        raise NotFoundError(f"There is no such queue; there are {', '.join(found)}")
    return found[name]


def _pause(doing: Doing) -> Done:
    queue = queue_named(doing)
    changed = pause(doing.connection, queue, by=doing.by)
    return Done(f"{queue.name} is paused" if changed else f"{queue.name} was paused before")


def _ask_pause(doing: Doing) -> str:
    queue = queue_named(doing)
    counts = queue.counts(doing.connection)
    return (
        f"No task of {queue.name} is claimed until it is resumed. {counts.waiting} wait now, and {counts.active} that "
        "are being worked on go on. New tasks come in."
    )


def _resume(doing: Doing) -> Done:
    queue = queue_named(doing)
    changed = resume(doing.connection, queue)
    return Done(f"{queue.name} goes on" if changed else f"{queue.name} was not paused")


def _replay_one(doing: Doing) -> Done:
    queue, key = queue_named(doing), doing.one("key")
    if not dead_keys(doing.connection, queue.name, keys=[key], limit=1):
        raise NotFoundError(f"{key} is no longer dead; nothing was replayed")
    successor = revive(doing.domains, doing.connection, queue, [key]).get(key)
    return Done(f"{key} begins again{f' as {successor}' if successor else ''}")


def _bulk(doing: Doing, limit: int | None = None) -> NewBulk:
    queue = queue_named(doing)
    keys = doing.values.get("key")
    if doing.maybe("chosen") and not keys:
        raise InvalidInputError("No task is chosen; tick those that are to begin again")
    new = NewBulk(queue.name, doing.by, doing.maybe("why") or "", doing.maybe("fingerprint"), keys)
    return new if limit is None else new._replace(limit=limit)


def _ask_replay(doing: Doing) -> str:
    new = _bulk(doing)
    keys = dead_keys(doing.connection, new.queue, fingerprint=new.fingerprint, keys=new.keys, limit=_COUNTED_TO)
    if not keys:
        raise NotFoundError(f"Nothing of that is dead in {new.queue} now")
    which = "of this error" if new.fingerprint else "that you chose" if new.keys else "of the queue"
    return (
        f"{len(keys)} dead tasks {which} in {new.queue} {what_happens(doing.domains, queue_named(doing))}. The set is "
        f"frozen now, and can be stopped while it runs. Is the cause fixed? Replay {CANARY_ITEMS} first, and look."
    )


def _replay(doing: Doing) -> Done:
    number, total = create_bulk(doing.connection, _bulk(doing))
    return Done(f"{total} tasks begin again", address("bulk", number))


def _canary(doing: Doing) -> Done:
    number, total = create_bulk(doing.connection, _bulk(doing, CANARY_ITEMS))
    return Done(f"{total} tasks begin again; watch how they end, then replay the rest", address("bulk", number))


def _stop_bulk(doing: Doing) -> Done:
    number = doing.number("number")
    if not stop_bulk(doing.connection, number, doing.by):
        raise ConflictError(f"The bulk action {number} has ended already")
    return Done("Stopped; what was replayed stays replayed")


def _cancel(doing: Doing) -> Done:
    queue, key = queue_named(doing), doing.one("key")
    state = queue.request_cancel(doing.connection, key)
    if state is None:
        raise NotFoundError(f"{key} has ended; nothing was cancelled")
    return Done(f"{key} is {state}" if state == "cancelled" else f"{key} is being stopped by its worker")


def _ask_cancel(doing: Doing) -> str:
    return f"One task is cancelled: {doing.one('key')} of {queue_named(doing).name}. It does not run again by itself."


def _resolve(doing: Doing) -> Done:
    queue, fingerprint = queue_named(doing), doing.one("fingerprint")
    resolve_error(doing.connection, queue.name, fingerprint, doing.by, doing.maybe("why") or "")
    return Done("Resolved as of now; if it comes again, it is shown as regressed")


ACTIONS: Final = (
    Action("queue.pause", "Pause", Role.ADMIN, "queue", _pause, _ask_pause, is_harmful=True),
    Action("queue.resume", "Resume", Role.ADMIN, "queue", _resume),
    Action("task.replay", "Replay", Role.ADMIN, "task", _replay_one, named_by="key"),
    Action("task.cancel", "Cancel", Role.ADMIN, "task", _cancel, _ask_cancel, is_harmful=True, named_by="key"),
    Action("dead.replay", "Replay", Role.ADMIN, "queue", _replay, _ask_replay, _WHY),
    Action("dead.canary", f"Replay {CANARY_ITEMS}", Role.ADMIN, "queue", _canary),
    Action("bulk.stop", "Stop", Role.ADMIN, "bulk", _stop_bulk, is_harmful=True, named_by="number"),
    Action("error.resolve", "Resolved", Role.ADMIN, "queue", _resolve, fields=_WHY),
)
