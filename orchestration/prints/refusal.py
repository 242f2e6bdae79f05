"""Why a product is refused, in the words an operator acts on.

Belongs here: the names of the checks and the one error that carries them. Does not: the checks themselves, which sit
with the thing they measure.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from orchestration.errors import RefusedError


class Check(StrEnum):
    """One promise that every printed file keeps."""

    TEXT = "text"
    CHARACTERS = "characters_drawn"
    STROKES = "strokes_printable"
    ONE_PIECE = "one_piece"
    SLIVERS = "no_slivers"
    BED = "fits_the_bed"
    WATERTIGHT = "watertight"


class PrintRefusedError(RefusedError):
    """The text or the product breaks one of the checks.

    `check` names the promise, `problem` the character or measure that failed, `remedy` what to do about it.
    """

    def __init__(self, check: Check, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem}: {remedy}")
        self.check = check
        self.problem = problem
        self.remedy = remedy


def describe(text: str) -> str:
    r"""Name the characters of `text` so that they can be found even when they cannot be seen.

    >>> describe("\u200b")
    'U+200B ZERO WIDTH SPACE'
    """
    return ", ".join(_name(character) for character in text)


def _name(character: str) -> str:
    code = f"U+{ord(character):04X}"
    name = unicodedata.name(character, "")
    shown = f"'{character}' " if character.isprintable() and not unicodedata.combining(character) else ""
    return f"{shown}({code} {name})" if shown and name else f"{shown}{code} {name}".strip()
