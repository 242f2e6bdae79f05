"""Five hundred names that break naive renderers: the lists of `difficult_names.json`, long ones, and mixed scripts.

The corpus. Keep out: what should come of a name, which the tests say.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Final

SIZE: Final = 500
_LISTS: Final = Path(__file__).with_name("difficult_names.json")
_LENGTHS: Final = (12, 20, 30, 60, 61, 100, 199, 200, 201, 1000, 100_000)


def corpus() -> list[str]:
    """Return 500 different texts."""
    lists: dict[str, list[str]] = json.loads(_LISTS.read_text(encoding="utf-8"))
    listed = [text for texts in lists.values() for text in texts]
    long = ["A" * length for length in _LENGTHS]
    letters = "A\u0645\u05d0\u738b\u0928\u0439\u03a9\u0e01", "z\u06cc\ud55c1\u05e9"
    mixed = ["".join(parts) for parts in product(letters[0], ("", " ", "-"), letters[1])]
    return list(dict.fromkeys([*listed, *long, *mixed]))[:SIZE]
