"""The sample feed on disk: one day of all suppliers as a static tree that any file server can serve.

Addresses, hashes, `Import.txt`, writing, and the account of what was written. Keep out: what is in the
documents and pictures, and what changes between the days (`days.py`).

    <root>/Import/Import.txt                    written last, so that a reader never sees a hash before its file
    <root>/CAT.csv
    <root>/<supplier>/<family SKU>.json         the SKU as it is; only addresses are percent-encoded
    <root>/images/<supplier guid>/<SHA-256>.<jpg|png>

The SKUs need a case-sensitive file system: two of them differ in case only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from orchestration.demo import days, documents, faults
from orchestration.demo.categories import CATEGORIES, category_file
from orchestration.demo.gallery import Gallery
from orchestration.demo.german import GERMAN_FAMILIES, german_category_file, in_german_form
from orchestration.demo.oddities import LOST_CHILDREN, odd
from orchestration.demo.pictures import USUAL_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestration.demo.assortment import ProductLine
    from orchestration.demo.days import Offer, Outcome

IMPORT_PATH = "Import/Import.txt"
CATEGORY_PATH = "CAT.csv"
# The folders that hold a file of its own for each thing: what is no longer written there is deleted.
PICTURE_FOLDER = "images"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Names the day that lies there whole. It is written last.
_WRITTEN = "day.txt"


class PictureCounts(NamedTuple):
    """What mirroring the pictures must come to."""

    stored: int
    deduplicated: int
    failed: int


class SampleFamily(NamedTuple):
    """A family with a good document: its variants' SKUs, and its pictures' addresses in order, each once."""

    sku: str
    supplier: str
    url: str
    variants: tuple[str, ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleFeed:
    """What was written for a day, to compare with what a sync makes of it.

    `families` are those that a sync stores, by key. `pictures` maps the address of each of their pictures that can be
    had to its SHA-256; the others are in `lost_pictures`. `unfit_lines` are the lines of `Import.txt` that name neither
    a family nor the categories. `categories` maps a code to its parent's.
    """

    day: int
    import_url: str
    outcome: Outcome
    families: Mapping[str, SampleFamily]
    pictures: Mapping[str, str]
    lost_pictures: frozenset[str]
    unfit_lines: tuple[str, ...]
    categories: Mapping[str, str | None]

    @property
    def variant_count(self) -> int:
        """Variants of the families in the feed."""
        return sum(len(family.variants) for family in self.families.values())

    def picture_counts(self, before: SampleFeed | None = None) -> PictureCounts:
        """The counts of this day's sync, after that of the feed before."""
        known = before.pictures if before else {}
        stored = len(set(self.pictures.values()) - set(known.values()))
        fresh = len(self.pictures.keys() - known.keys())
        failed = len(self.lost_pictures - (before.lost_pictures if before else frozenset()))
        return PictureCounts(stored, fresh - stored, failed)


class _Listing(NamedTuple):
    """A family as the feed lists it."""

    offer: Offer
    url: str
    content: bytes
    listed_hash: str


def write_feed(
    root: Path, *, day: int, base_url: str, picture_size: int = USUAL_SIZE, is_german: bool = False
) -> SampleFeed:
    """Write a day over whatever day is there; files that stay the same are not touched.

    `is_german` writes it in the form of the German market (`german`).

    All addresses are absolute under `base_url` (`http://127.0.0.1:8000`, `file:///srv/feed`). Pictures are
    `picture_size` pixels each way; small ones take a tenth of the time. Raises `ConfigurationError` for a day that does
    not exist.
    """
    base_url = base_url.rstrip("/")
    offers = days.offers(day)
    gallery = Gallery(offers, picture_size)
    listings = [_listed(offer, gallery, base_url, is_german=is_german) for offer in offers]
    unfit_lines = ("Export of all articles", f"{base_url}/Manuals/readme.txt|{_sha1(b'readme')}")
    files = gallery.files | {f"{it.offer.supplier.code}/{it.offer.sku}.json": it.content for it in listings}
    categories = german_category_file() if is_german else category_file()
    files |= {CATEGORY_PATH: categories, IMPORT_PATH: _import_file(base_url, listings, unfit_lines)}
    (root / _WRITTEN).unlink(missing_ok=True)
    _publish(root, files)
    _replace(root / _WRITTEN, _mark(day, base_url))
    outcome = days.outcome(day)
    families = {it.offer.sku: _family(it, gallery, base_url) for it in listings if it.offer.sku in outcome.stored}
    pictures = {path for it in listings if it.offer.sku in families for path in gallery.in_order(it.offer)}
    return SampleFeed(
        day=day,
        import_url=f"{base_url}/{IMPORT_PATH}",
        outcome=outcome,
        families=families,
        pictures={f"{base_url}/{path}": _sha256(files[path]) for path in sorted(pictures - gallery.lost)},
        lost_pictures=frozenset(f"{base_url}/{path}" for path in gallery.lost),
        unfit_lines=unfit_lines,
        categories={category.code: category.parent for category in CATEGORIES},
    )


