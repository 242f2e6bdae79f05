"""What a text may hold: NFC, and an error that names the character.

Rules on characters that need no font. Keep out: missing glyphs and glyphs without outline, which
`shaping` and `layout` find.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import Final, NamedTuple, NoReturn

from orchestration.lettering.errors import TextError, describe

MAX_STACKED_MARKS: Final = 4
_FIRST_EMOJI_PLANE: Final = 0x1F000
_KEYCAPS: Final = "0123456789#*"
NO_BREAK_SPACES: Final = "\u00a0\u202f"
"""The spaces at which no line breaks: U+00A0 and the narrow U+202F."""

TEXT_STYLE, EMOJI_STYLE = "\ufe0e", "\ufe0f"
"""The invisible characters that ask for a symbol in one colour or in many."""
JOINERS: Final = "\u200c\u200d"
"""The invisible characters that some scripts write with: they part or join the letters around them."""

INVISIBLE_ON_PURPOSE: Final = f"{JOINERS}{TEXT_STYLE}{EMOJI_STYLE}{NO_BREAK_SPACES} "
"""What a prepared text may hold that nothing is drawn for."""

# Default_Ignorable_Code_Point of the Unicode Character Database: drawn as nothing by design.
_INVISIBLE: Final = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_INVISIBLE_STARTS: Final = tuple(first for first, _ in _INVISIBLE)


class TextRules(NamedTuple):
    """What a text may hold beside letters and symbols of one colour.

    `separators` part the text into lines, so no mark may follow one. With `colour`, colour emoji and their sequences
    are kept. With `no_break`, spaces that forbid a line break are kept.
    """

    separators: str = "\n"
    colour: bool = False
    no_break: bool = False


PLAIN: Final = TextRules()


def prepare(text: str, rules: TextRules = PLAIN) -> str:
    r"""Return the text in NFC with plain spaces, line breaks as `\n`.

    A style selector after a symbol such as a heart is dropped where everything is drawn in one colour.

    Raises:
        TextError: a character cannot be drawn.

    """
    normal = unicodedata.normalize("NFC", _without_surrogates(text).replace("\r\n", "\n"))
    characters: list[str] = []
    for character in normal:
        previous = characters[-1] if characters else "\n"
        if _is_style(character, previous, rules):
            characters += [character] if rules.colour else []
        else:
            characters.append(_accepted(character, previous, rules))
    _check_marks(characters, f" {rules.separators}")
    _check_joiners(characters, rules)
    return "".join(characters)


def _without_surrogates(text: str) -> str:
    for character in text:
        if "\ud800" <= character <= "\udfff":
            _refuse(f"U+{ord(character):04X} is half of a broken character", "ask for the text again")
    return text


def _is_style(character: str, previous: str, rules: TextRules) -> bool:
    """Tell whether a character is a style selector that belongs to the one before it."""
    if character not in (TEXT_STYLE, EMOJI_STYLE):
        return False
    return unicodedata.category(previous) in ("So", "Sm", "Po") or (rules.colour and previous in _KEYCAPS)


def _accepted(character: str, previous: str, rules: TextRules) -> str:
    category = unicodedata.category(character)
    if rules.no_break and character in NO_BREAK_SPACES:
        return character
    if category == "Zs" or character == "\t":
        return " "
    if character == "\n" or character in JOINERS:
        return character
    if category in ("Cc", "Zl", "Zp"):
        _refuse(f"{describe(character)} is a control character", "delete it or start a new line instead")
    if is_invisible(character) or category == "Cf":
        after = f" after '{previous}'" if previous.isprintable() and previous != " " else ""
        _refuse(f"{describe(character)}{after} is invisible", "delete it, or type the text again by hand")
    if is_emoji(character) and not rules.colour:
        _refuse(f"{describe(character)} is a colour emoji, which cannot be printed in one colour", "leave it out")
    return character


def is_invisible(character: str) -> bool:
    """Tell whether Unicode defines the character as drawn by nothing (Default_Ignorable_Code_Point)."""
    code = ord(character)
    at = bisect_right(_INVISIBLE_STARTS, code) - 1
    return at >= 0 and code <= _INVISIBLE[at][1]


def is_emoji(character: str) -> bool:
    """Tell whether a character is drawn in colour unless the text asks for something else."""
    return ord(character) >= _FIRST_EMOJI_PLANE and unicodedata.category(character) in ("So", "Sk")


def _check_marks(characters: list[str], bare: str) -> None:
    """Refuse a mark without a letter, such as one after a character of `bare`, and too many on one."""
    stacked = 0
    for position, character in enumerate(characters):
        if not unicodedata.category(character).startswith("M"):
            stacked = 0
            continue
        stacked += 1
        if position == stacked - 1 or characters[position - stacked] in bare:
            _refuse(
                f"{describe(character)} has no letter to sit on", "type the letter that it belongs to, or delete it"
            )
        if stacked > MAX_STACKED_MARKS:
            base = characters[position - stacked]
            _refuse(
                f"'{base}' carries more than {MAX_STACKED_MARKS} marks", f"delete {describe(character)} and the rest"
            )


def _check_joiners(characters: list[str], rules: TextRules) -> None:
    for position, character in enumerate(characters):
        if character not in JOINERS:
            continue
        around = characters[max(position - 1, 0)], characters[min(position + 1, len(characters) - 1)]
        if not all(_takes_joiners(neighbour) or (rules.colour and _is_part(neighbour)) for neighbour in around):
            _refuse(f"{describe(character)} is invisible here", "delete it, or type the text again by hand")


def _takes_joiners(character: str) -> bool:
    """Tell whether the script of a letter or mark writes with joiners: Arabic to Malayalam, and their neighbours."""
    joining = (
        "\u0600" <= character <= "\u0dff" or "\u1000" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"
    )
    return joining and unicodedata.category(character)[0] in "LM"


def _is_part(character: str) -> bool:
    """Tell whether a character may be part of an emoji that a joiner holds together."""
    return character == EMOJI_STYLE or unicodedata.category(character) in ("So", "Sk")


def _refuse(problem: str, remedy: str) -> NoReturn:
    raise TextError(problem, remedy)
