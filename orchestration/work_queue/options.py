"""How a drain is run, and what it returns.

Plain data. Keep out: the loop (`worker`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class StopReason(StrEnum):
    """Why a drain ended."""

    IDLE = "idle"
    DONE = "done"
    TIME = "time is up"
    STOPPED = "stopped"


class StopRequest(Protocol):
    """Something that may ask a drain to end, such as a termination signal."""

    def call(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when the request comes, or at once if it has come."""


@dataclass(frozen=True, slots=True)
class DrainOptions:
    """When a drain ends, and how many claims it handles at a time.

    It ends after `idle_seconds` without work, or with None as soon as nothing is queued but retries that are far off;
    after `max_seconds` in any case; and when `stop` asks for it, once the claims that are being handled are settled.
    `prefetch` more claims than `concurrency` are held ready: 0 suits a queue whose claims take long.
    `run` is the id of the run that the worker belongs to, for those who look at workers.
    """

    idle_seconds: float | None = 30.0
    max_seconds: float = inf
    stop: StopRequest | None = None
    concurrency: int = 1
    prefetch: int = 1
    run: str | None = None


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What a drain did, in outcomes (a retried task counts once for each attempt), and why it ended.

    `unsettled` tells why named tasks were not settled by this drain, by key.
    """

    completed: int
    retried: int
    dead: int
    reason: StopReason
    unsettled: Mapping[str, str] = field(default_factory=dict)
