"""Oddities of a document: what was left out of it, or read as something else, though the family could be taken.

It holds their form and collects them. Keep out: finding them (`tolerant`, `keys`, `imprints`), storing them (`drift`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

MOST_KEPT = 200
LONGEST = 300
_INDEX = re.compile(r"\[\d+\]")


class Oddity(NamedTuple):
    """Where it is, as an exact JSON path; what was done and why; `shape` is the path without indices and keys.

    `is_loss` tells that a variant or a picture is missing for it, and not only a field.
    """

    path: str
    reason: str
    shape: str
    is_loss: bool = False


class Oddities:
    """The oddities of one document, in the order in which they were found; no more than `MOST_KEPT`."""

    def __init__(self) -> None:
        self.found: list[Oddity] = []

    def add(self, path: str, reason: str, *, shape: str = "", is_loss: bool = False) -> None:
        """Note one; without a `shape`, that of the path with its indices as `*`."""
        if len(self.found) < MOST_KEPT:
            shape = shape or _INDEX.sub("[*]", path)
            self.found.append(Oddity(_kept(path), _kept(reason), _kept(shape), is_loss))


def _kept(text: str) -> str:
    """What a document says of itself, cut, as it can be stored and be a part of a key."""
    shown = text[:LONGEST]
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode()[:LONGEST]
