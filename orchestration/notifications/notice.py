"""A notice: what a domain reports to the outside. Keep out: its receivers, and how it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notice(NamedTuple):
    """One thing that happened, to be reported.

    `key` names it for ever: a key that was queued once is never queued again. `event` is its kind, such as
    `print.completed`. `subject` is one line, `text` is for people, `data` (anything that JSON can carry) for programs.
    `shop_order_id` is ShipStation's numeric id of the order; `link` is what the order's custom field gets.
    """

    key: str
    event: str
    subject: str
    text: str
    data: Mapping[str, object]
    shop_order_id: str | None = None
    link: str | None = None
