"""A wakeup for one event loop, set from any thread.

It crosses from a thread or a signal handler into the event loop of a worker. Keep out: the reasons to set it.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wakeup:
    """A wakeup that any thread can set and one event loop waits for. Wakeups set before `attached()` are dropped."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Wake the running event loop for the length of the block."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        try:
            yield
        finally:
            self._loop = None

    def set(self) -> None:
        """Wake the waiter, now or at its next `wait` before a `clear`. Safe in any thread and in a signal handler."""
        if (loop := self._loop) is not None:
            with suppress(RuntimeError):  # the loop closed between the two lines
                loop.call_soon_threadsafe(self._event.set)

    def clear(self) -> None:
        """Forget the wakeups so far. Clear before a fetch, never after it, or a wakeup in between is lost."""
        self._event.clear()

    async def wait(self, seconds: float) -> None:
        """Return when it is set, or after that many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` may swallow a cancellation that comes with the wakeup
                await self._event.wait()
