"""A circuit breaker per endpoint: a host that keeps failing is left alone for a while.

Which errors count, and what an open circuit tells its callers. Keep out: the states themselves, which
are purgatory's, or retrying, which is the queue's.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from purgatory import SyncCircuitBreakerFactory

from orchestration.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_HALF_OPEN = "half-opened"  # as purgatory names it


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Open after so many consecutive transient failures; let requests try again after so many seconds."""

    failures: int = 5
    wait_seconds: float = 30.0


def _is_harmless(error: BaseException) -> bool:
    # A refusal or a 404 comes from a host that works, a cancellation from ourselves.
    return not isinstance(error, TransientError)


class EndpointBreaker:
    """A context manager around one exchange with an endpoint, awaited or not.

    Entering raises TransientError while the circuit is open, with the time left as `retry_after`. After that time
    the circuit is half open: the next exchange that ends decides whether it closes or opens again.
    """

    def __init__(self, endpoint: str, policy: BreakerPolicy) -> None:
        circuits = SyncCircuitBreakerFactory(
            default_threshold=policy.failures,
            default_ttl=policy.wait_seconds,
            exclude=[(BaseException, _is_harmless)],
        )
        self._endpoint = endpoint
        self._circuit = circuits.get_breaker(endpoint)
        self._failing: set[str] = set()
        self._cause = ""

    def __enter__(self) -> None:
        self._refuse_while_open()
        self._circuit.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or _is_harmless(error):
            self._failing.clear()
        else:
            self._cause = str(error)
        self._circuit.__exit__(kind, error, traceback)

    @contextmanager
    def asking_for(self, name: str) -> Iterator[None]:
        """One exchange about one of many things, such as a document.

        That the same one fails again says nothing more of the endpoint. Else a few broken documents, which alone are
        left at the end and are asked for again, would close a sound host to each other, with attempts left.
        """
        self.__enter__()
        try:
            yield
        except BaseException as error:
            if _is_harmless(error) or name not in self._failing or self._circuit.context.state == _HALF_OPEN:
                self.__exit__(type(error), error, None)
            if not _is_harmless(error):
                self._failing.add(name)
            raise
        self.__exit__(None, None, None)

    def _refuse_while_open(self) -> None:
        # purgatory 3.0.1 raises one and the same exception object each time, whose traceback then grows with every
        # refused call; asking first avoids that, and tells how long to wait.
        opened_at = self._circuit.context.opened_at
        if opened_at is None:
            return
        left = opened_at + self._circuit.context.ttl - time.time()
        if left >= 0:
            problem = (
                f"{self._endpoint} keeps failing and is left alone for {left:.1f} s; the last error: {self._cause}"
            )
            raise TransientError(problem, retry_after=left)
