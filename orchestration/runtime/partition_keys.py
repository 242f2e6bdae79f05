"""Partition keys: any text of the outside world as a key that the UI, its URLs and its ranges can carry.

The encoding, for those who make keys or links to them, without Dagster. Keep out: sets of partitions (`partitions`).

A key keeps letters, digits, `_`, `-` and single dots; any other byte of the UTF-8 text becomes `~XX`. Dagster refuses
commas, `...` and control characters in keys, and the UI puts keys into URLs unescaped.
"""

from __future__ import annotations

import re

from orchestration.errors import InvalidInputError

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]|(?<![^.])\.", re.ASCII)
_ESCAPE = re.compile(rb"~([0-9A-F]{2})")
_KEY = re.compile(r"(?:[A-Za-z0-9_.-]|~[0-9A-F]{2})+", re.ASCII)


def encode_key(text: str) -> str:
    """The partition key of `text`, which must be Unicode and not empty. `decode_key` gives it back."""
    if not text:
        raise InvalidInputError("An empty name cannot be a partition key")
    try:
        return _UNSAFE.sub(_escape, text)
    except UnicodeEncodeError as error:
        raise InvalidInputError(f"{text!r} holds half a character; it cannot be a partition key") from error


def decode_key(key: str) -> str:
    """The text that `key` stands for; raises `InvalidInputError` for what `encode_key` never makes."""
    try:
        text = _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), key.encode()).decode()
    except UnicodeDecodeError:
        text = ""
    if not _KEY.fullmatch(key) or encode_key(text or "?") != key:
        raise InvalidInputError(f"{key!r} is no partition key; characters other than A-Z a-z 0-9 _ - . are written ~XX")
    return text


def _escape(match: re.Match[str]) -> str:
    return "".join(f"~{byte:02X}" for byte in match[0].encode())
