"""What is to be told.

Belongs here: the words that a domain and the outbox share. Does not: who is told, or how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Notice(NamedTuple):
    """One thing that happened, for whoever is to hear of it.

    `key` names it for ever: what was announced under a key is never announced again. `event` is its kind, such as
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
