"""Promidata's `Import.txt`: one line per product family, read without dropping a line silently.

It knows the line format, what makes a line a problem, and which families a refused line names. Keep out:
fetching the file, comparing it with what is stored, the family documents it points to.

A line is `<absolute url>/<SUPPLIER>/<file name>.json|<hash>`. The file name, percent-decoded and without `.json`, is
the family's SKU: opaque, case-sensitive, the key of everything. One line ends in `/CAT.csv`, with or without `|<hash>`.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SKU_LENGTH = 200
_SHOWN_TEXT = 200
_BOM = b"\xef\xbb\xbf"
_CATEGORY_FILE = "/cat.csv"

_HASH = re.compile(r"[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{8})?")
_SUPPLIER = re.compile(r"[A-Z]+[0-9]+")
_FAMILY_URL = re.compile(r"(?:https?|file)://\S.*/([^/]*)/([^/]*)\.json", re.IGNORECASE)
_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ADDRESS = re.compile(r"(?:https?|file)://\S", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NOT_UTF8 = re.compile(r"[\ud800-\udfff]")


class NotAFeedError(InvalidInputError):
    """The document is no `Import.txt`; nothing in it may be taken for a removal."""


class FeedEntry(msgspec.Struct, frozen=True, gc=False):
    """One family that the feed offers; `supplier_hash` is upper case and says nothing about how it was made."""

    a_number: str
    supplier: str
    url: str
    supplier_hash: str


class FeedProblem(msgspec.Struct, frozen=True, gc=False):
    """A line that was not taken, with its number (from 1), its text (cut, printable) and why.

    `a_number` and `supplier` are given where the line still shows them.
    """

    line_number: int
    text: str
    reason: str
    a_number: str | None = None
    supplier: str | None = None


class FeedConflict(msgspec.Struct, frozen=True, gc=False):
    """A family that the feed lists more than once with differing hash or address, and that is refused."""

    a_number: str
    suppliers: tuple[str, ...]
    line_numbers: tuple[int, ...]


@dataclass(frozen=True)
class Feed:
    """What one `Import.txt` says; entries in the order of the file."""

    entries: tuple[FeedEntry, ...] = ()
    problems: tuple[FeedProblem, ...] = ()
    conflicts: tuple[FeedConflict, ...] = ()
    categories_url: str | None = None
    repeated: int = 0
    suppliers: tuple[str, ...] = ()

    @cached_property
    def _by_supplier(self) -> dict[str, tuple[FeedEntry, ...]]:
        groups: dict[str, list[FeedEntry]] = {supplier: [] for supplier in self.suppliers}
        for entry in self.entries:
            groups[entry.supplier].append(entry)
        return {supplier: tuple(entries) for supplier, entries in groups.items()}

    @cached_property
    def _refused(self) -> dict[str | None, set[str]]:
        refused: dict[str | None, set[str]] = defaultdict(set)
        for problem in self.problems:
            if problem.a_number is not None:
                refused[problem.supplier].add(problem.a_number)
        for conflict in self.conflicts:
            for supplier in conflict.suppliers:
                refused[supplier].add(conflict.a_number)
        return refused

    def by_supplier(self) -> Mapping[str, tuple[FeedEntry, ...]]:
        """The entries of each discovered supplier; none for one whose every line was refused."""
        return self._by_supplier

    def refused(self, supplier: str) -> frozenset[str]:
        """Families that the feed names but that were not taken: unknown state, so never 'removed'.

        A family named on a line whose supplier could not be read counts for every supplier.
        """
        return frozenset(self._refused.get(supplier, set()) | self._refused.get(None, set()))

    def fingerprint(self, supplier: str) -> str:
        """SHA-256 over this supplier's sorted families, addresses and hashes, and over what was refused of it."""
        rows = [(e.a_number, e.url, e.supplier_hash) for e in self._by_supplier.get(supplier, ())]
        rows += [(a_number, "", "") for a_number in self.refused(supplier)]
        digest = hashlib.sha256()
        for row in sorted(rows):
            digest.update("\n".join(row).encode())  # no part can hold a line break
            digest.update(b"\n")
        return digest.hexdigest()


def parse_feed(data: bytes) -> Feed:
    """Read an `Import.txt`: UTF-8 with or without BOM, LF or CRLF, blank lines anywhere.

    Raises NotAFeedError when lines are there but none is a line of a feed. No line at all is an empty feed.
    """
    reader = _Reader()
    text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    for line_number, line in enumerate(text.split("\n"), start=1):
        if stripped := line.strip():
            reader.take(line_number, stripped)
    if reader.problems and not reader.families and reader.categories_url is None:
        first = reader.problems[0]
        message = f"not an Import.txt: none of its lines fits; line {first.line_number} ({first.reason}): {first.text}"
        raise NotAFeedError(f"{message}. Check the feed's address.")
    return reader.feed()


class _Line(NamedTuple):
    """A family's first line in the feed."""

    number: int
    entry: FeedEntry


