"""Drawing renditions with a fault, in the processes of the pool. Keep out: expectations."""

from __future__ import annotations

import time

from orchestration.media.encodings import Drawn, draw
from orchestration.media.identify import content_hash


def with_a_bug(digest: str, body: bytes) -> Drawn:
    """Draw, but for the image of that hash, which meets a bug of ours."""
    if content_hash(body) == digest:
        raise KeyError("a bug of ours")
    return draw(body)


def hanging(digest: str, body: bytes) -> Drawn:
    """Draw, but hang over the image of that hash."""
    if content_hash(body) == digest:
        time.sleep(3_600)
    return draw(body)