def is_written(root: Path, *, day: int, base_url: str) -> bool:
    """Whether that day, under these addresses, lies whole in `root`: drawing its pictures takes some seconds."""
    path = root / _WRITTEN
    return path.exists() and path.read_bytes() == _mark(day, base_url.rstrip("/"))


def _mark(day: int, base_url: str) -> bytes:
    return f"{day} {base_url}\n".encode()


def _listed(offer: Offer, gallery: Gallery, base_url: str, *, is_german: bool) -> _Listing:
    def written(line: ProductLine) -> bytes:
        document = odd(_document(line, offer, gallery, base_url), offer.sku)
        return in_german_form(document) if is_german or offer.sku in GERMAN_FAMILIES else document

    content = faults.spoiled(written(offer.line), offer.fault)
    honest = content if offer.listed == offer.line else written(offer.listed)
    return _Listing(
        offer=offer,
        url=f"{base_url}/{offer.supplier.code}/{quote(f'{offer.sku}.json', safe='')}",
        content=content,
        listed_hash=_sha1(honest).lower() if offer.supplier.lists_lower_case_hashes else _sha1(honest),
    )


def _document(line: ProductLine, offer: Offer, gallery: Gallery, base_url: str) -> bytes:
    paths = gallery.by_colour(line, offer.supplier)
    addresses = {code: [f"{base_url}/{path}" for path in colour_paths] for code, colour_paths in paths.items()}
    family = documents.document(line, offer.supplier, addresses)
    faults.drift(family, offer.drift)
    return documents.encoded(family)


def _family(listing: _Listing, gallery: Gallery, base_url: str) -> SampleFamily:
    offer = listing.offer
    variants = documents.variants(offer.line, offer.supplier)
    if offer.sku in LOST_CHILDREN:
        variants.pop()
    return SampleFamily(
        sku=offer.sku,
        supplier=offer.supplier.code,
        url=listing.url,
        variants=tuple(variant.sku for variant in variants),
        pictures=tuple(f"{base_url}/{path}" for path in gallery.in_order(offer)),
    )


def _import_file(base_url: str, listings: Iterable[_Listing], unfit_lines: Iterable[str]) -> bytes:
    """`Import.txt` with a byte order mark, CRLF, a blank line, no hash on the categories, and a family listed twice."""
    lines = [f"{listing.url}|{listing.listed_hash}" for listing in listings]
    again = [f"{it.url}|{_sha1(it.content[::-1])}" for it in listings if it.offer.sku in days.LISTED_TWICE]
    text = "\r\n".join((f"{base_url}/{CATEGORY_PATH}", *unfit_lines, *lines, "", *again, ""))
    return BYTE_ORDER_MARK + text.encode()


def _publish(root: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        _replace(root / path, content)
    for folder in (PICTURE_FOLDER, *(supplier.code for supplier in days.SUPPLIERS)):
        _prune(root, root / folder, files)


def _replace(path: Path, content: bytes) -> None:
    """Write a file at once, and only if it changes: its ETag stays, and no reader sees half of it."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _prune(root: Path, folder: Path, keep: Mapping[str, bytes]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            _remove_if_empty(path)
        elif path.relative_to(root).as_posix() not in keep:
            path.unlink()
    _remove_if_empty(folder)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _sha1(content: bytes) -> str:
    """The feed's own hash: forty upper-case hex digits."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest().upper()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
