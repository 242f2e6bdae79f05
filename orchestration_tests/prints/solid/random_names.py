"""Random names as customers type them, the same for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SMALL: Final = "abcdefghijklmnopqrstuvwxyz"
_FURTHER: Final = (
    "\u00e9\u00e8\u00fc\u00f1\u00e7\u00f8\u00e5\u00df\u00d6\u0141\u017e\u011f\u0131\u03b1\u03b2\u03a9\u0436\u0439"
    "\u1ebf\u1ed9\u064a\u0645\u05e90123456789'-&.!?"
)


def random_names(count: int, seed: int) -> Iterator[str]:
    """Yield `count` names: one word, two words, capitals, two lines, or a telephone number."""
    source = random.Random(seed)
    for _ in range(count):
        kind = source.random()
        if kind < 0.5:
            yield _word(source)
        elif kind < 0.65:
            yield f"{_word(source)} {_word(source)}"
        elif kind < 0.8:
            yield _word(source).upper()
        elif kind < 0.95:
            yield f"{_word(source)}\n{_word(source)}"
        else:
            yield "".join(source.choices("0123456789", k=11))


def _word(source: random.Random) -> str:
    alphabets = [_SMALL if source.random() > 0.1 else _FURTHER for _ in range(source.randint(1, 8))]
    return source.choice(_SMALL).upper() + "".join(source.choice(alphabet) for alphabet in alphabets)
