"""Keys and labels in one form, so that what looks the same is the same.

It holds what is dropped from a key or a label. Keep out: which fields are keys or labels.

Exporters leave spaces behind SKUs and zero-width characters in colours. Compared raw, one thing becomes two.
"""

from __future__ import annotations

import re
import unicodedata

# White space of any kind, and what no eye sees: controls (Cc), and the format characters (Cf) that exporters leave in
# texts: soft hyphen, zero-width characters, direction marks, word joiner and byte order mark.
_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")


def tidy(text: str) -> str:
    """The key or label as it is compared and stored: NFC, without invisible characters, single spaces, trimmed."""
    if text.isascii() and text.isprintable() and "  " not in text:  # nearly all of them
        return text.strip()
    return _SPACES.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFC", text))).strip()
