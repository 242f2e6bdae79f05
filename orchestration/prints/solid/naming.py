"""Names: the lines of a text, the pretty file name, and the address that identifies a file's content.

It holds pure functions from texts to names. Keep out: writing files, and the rules for texts (`lettering.text`).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from orchestration.prints.solid.sku import LineRule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SLUG_LENGTH: Final = 60
MAX_LINES: Final = {LineRule.WORDS: 3, LineRule.LINES: 5, LineRule.FIRST: 1, LineRule.WHOLE: 1}

_LINE_BREAK: Final = re.compile(r"\r\n|\n|\\|/")
_ADDRESS_LENGTH: Final = 32


def split_lines(text: str) -> list[str]:
    r"""Split an order's text on line breaks, backslashes and slashes; trim, and drop what is empty.

    >>> split_lines("Anna / Smith\n")
    ['Anna', 'Smith']
    """
    return [line for part in _LINE_BREAK.split(text) if (line := part.strip())]


def split_words(lines: Sequence[str]) -> list[str]:
    """Put a single line of several words on two lines: the last word is the second.

    >>> split_words(["Anna Maria Smith"])
    ['Anna Maria', 'Smith']
    """
    words = lines[0].split() if len(lines) == 1 else []
    return [" ".join(words[:-1]), words[-1]] if len(words) > 1 else list(lines)


def product_lines(text: str, rule: LineRule) -> tuple[list[str], list[str]]:
    """Return the lines that the product shows, and those that its design leaves out."""
    if rule is LineRule.WHOLE:
        whole = " ".join(text.split())
        return ([whole] if whole else []), []
    lines = split_lines(text)
    if rule is LineRule.WORDS:
        lines = split_words(lines)
    limit = MAX_LINES[rule]
    return lines[:limit], lines[limit:]


def slug(text: str) -> str:
    """Make a file name of plain letters, digits, `_` and `-`, at most 60 long; `Tag` when nothing is left.

    >>> slug("Élise  O'Neill")
    'lise_ONeill'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]", "", re.sub(r"\s+", "_", text))
    return re.sub(r"_+", "_", plain)[:SLUG_LENGTH] or "Tag"


def base_name(text: str, task_id: int | None = None) -> str:
    """Name a task's file after its first line; `_UC` keeps ANNA and Anna apart where case is ignored.

    >>> base_name("ANNA/Smith"), base_name("", 12)
    ('ANNA_UC', 'Tag12')
    """
    lines = split_lines(text)
    if not lines:
        return "Tag" if task_id is None else f"Tag{task_id}"
    base = slug(lines[0])
    return f"{base}_UC" if base == base.upper() and re.search(r"[A-Z]", base) else base


def alpha_folder(base: str) -> str:
    """Return the folder of a file name: its first letter in upper case, `#` for anything else.

    >>> alpha_folder("anna"), alpha_folder("007")
    ('A', '#')
    """
    first = base[:1].upper()
    return first if re.fullmatch(r"[A-Z]", first) else "#"


def pretty_path(folder: str, base: str, suffix: str = "") -> str:
    """Return the path by which people look for a file, relative to the folder of all prints.

    >>> pretty_path("cable-clip", "Luca", "_35mm.stl")
    'cable-clip/L/Luca_35mm.stl'
    """
    return f"{folder}/{alpha_folder(base)}/{base}{suffix}"


def free_path(path: str, address: str, holder: Callable[[str], str | None]) -> str:
    """Return `path`, or a neighbour of it when other content holds it already.

    `holder` returns the address of the content that holds a path, however its letters are cased, or None. The
    neighbour carries the start of `address`, so the same content always gets the same name and two orders never
    overwrite each other.
    """
    for candidate in (path, *neighbours(path, address)):
        if holder(candidate) in (None, address):
            return candidate
    raise AssertionError(f"{address} is held by other content")  # the full address is unique by its making


def neighbours(path: str, address: str) -> list[str]:
    """Return the paths for content whose pretty path is taken, each with more of its address.

    >>> neighbours("A/Anna.stl", "0123456789abcdef0123")[0]
    'A/Anna-01234567.stl'
    """
    stem, dot, extension = path.rpartition(".")
    return [f"{stem}-{address[:length]}{dot}{extension}" for length in (8, 16, len(address))]


def content_address(
    *,
    sku: str,
    design_version: str,
    parameters: str,
    fonts: Mapping[str, str],
    lines: Sequence[str],
) -> str:
    """Return the address (32 hexadecimal digits) of the geometry that these inputs make.

    `parameters` is the digest of the design's, `fonts` maps a file name to its SHA-256, `lines` are in NFC. Any change
    of an input changes the address; colours are no part of the geometry, so they are no part of it.
    """
    document = {
        "sku": sku,
        "design_version": design_version,
        "parameters": parameters,
        "fonts": dict(fonts),
        "lines": list(lines),
    }
    return digest(document)[:_ADDRESS_LENGTH]


def digest(document: Mapping[str, object]) -> str:
    """Return the SHA-256 of a document's canonical JSON, in which the order of its keys does not count."""
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
