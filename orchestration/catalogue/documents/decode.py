"""One document of the feed in, one family with its variants out, or the one reason why not.

It checks what a document must fulfil as a whole, in order. Keep out: its keys and types (`wire`), which value goes
where (`family`, `variants`, `imprints`), fetching and storing.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from orchestration.catalogue.documents.family import build_family
from orchestration.catalogue.documents.faults import DocumentError, Fault, explain, path_of_text
from orchestration.catalogue.documents.imprints import imprint_positions
from orchestration.catalogue.documents.languages import in_order, texts
from orchestration.catalogue.documents.variants import build_variants
from orchestration.catalogue.documents.wire import DOCUMENT, IMPRINT_POSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from orchestration.catalogue.documents.model import Family, Variant
    from orchestration.catalogue.documents.wire import Child, Document
    from orchestration.catalogue.documents.wire import ImprintPosition as WirePosition

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL = re.compile("\0")
_CANONICAL = msgspec.json.Encoder(order="deterministic")


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


def decode_family(data: bytes, *, a_number: str, supplier: str) -> Decoded:
    """Decode the document that the feed lists as `a_number` in the folder of `supplier`.

    UTF-8, a byte order mark is tolerated. Raises DocumentError for anything that is wrong with it.
    """
    reader = _Reader(a_number)
    text = reader.checked_text(data)
    document = reader.document(text)
    children = reader.checked_children(document, supplier)
    names = texts(in_order(document.product_details), lambda block: block.name)
    if not names:
        raise reader.error(Fault.MISSING, "the family has no name in any language", "$.ProductDetails")
    variants = build_variants(document.sku, children, names)
    family = build_family(document, children[0], variants, imprint_positions(reader.imprints(children)))
    return Decoded(family, variants, _images(family, variants), content_hash(family, variants))


def content_hash(family: Family, variants: Sequence[Variant]) -> str:
    """SHA-256 in hexadecimal over the records as JSON with sorted keys and no white space."""
    return hashlib.sha256(_CANONICAL.encode((family, variants))).hexdigest()


class _Reader:
    """Reads one document; every complaint names its family."""

    def __init__(self, a_number: str) -> None:
        self._a_number = a_number

    def error(self, code: Fault, found: str, path: str = "$") -> DocumentError:
        return DocumentError(self._a_number, code, found, path=path)

    def checked_text(self, data: bytes) -> bytes:
        """The document without byte order mark; fails for bytes that cannot be a document at all."""
        text = data.removeprefix(_BOM)
        if not text or text.isspace():
            raise self.error(Fault.EMPTY, "the document is empty")
        if text.lstrip()[:1] == b"<":
            raise self.error(Fault.HTML, "the document is HTML or XML, where JSON was expected")
        self._check_utf8(text)
        self._check_nul(text)
        return text

    def _check_utf8(self, text: bytes) -> None:
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise self.error(Fault.NOT_UTF8, f"byte {error.start} is not UTF-8 ({error.reason})") from None

    def _check_nul(self, text: bytes) -> None:
        """No text that holds a NUL character could be stored, escaped in the document or not."""
        if b"\0" in text:
            raise self.error(Fault.NUL_CHARACTER, f"byte {text.index(0)} is a NUL character")
        if b"\\u0000" in text and _ESCAPED_NUL.search(text):
            path = None
            with contextlib.suppress(msgspec.DecodeError, RecursionError):
                path = path_of_text(msgspec.json.decode(text), _NUL)
            raise self.error(Fault.NUL_CHARACTER, "a text holds a NUL character", f"${path or ''}")

    def document(self, text: bytes) -> Document:
        return self._decode(DOCUMENT, text, "$")

    def imprints(self, children: Sequence[Child]) -> list[list[WirePosition]]:
        """The distinct imprint positions of the children: most children repeat those of the first."""
        found: dict[bytes, list[WirePosition]] = {}
        for index, child in enumerate(children):
            raw = bytes(child.imprint_positions)
            if raw not in found:
                path = f"$.ChildProducts[{index}].ImprintPositions"
                found[raw] = self._decode(IMPRINT_POSITIONS, raw, path) or []
        return list(found.values())

    def _decode(self, decoder: msgspec.json.Decoder[T], text: bytes, path: str) -> T:
        try:
            return decoder.decode(text)
        except (msgspec.DecodeError, RecursionError) as error:
            reason = explain(error, text, decoder.decode)
        raise self.error(reason.code, reason.found, path + reason.path)

    def checked_children(self, document: Document, supplier: str) -> list[Child]:
        """The children, at least one, each with a SKU of its own.

        A child may carry the root's SKU: that is how a family without variants comes.
        """
        if document.sku != self._a_number:
            raise self.error(Fault.WRONG_FAMILY, f"the document is that of {document.sku!r}", "$.Sku")
        if document.a_number != supplier:
            found = f"the document is that of supplier {document.a_number!r}, the feed lists it under {supplier}"
            raise self.error(Fault.WRONG_FAMILY, found, "$.ANumber")
        if not document.child_products:
            raise self.error(Fault.NO_VARIANTS, "the family has no child products", "$.ChildProducts")
        first: dict[str, int] = {}
        for index, child in enumerate(document.child_products):
            if first.setdefault(child.sku, index) != index:
                found = f"{child.sku!r} is also the SKU of ChildProducts[{first[child.sku]}]"
                raise self.error(Fault.DUPLICATE_VARIANT, found, f"$.ChildProducts[{index}].Sku")
        return document.child_products


def _images(family: Family, variants: Iterable[Variant]) -> tuple[str, ...]:
    urls = dict.fromkeys((family.main_image, family.model_image, *family.gallery_images))
    for variant in variants:
        urls.setdefault(variant.primary_image)
        urls.update(dict.fromkeys(variant.gallery_images))
    return tuple(url for url in urls if url is not None)
