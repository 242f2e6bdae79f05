"""A channel: the interface, the message that it sends, and how its address ends. Keep out: every channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from orchestration.errors import PermanentError

if TYPE_CHECKING:
    from datetime import datetime

    from orchestration.notifications.notice import Notice


class AddressEndedError(PermanentError):
    """The receiver wants nothing more at this address: nothing is sent there again until another is set."""


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
    """One way to report a notice. `name` is kept with every notification, so it does not change."""

    @property
    def name(self) -> str:
        """What the channel is called in tables and messages."""
        ...

    @property
    def address(self) -> str | None:
        """Where it sends, as a name that tells no secret; None for one that cannot end (`AddressEndedError`)."""
        ...

    def accepts(self, notice: Notice) -> bool:
        """Whether this channel reports the notice."""
        ...

    def order_key(self, notice: Notice) -> str | None:
        """Messages of one key are sent one at a time; None when it does not matter."""
        ...

    async def send(self, message: Message) -> None:
        """Send it; returns once the other side has accepted it.

        Raises `TransientError` when trying again may help, `PermanentError` when not.
        """
        ...
