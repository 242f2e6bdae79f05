"""The text of the feed's own files, in the encodings that they come in.

It finds the encoding of a file. Keep out: the formats (`feed`, `categories`).

A byte order mark decides; without one, a NUL beside the first character is UTF-16, and all else UTF-8.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

UTF_8 = "UTF-8"
WINDOWS = "Windows-1252"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8", UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)


class FileText(NamedTuple):
    """A file's text and the name of its encoding; bytes that fit no character are lone surrogates."""

    text: str
    encoding: str


def file_text(data: bytes) -> FileText:
    """Decode a file by its mark; `encoding` says what it was."""
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return FileText(data[len(mark) :].decode(codec, _errors(name)), name)
    if data[:2].count(0) == 1:
        codec = "utf-16-be" if data[0] == 0 else "utf-16-le"
        return FileText(data.decode(codec, "replace"), "UTF-16")
    return FileText(data.decode("utf-8", "surrogateescape"), UTF_8)


def _errors(name: str) -> str:
    return "surrogateescape" if name == UTF_8 else "replace"
