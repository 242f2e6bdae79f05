"""One document of the feed in, one family with its variants out, or the one reason why not.

It checks what a document must fulfil as a whole, in order. Keep out: its keys and types (`wire`), which value goes
where (`family`, `variants`, `imprints`), fetching and storing.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from typing import TYPE_CHECKING, TypeVar

import msgspec

from orchestration.catalogue.documents.family import build_family
from orchestration.catalogue.documents.faults import DocumentError, Fault, explain
from orchestration.catalogue.documents.imprints import imprint_positions
from orchestration.catalogue.documents.keys import note_regions, resolve_addresses, tidy_keys
from orchestration.catalogue.documents.languages import in_order, plain_texts
from orchestration.catalogue.documents.oddities import Oddities, Oddity
from orchestration.catalogue.documents.tolerant import UnusableError, brought_to
from orchestration.catalogue.documents.variants import build_variants
from orchestration.catalogue.documents.wire import (
    DOCUMENT,
    IMPRINT_POSITIONS,
    IMPRINT_REFERENCES,
    Document,
    PositionList,
    ReferenceTable,
)
from orchestration.catalogue.labels import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.catalogue.documents.model import Family, Variant
    from orchestration.catalogue.documents.wire import Child, ImprintOption
    from orchestration.catalogue.documents.wire import ImprintPosition as WirePosition

T = TypeVar("T")

_SHOWN_TEXT = 200
_CANONICAL = msgspec.json.Encoder(order="deterministic")


class ChildList(msgspec.Struct, frozen=True, gc=False):
    """What a document says of the completeness of its children.

    `damage` says why the list may lack some, and is blank when nothing says so. `listed` are the SKUs of all children
    of a document that was not sound, also of those that were left out: they are there, though nobody knows how.
    """

    damage: str = ""
    listed: tuple[str, ...] = ()


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """A family with its variants, in the order of the document.

    `images` are the source URLs of all pictures, each once, the main image first. `content_hash` is the SHA-256, in
    lower-case hexadecimal, of the records as canonical JSON: it changes with every field that is kept, and with no
    other.
    """

    family: Family
    variants: tuple[Variant, ...]
    images: tuple[str, ...]
    content_hash: str
    oddities: tuple[Oddity, ...] = ()
    children: ChildList = ChildList()


def decode_family(data: bytes, *, a_number: str, supplier: str, url: str = "https:") -> Decoded:
    """Decode the document that the feed lists as `a_number` in the folder of `supplier`, and that came from `url`.

    UTF-8, or UTF-16 with its mark. What is optional and cannot be used is left out, and is among the `oddities`. Raises
    DocumentError for what a family cannot do without.
    """
    reader = _Reader(a_number)
    text = reader.checked_text(data)
    document = reader.document(text)
    children = reader.checked_children(document, supplier)
    resolve_addresses(document, url if url.startswith("http") else "https:")
    names = plain_texts(in_order(document.product_details), lambda block: block.name)
    if not names:
        raise reader.error(Fault.MISSING, "the family has no name in any language", "$.ProductDetails")
    variants = build_variants(document.sku, children, names)
    imprints = imprint_positions(reader.imprints(children), reader.references(document), reader.oddities)
    family = build_family(document, children[0], variants, imprints)
    note_regions(document, children, reader.oddities)
    child_list = reader.child_list(document)
    return Decoded(
        family, variants, _images(family, variants), content_hash(family, variants), tuple(reader.oddities.found),
        child_list,
    )  # fmt: skip


def content_hash(family: Family, variants: Sequence[Variant]) -> str:
    """SHA-256 in hexadecimal over the records as JSON with sorted keys and no white space."""
    return hashlib.sha256(_CANONICAL.encode((family, variants))).hexdigest()


class _Reader:
    """Reads one document; every complaint names its family. `oddities` are what it could do without."""

    def __init__(self, a_number: str) -> None:
        self._a_number = a_number
        self._listed: tuple[str, ...] | None = ()
        self.oddities = Oddities()

    def error(self, code: Fault, found: str, path: str = "$") -> DocumentError:
        return DocumentError(self._a_number, code, found, path=path)

    def checked_text(self, data: bytes) -> bytes:
        """The document as UTF-8 without a mark; fails for bytes that cannot be a document at all."""
        text = data.removeprefix(codecs.BOM_UTF8)
        if data[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            text = self._from_utf16(data)
        if not text or text.isspace():
            raise self.error(Fault.EMPTY, "the document is empty")
        if text.lstrip()[:1] == b"<":
            raise self.error(Fault.HTML, "the document is HTML or XML, where JSON was expected")
        self._check_utf8(text)
        if b"\0" in text:
            raise self.error(Fault.NUL_CHARACTER, f"byte {text.index(0)} is a NUL character")
        return text

    def _from_utf16(self, data: bytes) -> bytes:
        try:
            return data.decode("utf-16").encode()
        except UnicodeError as error:
            raise self.error(Fault.NOT_UTF8, f"its mark says UTF-16, which it is not ({error})") from None

    def _check_utf8(self, text: bytes) -> None:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            found = f"byte {error.start} is not UTF-8 ({error.reason}); saved as Windows-1252 or Latin-1?"
            raise self.error(Fault.NOT_UTF8, found) from None

    def document(self, text: bytes) -> Document:
        if b"\\u0000" not in text:
            try:
                return DOCUMENT.decode(text)
            except (msgspec.DecodeError, RecursionError):
                pass
        tree = self._tree(text)
        cleaned = self._brought_to(Document, tree, "$")
        if isinstance(tree, dict):
            self._listed = _skus_of(tree.get("ChildProducts"))
        return self._decoded(DOCUMENT, cleaned, "$")

    def imprints(self, children: Sequence[Child]) -> list[list[WirePosition]]:
        """The distinct imprint positions of the children: most children repeat those of the first."""
        found: dict[bytes, list[WirePosition]] = {}
        for index, child in enumerate(children):
            raw = bytes(child.imprint_positions)
            if raw not in found:
                path = f"$.ChildProducts[{index}].ImprintPositions"
                found[raw] = self._part(IMPRINT_POSITIONS, PositionList, raw, path) or []
        return list(found.values())

    def references(self, document: Document) -> dict[str, ImprintOption | None]:
        """The root's table of imprint options, by hash."""
        raw = bytes(document.imprint_references)
        return self._part(IMPRINT_REFERENCES, ReferenceTable, raw, "$.ImprintReferences") or {}

    def _part(self, decoder: msgspec.json.Decoder[T], expected: object, raw: bytes, path: str) -> T | None:
        """A part of a document that the strict types took; what is wrong in it costs itself."""
        try:
            return decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            try:
                return self._decoded(decoder, self._brought_to(expected, self._tree(raw), path), path)
            except DocumentError as error:
                self.oddities.add(error.path, f"left out: {error}", shape=path)
                return None

    def _tree(self, text: bytes) -> object:
        """The document as plain values. The standard library also reads numbers and texts that cannot be stored."""
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            try:
                return json.loads(text)
            except (ValueError, RecursionError):
                reason = explain(error, text)
        raise self.error(reason.code, reason.found)

    def _brought_to(self, expected: object, tree: object, path: str) -> object:
        try:
            return brought_to(expected, tree, self.oddities, path)
        except UnusableError as error:
            raise self.error(error.code, error.reason, error.at.path) from None

    def _decoded(self, decoder: msgspec.json.Decoder[T], cleaned: object, path: str) -> T:
        try:
            return decoder.decode(msgspec.json.encode(cleaned))
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            reason = explain(error, b"")
        raise self.error(reason.code, reason.found, path)

    def checked_children(self, document: Document, supplier: str) -> list[Child]:
        """The children, at least one, each with a SKU of its own; the first of two with the same SKU counts.

        A child may carry the root's SKU: that is how a family without variants comes.
        """
        tidy_keys(document, self.oddities)
        if document.sku != self._a_number:
            raise self.error(Fault.WRONG_FAMILY, f"the document is that of {document.sku!r}", "$.Sku")
        if document.a_number != supplier:
            found = f"the document is that of supplier {document.a_number!r}, the feed lists it under {supplier}"
            raise self.error(Fault.WRONG_FAMILY, found, "$.ANumber")
        first: dict[str, Child] = {}
        for index, child in enumerate(document.child_products or ()):
            if first.setdefault(child.sku, child) is not child:
                path, reason = (
                    f"$.ChildProducts[{index}].Sku",
                    f"left out: {child.sku!r} is also an earlier child's SKU",
                )
                self.oddities.add(path, reason, is_loss=True)
        if not first:
            raise self._childless()
        return list(first.values())

    def _childless(self) -> DocumentError:
        lost = next((one for one in self.oddities.found if one.shape.startswith("$.ChildProducts[*]")), None)
        if lost is None:
            return self.error(Fault.NO_VARIANTS, "the family has no child products", "$.ChildProducts")
        return self.error(
            Fault.NO_VARIANTS, f"none of its child products can be used; the first: {lost.reason}", lost.path
        )

    def child_list(self, document: Document) -> ChildList:
        """What the document says of its own list of children."""
        has_errors = (
            document.child_has_errors or document.errors or any(c.errors for c in document.child_products or ())
        )
        damage = "the feed marks it as faulty (ChildHasErrors or Errors)" if has_errors else ""
        for item in (document, *(document.child_products or ())):
            if item.warnings:
                self.oddities.add("$.Warnings", f"the feed warns: {_shown(item.warnings)}")
        if self._listed is None:
            return ChildList(damage or "a variant without a readable SKU was left out")
        return ChildList(damage, self._listed)


def _skus_of(children: object) -> tuple[str, ...] | None:
    """The SKUs that a list of children shows, sound or not; None when one of them shows none."""
    items = list(children.values()) if isinstance(children, dict) else children
    if not isinstance(items, list):
        return ()
    skus = [item.get("Sku") if isinstance(item, dict) else None for item in items]
    shown = tuple(tidy(str(sku)) for sku in skus if isinstance(sku, str | int) and tidy(str(sku)))
    return shown if len(shown) == len(skus) else None


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]}..."


def _images(family: Family, variants: Iterable[Variant]) -> tuple[str, ...]:
    urls = dict.fromkeys((family.main_image, family.model_image, *family.gallery_images))
    for variant in variants:
        urls.setdefault(variant.primary_image)
        urls.update(dict.fromkeys(variant.gallery_images))
    return tuple(url for url in urls if url is not None)
