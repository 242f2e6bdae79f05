"""Which keys a run is about: the ones it was tagged with, the ones in its config, or whatever is queued.

Belongs here: the run config of drained assets, and reading a selection from a run. Does not: what a key means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from orchestration.runtime.partition_keys import decode_key

if TYPE_CHECKING:
    from collections.abc import Sequence


class DrainConfig(dg.Config):
    """Run config of an asset that is fed by a queue.

    Without keys, and without a partition selected in the UI, the run drains the queue: it takes what is due, stays
    warm for `idle_seconds`, and ends after `max_seconds`; the sensor starts the next one. With keys it makes those,
    and waits for their retries.
    """

    keys: list[str] = Field(default=[], description="Partition keys to make, scattered as they may be; empty drains")
    idle_seconds: float | None = Field(
        default=10.0, description="How long a drain waits for more work; null ends it as soon as its queue is empty"
    )
    max_seconds: float = Field(default=3_300.0, description="When a drain ends in any case")


def selected_names(context: dg.AssetExecutionContext, config: DrainConfig) -> list[str] | None:
    """The decoded keys that this run is to make; None for a drain."""
    keys: Sequence[str] = config.keys
    if context.has_partition_key or context.has_partition_key_range:
        keys = context.partition_keys
    return [decode_key(key) for key in dict.fromkeys(keys)] or None
