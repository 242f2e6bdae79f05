"""What a supplier sends: the list of families, the categories, a family's document, and its shape."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from orchestration.catalogue.documents.decode import Decoded, decode_family
from orchestration.catalogue.documents.faults import DocumentError
from orchestration.catalogue.drift.fit_test import fit_test
from orchestration.catalogue.drift.shape import SupplierShape, compare, inspect, merge
from orchestration.catalogue.feed.categories import MAX_CODE_LENGTH, parse_categories
from orchestration.catalogue.feed.feed import parse_feed
from orchestration.catalogue.feed.lines import MAX_SKU_LENGTH
from orchestration.demo.categories import category_file
from orchestration.demo.german import german_category_file
from orchestration.errors import InvalidInputError
from orchestration_tests.catalogue.sample_documents import as_bytes, family_document, feed_of
from orchestration_tests.fuzz.mutation import of_json, of_lines
from orchestration_tests.fuzz.target import Target, each, expect, expect_storable, json_of

if TYPE_CHECKING:
    from collections.abc import Iterable

SKU, SUPPLIER = "A461-7001234", "A461"
_NUL = b"\\u0000"


def read_feed(data: bytes) -> None:
    """The list of families; what is taken can be stored, and what is refused can be shown."""
    feed = parse_feed(data)
    known = feed.by_supplier()
    for entry in feed.entries:
        expect_storable(entry.a_number, entry.supplier, entry.url)
        expect(len(entry.a_number) <= MAX_SKU_LENGTH, "a SKU is too long")
        expect(entry in known[entry.supplier], "an entry is in no supplier's list")
    for problem in feed.problems:
        expect_storable(problem.text, problem.reason, problem.a_number, problem.supplier)
        expect(problem.text.isprintable(), "a problem's text cannot be shown")
    for supplier in feed.suppliers:
        feed.fingerprint(supplier)
        feed.refused(supplier)


def read_categories(data: bytes) -> None:
    """The category tree; each category follows its parent, so that none is its own ancestor."""
    tree = parse_categories(data)
    seen: set[str] = set()
    for category in tree.categories:
        expect(category.parent_code is None or category.parent_code in seen, "a category stands before its parent")
        expect(category.code not in seen, "a category stands twice")
        expect(0 < len(category.code) <= MAX_CODE_LENGTH, "a code is too long")
        expect_storable(category.code, *category.name, *category.name.values())
        seen.add(category.code)
    for problem in tree.problems:
        expect_storable(problem.code, problem.reason)


def read_document(data: bytes) -> None:
    """A family's document; what is kept can be stored, and one that was refused says why in words for a screen."""
    sku, supplier = _names_of(data)
    try:
        decoded = decode_family(data, a_number=sku, supplier=supplier, url="https://feed.example/A461/x.json")
    except DocumentError as error:
        expect_storable(str(error), error.path)
        raise
    _check(decoded)


def read_shape(data: bytes) -> None:
    """The shape of a document; one that is learnt shows no drift, also in the quick test."""
    shape = inspect(data)
    before = _known_shape()
    expect_storable(*shape.types)
    compare(before, shape)
    learnt = merge(before, shape)
    expect(not compare(learnt, shape), "a document drifts from its own shape")
    if fits := fit_test(learnt):
        fits(data)


def _names_of(data: bytes) -> tuple[str, str]:
    """The SKU and the supplier that a document says it has, as if the feed listed it so."""
    try:
        document = json_of(data)
    except InvalidInputError:
        document = None
    said = document if isinstance(document, dict) else {}
    sku, supplier = said.get("Sku"), said.get("ANumber")
    return sku if isinstance(sku, str) else SKU, supplier if isinstance(supplier, str) else SUPPLIER


def _check(decoded: Decoded) -> None:
    text = msgspec.json.encode((decoded.family, decoded.variants, decoded.images))
    expect(_NUL not in text, "a NUL is kept")
    expect(decoded.variants, "a family has no variants")
    skus = [variant.sku for variant in decoded.variants]
    expect(len(set(skus)) == len(skus), "two variants have one SKU")
    expect_storable(*skus, *decoded.images)
    for oddity in decoded.oddities:
        expect_storable(oddity.path, oddity.reason, oddity.shape)


@cache
def _known_shape() -> SupplierShape:
    return merge(SupplierShape(0, {}), inspect(as_bytes(_document(), indent=None)))


def _document(**changes: object) -> dict[str, object]:
    return family_document(SKU, languages=("de", "en"), children=2, pictures=2, **changes)  # type: ignore[arg-type]


def _documents() -> Iterable[bytes]:
    yield as_bytes(_document(), indent=None)
    yield as_bytes(family_document(SKU, languages=("en",), children=1, imprint_options=2), indent=None)


def _feeds() -> Iterable[bytes]:
    plain = feed_of([family_document(SKU), family_document("A23-P1"), family_document("A23-P2,x /y")])
    category = b"https://feed.example/CAT.csv|\r\n"
    yield from (plain, plain.replace(b"\n", b"\r\n"), category + plain, plain.decode().encode("utf-16"))


def _categories() -> Iterable[bytes]:
    yield from (category_file()[:2000], german_category_file()[:2000], b"Code;Name;ParentCode\nA;Bags;\nB;Caps;A\n")


TARGETS = (
    Target("catalogue-feed", each(read_feed, read_categories, declared=(InvalidInputError,)),
           lambda: [*_feeds(), *_categories()], mutation=of_lines),
    Target("catalogue-document", each(read_document, read_shape, declared=(InvalidInputError,)), _documents,
           mutation=of_json, longest=40_000),
)  # fmt: skip
