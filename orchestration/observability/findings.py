"""What stands wrong, counted, with examples and the remedy: what an asset check asks for.

The form of an answer. Keep out: the questions, which each domain asks, or how an answer is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = 25


class Finding(NamedTuple):
    """The answer to one question. `examples` has a column a name in `columns`; a total of zero means all is well.

    `pictures` are up to a few images, as bytes, by their captions. `is_error` tells that somebody has to act; without
    it, a finding is a warning.
    """

    total: int
    remedy: str
    columns: tuple[str, ...] = ()
    examples: Sequence[tuple[object, ...]] = ()
    pictures: Sequence[tuple[str, bytes]] = ()
    is_error: bool = False


def merge_findings(*findings: Finding) -> Finding:
    """Several answers to one question, as one; they have the same columns."""
    found = [one for one in findings if one.total] or list(findings[:1])
    return Finding(
        sum(one.total for one in found),
        " ".join(one.remedy for one in found),
        found[0].columns,
        [example for one in found for example in one.examples][:SAMPLE],
        [picture for one in found for picture in one.pictures],
        any(one.is_error for one in found),
    )
