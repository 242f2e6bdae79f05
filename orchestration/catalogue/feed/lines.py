"""One line of `Import.txt`: its address, its hash, and the family's key in them.

It checks a line and says what is wrong with it. Keep out: the file as a whole (`feed`).
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import msgspec

from orchestration.catalogue.labels import tidy

MAX_SKU_LENGTH = 200
SHORT_HASH, LONG_HASH = 32, 40
_SHOWN_TEXT = 200

_HASH = re.compile(r"[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{8})?")
_SUPPLIER = re.compile(r"[A-Z]+[0-9]+")
_FAMILY_URL = re.compile(r"(?:https?|file)://\S.*/([^/]*)/([^/]*)\.json", re.IGNORECASE)
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")


class FeedEntry(msgspec.Struct, frozen=True, gc=False):
    """One family that the feed offers; `supplier_hash` is upper case and says nothing about how it was made."""

    a_number: str
    supplier: str
    url: str
    supplier_hash: str


class BadLineError(Exception):
    """The line is a problem; carries what it still shows."""

    def __init__(self, reason: str, a_number: str | None = None, supplier: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.a_number = a_number
        self.supplier = supplier


def read_entry(url: str, supplier_hash: str | None) -> FeedEntry:
    """Check one address and hash; raises BadLineError with what the line still shows."""
    if not url:
        raise BadLineError("no address before the hash")
    _check_characters(url)
    match = _FAMILY_URL.fullmatch(url)
    if match is None:
        raise BadLineError("neither CAT.csv nor an absolute address of a .json file in a supplier's folder")
    a_number = _sku(match[2])
    supplier = match[1]
    if _SUPPLIER.fullmatch(supplier) is None:
        raise BadLineError("the folder of the file is no supplier code (capitals, then digits)", a_number)
    if not supplier_hash:
        raise BadLineError("no hash", a_number, supplier)
    if _HASH.fullmatch(supplier_hash) is None:
        raise BadLineError(f"the hash is not {SHORT_HASH} or {LONG_HASH} hexadecimal digits", a_number, supplier)
    return FeedEntry(a_number, supplier, url, supplier_hash.upper())


def _check_characters(url: str) -> None:
    if url.isprintable():
        return
    if _NOT_UTF8.search(url):
        raise BadLineError("not UTF-8")
    if _CONTROL.search(url):
        raise BadLineError("the address holds a control character")


def _sku(file_name: str) -> str:
    """The SKU in a file name without `.json`; raises BadLineError for what could never be one, or leads elsewhere."""
    sku = _percent_decoded(file_name) if "%" in file_name else file_name
    if _CONTROL.search(sku):
        raise BadLineError("the SKU holds a control character")
    sku = tidy(sku)
    if not sku or sku in {".", ".."}:
        raise BadLineError("the file name holds no SKU")
    if len(sku) > MAX_SKU_LENGTH:
        raise BadLineError(f"the SKU is {len(sku)} characters long, {MAX_SKU_LENGTH} are allowed")
    if "/" in sku or "\\" in sku:
        raise BadLineError("the SKU holds a path separator")
    return sku


def _percent_decoded(name: str) -> str:
    if _MALFORMED_ESCAPE.search(name):
        raise BadLineError("a % in the file name is no percent-escape")
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError:
        raise BadLineError("the percent-escapes in the file name are not UTF-8") from None


def printable(text: str) -> str:
    """The text, cut, as it can be shown and stored: nothing unprintable, no lone surrogate."""
    shown = text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}…"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
