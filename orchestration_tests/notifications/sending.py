"""Small words for the tests: make a notice, announce it, drain, look into the table.

Arranging and asking. Keep out: expectations.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration.notifications.delivery import Delivery, deliver
from orchestration.notifications.notice import Notice
from orchestration.notifications.outbox import Outbox
from orchestration.notifications.tables import notification
from orchestration.settings import Settings
from orchestration.work_queue.options import DrainOptions

if TYPE_CHECKING:
    from orchestration.storage.database import Database
    from orchestration.work_queue.options import DrainResult

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of secret words").decode()
LINK = "https://shop.example/objects/prints/ab/1.stl"


def make_notice(key: str = "print:1:ab", **values: Any) -> Notice:  # noqa: ANN401 - the notice's own
    """A notice of a finished print, unless the values say otherwise."""
    plain: dict[str, Any] = {
        "event": "print.completed",
        "subject": "Print of order 17 is ready",
        "text": "Anna on a key ring is ready to print.",
        "data": {"task": 1, "files": ["anna.stl"]},
        "shop_order_id": "17",
        "link": LINK,
    }
    return Notice(key, **plain | values)


def make_outbox(**values: Any) -> Outbox:  # noqa: ANN401 - as the settings take them
    """An outbox whose retries do not wait."""
    return Outbox(Settings(**{"notification_retry_seconds": 0, "public_url": "https://shop.example", **values}))


def announce(database: Database, outbox: Outbox, *notices: Notice) -> int:
    """Announce in a transaction of their own."""
    with database.begin() as connection:
        return outbox.enqueue(connection, notices)


async def drain(database: Database, outbox: Outbox) -> tuple[DrainResult, list[Delivery]]:
    """Deliver until nothing is left to do soon; what was done, and what was reported."""
    reported: list[Delivery] = []

    drained = await deliver(database, outbox, reported.extend, DrainOptions(idle_seconds=None, max_seconds=60))
    return drained, reported


def rows(database: Database) -> dict[tuple[str, str], sa.Row[tuple[object, ...]]]:
    """Every notification by key and channel."""
    with database.connect() as connection:
        return {(row.key, row.channel): row for row in connection.execute(sa.select(notification))}


def states(database: Database) -> dict[tuple[str, str], str]:
    """The state of every notification."""
    return {name: row.state for name, row in rows(database).items()}
