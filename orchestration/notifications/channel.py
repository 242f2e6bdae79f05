"""What a channel is.

Belongs here: the interface, and what it is given. Does not: any channel; each has a module of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.notifications.notice import Notice


class Message(NamedTuple):
    """A notice on its way through one channel.

    `id` (letters and digits) is the same at each attempt, and no other message's: by it a receiver recognises a
    repetition. `short_link` leads where the notice's link does.
    """

    id: str
    notice: Notice
    created_at: datetime
    short_link: str


class Channel(Protocol):
    """One way of telling somebody. `name` is kept with every notification, so it does not change."""

    @property
    def name(self) -> str:
        """What the channel is called in tables and messages."""
        ...

    def accepts(self, notice: Notice) -> bool:
        """Whether this channel has anything to tell about the notice."""
        ...

    def order_key(self, notice: Notice) -> str | None:
        """What no two messages may be told about at the same time; None when it does not matter."""
        ...

    async def send(self, message: Message) -> None:
        """Tell it; returns once the other side has taken it over.

        Raises `TransientError` when trying again may help, `PermanentError` when not.
        """
        ...