class _BadLineError(Exception):
    """The line is a problem; carries what it still shows."""

    def __init__(self, reason: str, a_number: str | None = None, supplier: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.a_number = a_number
        self.supplier = supplier


class _Reader:
    """Collects lines; the first line of a family stands until another contradicts it."""

    def __init__(self) -> None:
        self.families: dict[str, _Line] = {}
        self.clashes: dict[str, list[_Line]] = {}
        self.problems: list[FeedProblem] = []
        self.suppliers: dict[str, None] = {}
        self.categories_url: str | None = None
        self.repeated = 0

    def take(self, number: int, line: str) -> None:
        url, pipe, supplier_hash = line.rpartition("|")
        address = url.rstrip() if pipe else line
        if address[-len(_CATEGORY_FILE) :].lower() == _CATEGORY_FILE and _ADDRESS.match(address):
            self._take_categories(number, line, address)
            return
        try:
            self._take_family(number, line, _entry(address, supplier_hash.lstrip() if pipe else None))
        except _BadLineError as bad:
            self._problem(number, line, bad.reason, bad.a_number, bad.supplier)

    def _take_categories(self, number: int, line: str, url: str) -> None:
        if self.categories_url is None:
            self.categories_url = url
        elif self.categories_url == url:
            self.repeated += 1
        else:
            self._problem(number, line, "a second CAT.csv with another address; the first one is used")

    def _take_family(self, number: int, line: str, entry: FeedEntry) -> None:
        first = self.families.setdefault(entry.a_number, _Line(number, entry))
        self.suppliers.setdefault(entry.supplier)
        if first.number == number:
            return
        if first.entry == entry:
            self.repeated += 1
            return
        self.clashes.setdefault(entry.a_number, [first]).append(_Line(number, entry))
        differing = "address" if first.entry.url != entry.url else "hash"
        reason = f"line {first.number} lists the same family with another {differing}; the family is refused"
        self._problem(number, line, reason, entry.a_number, entry.supplier)

    def _problem(
        self, number: int, line: str, reason: str, a_number: str | None = None, supplier: str | None = None
    ) -> None:
        if supplier is not None:
            self.suppliers.setdefault(supplier)
        self.problems.append(FeedProblem(number, _printable(line), reason, a_number, supplier))

    def feed(self) -> Feed:
        return Feed(
            entries=tuple(line.entry for sku, line in self.families.items() if sku not in self.clashes),
            problems=tuple(self.problems),
            conflicts=tuple(_conflict(sku, lines) for sku, lines in self.clashes.items()),
            categories_url=self.categories_url,
            repeated=self.repeated,
            suppliers=tuple(self.suppliers),
        )


def _conflict(a_number: str, lines: list[_Line]) -> FeedConflict:
    suppliers = dict.fromkeys(line.entry.supplier for line in lines)
    return FeedConflict(a_number, tuple(suppliers), tuple(line.number for line in lines))


def _entry(url: str, supplier_hash: str | None) -> FeedEntry:
    """Check one address and hash; raises _BadLineError with what the line still shows."""
    if not url:
        raise _BadLineError("no address before the hash")
    _check_characters(url)
    match = _FAMILY_URL.fullmatch(url)
    if match is None:
        raise _BadLineError("neither CAT.csv nor an absolute address of a .json file in a supplier's folder")
    a_number = _sku(match[2])
    supplier = match[1]
    if _SUPPLIER.fullmatch(supplier) is None:
        raise _BadLineError("the folder of the file is no supplier code (capitals, then digits)", a_number)
    if not supplier_hash:
        raise _BadLineError("no hash", a_number, supplier)
    if _HASH.fullmatch(supplier_hash) is None:
        raise _BadLineError("the hash is not 32 or 40 hexadecimal digits", a_number, supplier)
    return FeedEntry(a_number, supplier, url, supplier_hash.upper())


def _check_characters(url: str) -> None:
    if url.isprintable():
        return
    if _NOT_UTF8.search(url):
        raise _BadLineError("not UTF-8")
    if _CONTROL.search(url):
        raise _BadLineError("the address holds a control character")


def _sku(file_name: str) -> str:
    """The SKU in a file name without `.json`; raises _BadLineError for what could never be one, or leads elsewhere."""
    sku = _percent_decoded(file_name) if "%" in file_name else file_name
    if not sku.strip() or sku in {".", ".."}:
        raise _BadLineError("the file name holds no SKU")
    if len(sku) > MAX_SKU_LENGTH:
        raise _BadLineError(f"the SKU is {len(sku)} characters long, {MAX_SKU_LENGTH} are allowed")
    if "/" in sku or "\\" in sku:
        raise _BadLineError("the SKU holds a path separator")
    if _CONTROL.search(sku):
        raise _BadLineError("the SKU holds a control character")
    return sku


def _percent_decoded(name: str) -> str:
    if _MALFORMED_ESCAPE.search(name):
        raise _BadLineError("a % in the file name is no percent-escape")
    try:
        return unquote_to_bytes(name).decode()
    except UnicodeDecodeError:
        raise _BadLineError("the percent-escapes in the file name are not UTF-8") from None


def _printable(text: str) -> str:
    """The text, cut, as it can be shown and stored: nothing unprintable, no lone surrogate."""
    shown = text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}…"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)
