"""The fault points: every kind of effect that the product has, by name, and where the product makes it.

A point is wrapped around functions of the product from outside, in a process that tests have started, so the product
knows nothing of it. Keep out: what happens at a point (`faults`).
"""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Hook(Protocol):
        """Called when a point is passed: before it, and after it if nothing was raised."""

        def before(self, point: str) -> object:
            """What happens before the effect; its value is handed to `after`."""

        def after(self, point: str, passage: Any) -> None:  # noqa: ANN401 - what `before` returned
            """What happens after it."""


def _is_transaction(_dialect: object, connection: Any, *_: object) -> bool:  # noqa: ANN401 - the driver's
    """Whether there is anything to commit: a connection that commits by itself is asked to commit as well."""
    return not connection.autocommit


class Seam(NamedTuple):
    """A function of the product: its module, its name in it, and which of its calls count; None counts all."""

    module: str
    name: str
    counts: Callable[..., bool] | None = None


POINTS: dict[str, tuple[Seam, ...]] = {
    "claim": (Seam("orchestration.work_queue.queue", "TaskQueue.claim"),),
    "settle": (Seam("orchestration.work_queue.queue", "TaskQueue.settle"),),
    "lease renewal": (Seam("orchestration.work_queue.queue", "TaskQueue.renew"),),
    "commit": (Seam("sqlalchemy.dialects.postgresql.psycopg", "PGDialect_psycopg.do_commit", _is_transaction),),
    "object put": (Seam("orchestration.storage.objects", "ObjectStore.put_once"),),
    "event record": (
        Seam("orchestration.runtime.recording", "store_events"),
        Seam("dagster_postgres.event_log", "PostgresEventLogStorage.store_event"),
        Seam("dagster_postgres.event_log", "PostgresEventLogStorage.store_event_batch"),
    ),
    "outbox delivery": (
        Seam("orchestration.notifications.webhook", "WebhookChannel.send"),
        Seam("orchestration.notifications.callback", "CallbackChannel.send"),
    ),
    "snapshot": (Seam("orchestration.canvas.saving", "save"),),
    "collection delete": (Seam("orchestration.storage.objects", "ObjectStore.delete"),),
}


def wrap_points(hook: Hook) -> None:
    """Have `hook` called at every point, for the rest of this process."""
    for point, seams in POINTS.items():
        for seam in seams:
            owner, attribute = find_seam(seam)
            setattr(owner, attribute, _wrapped(getattr(owner, attribute), point, seam, hook))


def find_seam(seam: Seam) -> tuple[Any, str]:
    """The class or module that a seam is in, and its name there."""
    owner: Any = importlib.import_module(seam.module)
    *path, attribute = seam.name.split(".")
    for name in path:
        owner = getattr(owner, name)
    return owner, attribute


def _wrapped(function: Callable[..., Any], point: str, seam: Seam, hook: Hook) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands for any function
            passage = hook.before(point)
            result = await function(*args, **kwargs)
            hook.after(point, passage)
            return result

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        if seam.counts is not None and not seam.counts(*args, **kwargs):
            return function(*args, **kwargs)
        passage = hook.before(point)
        result = function(*args, **kwargs)
        hook.after(point, passage)
        return result

    return call
