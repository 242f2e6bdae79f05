"""Loading what lives as long as the process. Keep out: what is loaded."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def lasting() -> Iterator[None]:
    """Keep the garbage collector away while the block loads modules and makes what is never dropped.

    It would walk over all of that again and again, in vain: a fifth of the time that loading takes. What is there
    after the block is not walked over later either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
