"""What stands wrong, counted, with examples and the remedy: what an asset check asks for.

Belongs here: the form of an answer. Does not: the questions, which each domain asks, or how an answer is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 25


class Finding(NamedTuple):
    """The answer to one question. `examples` has a column a name in `columns`; a total of zero means all is well.

    `pictures` are up to a few images, as bytes, by their captions.
    """

    total: int
    remedy: str
    columns: tuple[str, ...] = ()
    examples: Sequence[tuple[object, ...]] = ()
    pictures: Sequence[tuple[str, bytes]] = ()
