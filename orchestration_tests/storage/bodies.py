"""Bodies for the tests of the object store: one that goes in one piece, one that takes several parts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from orchestration.storage.objects import PART_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL, LARGE = random.Random(1).randbytes(5000), random.Random(2).randbytes(2 * PART_BYTES + 12345)


async def in_chunks(body: bytes, size: int = 700_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
