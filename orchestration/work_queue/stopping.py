"""Ending a drain between two batches: a termination request is heard, and handed back afterwards.

Belongs here: the signals. Does not: what is finished before the end; the worker sees to that.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignal:
    """Holds back the first SIGINT or SIGTERM while the block runs, and raises it again at its end.

    Python would turn either into an exception in the middle of a batch, where an orchestrator installs its own
    handler. Outside the main thread no signal arrives, and the block changes nothing.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._received: int | None = None

    def call(self, listener: Callable[[], None]) -> None:
        """Have `listener` called, in the main thread, when a signal arrives or has arrived."""
        self._listeners.append(listener)
        if self._received is not None:
            listener()

    def __enter__(self) -> Self:
        in_main_thread = threading.current_thread() is threading.main_thread()
        self._handlers = {number: signal.signal(number, self._hear) for number in _SIGNALS} if in_main_thread else {}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._received is not None and error is None:
            signal.raise_signal(self._received)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._received = number
        for listener in self._listeners:
            listener()
