"""What has to hold at the end of a soak, when everything that was asked for has been done.

Keep out: the soak itself.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.cli.reconcile_command import compare
from orchestration.gallery.reconcile import find_drift
from orchestration_tests.chaos.soak.load import KEPT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.domains import Domains
    from orchestration_tests.chaos.serving import Outside
    from orchestration_tests.chaos.soak.load import Load


def broken_promises(domains: Domains, load: Load, outside: Outside, kills: int) -> list[str]:
    """What does not hold."""
    with domains.canvas.database.begin() as connection:
        drift = find_drift(connection)
        return [
            *_tasks(connection),
            *_counts(connection, load.done),
            *_families(connection, load.names),
            *_collections(connection),
            *_notifications(connection, outside, kills),
            *([f"{drift.total} items of the mirror differ from the history"] if drift.total else []),
            *_objects(domains),
        ]


def _tasks(connection: sa.Connection) -> list[str]:
    rows = connection.execute(
        sa.text("SELECT queue, state, count(*) AS n, min(error) AS error FROM task GROUP BY queue, state")
    )
    return [f"{row.n} tasks of {row.queue} are {row.state}: {row.error}" for row in rows if row.state != "completed"]


def _counts(connection: sa.Connection, done: Mapping[str, int]) -> list[str]:
    """Everything that was promised to somebody is there, once."""
    asked = {
        "completed prints": done["orders"],
        "files of prints": 3 * done["orders"],
        "completed mockups": done["mockups"],
        "completed previews": done["previews"],
        "generations": done["generations"],
        "operations on canvases": len(KEPT) + 5 * done["canvas"],
    }
    found = connection.execute(_FOUND).one()
    return [
        f"{count} {what} instead of {wanted}"
        for (what, wanted), count in zip(asked.items(), found, strict=True)
        if count != wanted
    ]


_FOUND = sa.text("""
    SELECT (SELECT count(*) FROM print_task WHERE stl_render_state = 'completed'),
        (SELECT count(*) FROM print_output),
        (SELECT count(*) FROM render_job WHERE status = 'completed'),
        (SELECT count(*) FROM preview_job WHERE state = 'completed'),
        (SELECT count(*) FROM generation_history),
        (SELECT count(*) FROM canvas_operation)
""")


def _families(connection: sa.Connection, names: Mapping[str, str]) -> list[str]:
    """Every family is as its supplier published it last."""
    rows = connection.execute(sa.text("SELECT a_number, name ->> 'en' AS name FROM product_family WHERE is_active"))
    found = {row.a_number: row.name for row in rows}
    # A sample's name carries its language.
    wrong = [
        f"{sku}: {found.get(sku)!r} instead of {name!r}"
        for sku, name in names.items()
        if found.get(sku) != f"{name} (en)"
    ]
    return [f"{len(wrong)} families are not as published, such as {wrong[0]}"] if wrong else []


def _collections(connection: sa.Connection) -> list[str]:
    """Media that nobody shows were collected, and none that somebody shows."""
    deleted, kept = connection.execute(_COLLECTED).one()
    return [
        *([] if deleted else ["no medium was collected"]),
        *([] if kept == len(KEPT) else [f"{kept} of {len(KEPT)} media that projects show are there"]),
    ]


_COLLECTED = sa.text("""
    SELECT (SELECT count(*) FROM media_tombstone), count(*) FROM canvas_media WHERE media_id LIKE 'kept-%'
""")


def _notifications(connection: sa.Connection, outside: Outside, kills: int) -> list[str]:
    """Each was delivered, and repeated no oftener than there was a death."""
    left = connection.execute(sa.text("SELECT count(*) FROM notification WHERE state <> 'delivered'")).scalar_one()
    queued = connection.execute(sa.text("SELECT count(*) FROM notification")).scalar_one()
    times = Counter(one.id for one in outside.received)
    repeats = sum(times.values()) - len(times)
    return [
        *([f"{left} notifications are not delivered"] if left else []),
        *([f"{len(times)} notifications arrived instead of {queued}"] if len(times) != queued else []),
        *([f"{repeats} notifications were repeated after {kills} kills and restarts"] if repeats > 8 * kills else []),
    ]


def _objects(domains: Domains) -> list[str]:
    """Every object is named by a row, and every object that a row names is there."""
    found = compare(domains.services)
    return [
        *([f"{len(found.missing)} objects are lost, such as {found.missing[0].key}"] if found.missing else []),
        *([f"{len(found.unnamed)} objects have no row, such as {min(found.unnamed)}"] if found.unnamed else []),
    ]
