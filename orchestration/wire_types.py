"""Types that msgspec reads documents into, from several threads. Keep out: the types.

msgspec builds what it knows of a type when the type is first used, and shows it to other threads while it is half
built; two first uses at the same moment end the process by SIGSEGV (seen with 0.22, in a drain whose threads read their
first jobs). So a type is prepared when its module is imported, which one thread does.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def prepared(wanted: type[T]) -> type[T]:
    """The type, which `msgspec.convert` may be given in any thread from now on."""
    msgspec.json.Decoder(wanted)
    return wanted
