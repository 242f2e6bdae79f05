"""What an order's text may hold: NFC, and a refusal that names the character.

Belongs here: rules on characters that need no font. Does not: missing glyphs and glyphs without outline, which
`shaping` finds.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import Final, NoReturn

from orchestration.prints.refusal import Check, PrintRefusedError, describe

MAX_CHARACTERS: Final = 200
MAX_STACKED_MARKS: Final = 4
_FIRST_EMOJI_PLANE: Final = 0x1F000

_TEXT_STYLE, _EMOJI_STYLE = "\ufe0e", "\ufe0f"
JOINERS: Final = "\u200c\u200d"
"""The invisible characters that some scripts write with: they part or join the letters around them."""

# Default_Ignorable_Code_Point of the Unicode Character Database: drawn as nothing by design.
_INVISIBLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_INVISIBLE_STARTS: Final = tuple(first for first, _ in _INVISIBLE)


def prepare(text: str) -> str:
    r"""Return the text in NFC with plain spaces, line breaks as `\n`.

    A style selector after a symbol such as a heart is dropped: everything here is drawn in one colour.

    Raises:
        PrintRefusedError: a character cannot be printed, nothing is left to print, or there is too much of it.

    """
    normal = unicodedata.normalize("NFC", _without_surrogates(text).replace("\r\n", "\n"))
    characters: list[str] = []
    for character in normal:
        previous = characters[-1] if characters else "\n"
        if character in (_TEXT_STYLE, _EMOJI_STYLE) and unicodedata.category(previous) in ("So", "Sm", "Po"):
            continue
        characters.append(_accepted(character, previous))
    _check_marks(characters)
    _check_joiners(characters)
    prepared = "".join(characters)
    _check_length(prepared)
    return prepared


def _without_surrogates(text: str) -> str:
    for character in text:
        if "\ud800" <= character <= "\udfff":
            _refuse(f"U+{ord(character):04X} is half of a broken character", "ask for the text again")
    return text


def _accepted(character: str, previous: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs" or character == "\t":
        return " "
    if character == "\n" or character in JOINERS:
        return character
    if category in ("Cc", "Zl", "Zp"):
        _refuse(f"{describe(character)} is a control character", "delete it or start a new line instead")
    if is_invisible(character) or category == "Cf":
        after = f" after '{previous}'" if previous.isprintable() and previous != " " else ""
        _refuse(f"{describe(character)}{after} is invisible", "delete it, or type the text again by hand")
    if _is_emoji(character, category):
        _refuse(f"{describe(character)} is a colour emoji, which cannot be printed in one colour", "leave it out")
    return character


def is_invisible(character: str) -> bool:
    """Tell whether Unicode defines the character as drawn by nothing (Default_Ignorable_Code_Point)."""
    code = ord(character)
    at = bisect_right(_INVISIBLE_STARTS, code) - 1
    return at >= 0 and code <= _INVISIBLE[at][1]


def _is_emoji(character: str, category: str) -> bool:
    return ord(character) >= _FIRST_EMOJI_PLANE and category in ("So", "Sk")


def _check_marks(characters: list[str]) -> None:
    stacked = 0
    for position, character in enumerate(characters):
        if not unicodedata.category(character).startswith("M"):
            stacked = 0
            continue
        stacked += 1
        if position == stacked - 1 or characters[position - stacked] in " \n\\/":
            _refuse(
                f"{describe(character)} has no letter to sit on", "type the letter that it belongs to, or delete it"
            )
        if stacked > MAX_STACKED_MARKS:
            base = characters[position - stacked]
            _refuse(
                f"'{base}' carries more than {MAX_STACKED_MARKS} marks", f"delete {describe(character)} and the rest"
            )


def _check_joiners(characters: list[str]) -> None:
    for position, character in enumerate(characters):
        if character not in JOINERS:
            continue
        around = characters[max(position - 1, 0)], characters[min(position + 1, len(characters) - 1)]
        if not all(_takes_joiners(neighbour) for neighbour in around):
            _refuse(f"{describe(character)} is invisible here", "delete it, or type the text again by hand")


def _takes_joiners(character: str) -> bool:
    """Tell whether the script of a letter or mark writes with joiners: Arabic to Malayalam, and their neighbours."""
    joining = (
        "\u0600" <= character <= "\u0dff" or "\u1000" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"
    )
    return joining and unicodedata.category(character)[0] in "LM"


def _check_length(prepared: str) -> None:
    if not prepared.strip(" \n\\/"):
        _refuse("the text is empty", "ask for the text of the product")
    if len(prepared) > MAX_CHARACTERS:
        _refuse(f"the text has {len(prepared)} characters, more than {MAX_CHARACTERS}", "shorten it")


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise PrintRefusedError(Check.TEXT, problem, remedy=remedy)
