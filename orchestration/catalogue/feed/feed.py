"""Promidata's `Import.txt`: one line per product family, read without dropping a line silently.

It knows the line format, what makes a line a problem, and which families a refused line names. Keep out:
fetching the file, comparing it with what is stored, the family documents it points to.

A line is `<absolute url>/<SUPPLIER>/<file name>.json|<hash>`. The file name, percent-decoded, tidied (`labels`) and
without `.json`, is the family's SKU: opaque, case-sensitive, the key of everything. One line ends in `/CAT.csv`, with
or without `|<hash>`.

A file may show that it is damaged: it ends within a line, or holds lines of an error page. What it lists counts; what
it does not list is unknown then, and never gone.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from orchestration.catalogue.feed.lines import LONG_HASH, SHORT_HASH, BadLineError, FeedEntry, printable, read_entry
from orchestration.catalogue.feed.texts import UTF_8, file_text
from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CATEGORY_FILE = "/cat.csv"
_ADDRESS = re.compile(r"(?:https?|file)://\S", re.IGNORECASE)
_OUT_OF_PLACE = re.compile(r"<[!?/a-z]|[{\x00]", re.IGNORECASE)


class NotAFeedError(InvalidInputError):
    """The document is no `Import.txt`; nothing in it may be taken for a removal."""


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
    """What one `Import.txt` says; entries in the order of the file.

    `damage` says what shows that it is not whole; blank when nothing does. `sha256` is of its bytes.
    """

    entries: tuple[FeedEntry, ...] = ()
    problems: tuple[FeedProblem, ...] = ()
    conflicts: tuple[FeedConflict, ...] = ()
    categories_url: str | None = None
    repeated: int = 0
    suppliers: tuple[str, ...] = ()
    damage: str = ""
    sha256: str = field(default="", compare=False)

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

    @property
    def last_supplier(self) -> str | None:
        """The supplier of the file's last family."""
        return self.entries[-1].supplier if self.entries else None

    def by_supplier(self) -> Mapping[str, tuple[FeedEntry, ...]]:
        """The entries of each discovered supplier; none for one whose every line was refused."""
        return self._by_supplier

    def refused(self, supplier: str) -> frozenset[str]:
        """Families that the feed names but that were not taken: unknown state, so never 'removed'.

        A family named on a line whose supplier could not be read counts for every supplier.
        """
        return frozenset(self._refused.get(supplier, set()) | self._refused.get(None, set()))

    def fingerprint(self, supplier: str) -> str:
        """SHA-256 over this supplier's sorted families, addresses and hashes, and over what is unknown of it."""
        rows = [(e.a_number, e.url, e.supplier_hash) for e in self._by_supplier.get(supplier, ())]
        rows += [(a_number, "", "") for a_number in self.refused(supplier)]
        rows += [("", "damaged", "")] if self.damage else []
        digest = hashlib.sha256()
        for row in sorted(rows):
            digest.update("\n".join(row).encode())  # no part can hold a line break
            digest.update(b"\n")
        return digest.hexdigest()


def parse_feed(data: bytes) -> Feed:
    """Read an `Import.txt`: UTF-8, or UTF-16 with its mark, LF or CRLF, blank lines anywhere.

    Raises NotAFeedError when lines are there but none is a line of a feed. No line at all is an empty feed.
    """
    reader = _Reader()
    text, encoding = file_text(data)
    lines = text.split("\n")
    for line_number, line in enumerate(lines, start=1):
        if stripped := line.strip():
            reader.take(line_number, stripped)
    if reader.problems and not reader.families and reader.categories_url is None:
        first = reader.problems[0]
        message = f"not an Import.txt: none of its lines fits; line {first.line_number} ({first.reason}): {first.text}"
        read = f" It was read as {encoding}." if encoding != UTF_8 else ""
        raise NotAFeedError(f"{message}.{read} Check the feed's address.")
    if lines[-1].strip():
        reader.end_within(len(lines))
    return replace(reader.feed(), sha256=hashlib.sha256(data).hexdigest())


class _Line(NamedTuple):
    """A family's first line in the feed."""

    number: int
    entry: FeedEntry


class _Reader:
    """Collects lines; the first line of a family stands until another contradicts it."""

    def __init__(self) -> None:
        self.families: dict[str, _Line] = {}
        self.clashes: dict[str, list[_Line]] = {}
        self.problems: list[FeedProblem] = []
        self.suppliers: dict[str, None] = {}
        self.categories_url: str | None = None
        self.repeated = 0
        self.damage = ""

    def take(self, number: int, line: str) -> None:
        url, pipe, supplier_hash = line.rpartition("|")
        address = url.rstrip() if pipe else line
        if address[-len(_CATEGORY_FILE) :].lower() == _CATEGORY_FILE and _ADDRESS.match(address):
            self._take_categories(number, line, address)
            return
        try:
            self._take_family(number, line, read_entry(address, supplier_hash.lstrip() if pipe else None))
        except BadLineError as bad:
            self._problem(number, line, bad.reason, bad.a_number, bad.supplier)

    def end_within(self, number: int) -> None:
        """Judge the last line, which no line break ends: one that fits nothing was cut, and the file with it.

        So was a hash of 32 digits where others have 40.
        """
        last = next((line for line in reversed(self.families.values()) if line.number == number), None)
        if last is not None and self._is_shorter(last.entry):
            entry = self.families.pop(last.entry.a_number).entry
            reason = f"the hash breaks off after {SHORT_HASH} digits"
            self._problem(number, entry.url, reason, entry.a_number, entry.supplier)
        if self.problems and self.problems[-1].line_number == number:
            self.damage = f"it ends within line {number}"

    def _is_shorter(self, entry: FeedEntry) -> bool:
        lengths = {len(line.entry.supplier_hash) for line in self.families.values()}
        return len(entry.supplier_hash) == SHORT_HASH and LONG_HASH in lengths

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
        self.problems.append(FeedProblem(number, printable(line), reason, a_number, supplier))
        if _OUT_OF_PLACE.match(line):
            self.damage = self.damage or f"line {number} is none of a feed: {printable(line)}"

    def feed(self) -> Feed:
        return Feed(
            entries=tuple(line.entry for sku, line in self.families.items() if sku not in self.clashes),
            problems=tuple(self.problems),
            conflicts=tuple(_conflict(sku, lines) for sku, lines in self.clashes.items()),
            categories_url=self.categories_url,
            repeated=self.repeated,
            suppliers=tuple(self.suppliers),
            damage=self.damage,
        )


def _conflict(a_number: str, lines: list[_Line]) -> FeedConflict:
    suppliers = dict.fromkeys(line.entry.supplier for line in lines)
    return FeedConflict(a_number, tuple(suppliers), tuple(line.number for line in lines))
