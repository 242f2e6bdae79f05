"""Why a text cannot be drawn, and how its characters are named.

The one error of lettering. Keep out: what a domain makes of it, such as the refusal of a print.
"""

from __future__ import annotations

import unicodedata

from orchestration.errors import InvalidInputError


class TextError(InvalidInputError):
    """A text cannot be drawn. `problem` names the character or the measure, `remedy` says what to do about it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}: {self.remedy}"


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
