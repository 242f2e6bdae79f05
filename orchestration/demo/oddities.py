"""Documents that are odd, and sound all the same: what exporters really write, and a reader must take.

The oddities as edits of a document's JSON, and which family has which. Keep out: documents that cannot be used
(`faults.py`), and the form of another market (`german.py`).

Each of them costs a field at most, and no picture, but for `lost_child`, which costs a variant; checks find what a
person should look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Document = dict[str, Any]

PROPERTIES, DETAILS, PRICES = "NonLanguageDependedProductDetails", "ProductDetails", "ProductPriceCountryBased"


def numbers_as_codes(document: Document) -> None:
    """EAN and tariff number without quotes, sizes with them; read without a word."""
    for child in document["ChildProducts"]:
        child["Ean"] = int(child["Ean"] or 0)
        properties = child[PROPERTIES]
        properties["CustomsTariffNumber"] = int(properties["CustomsTariffNumber"])
        properties["Weight"] = str(properties["Weight"])


def empty_lists(document: Document) -> None:
    """What PHP writes for an object without keys, and 0 and 1 for booleans; read without a word."""
    document["DefaultProducts"] = []
    for child in document["ChildProducts"]:
        child["UnstructuredInformation"] = []
        child[PROPERTIES]["Fragile"] = 0
        for details in child[DETAILS].values():
            details["IsActive"] = 1


def price_on_request(document: Document) -> None:
    """The largest quantity is on request, without a price; read without a word."""
    for child in document["ChildProducts"]:
        for block in child[PRICES].values():
            step = {"Price": None, "Quantity": 10_000, "OnRequest": True, "Valuta": "Euro"}
            block["RecommendedSellingPrice"].append(step)


def weight_in_words(document: Document) -> None:
    """A weight that is none, and a tariff number with a remark: both are left out, and said."""
    properties = document["ChildProducts"][0][PROPERTIES]
    properties["Weight"] = "approx. 45 g"
    properties["CustomsTariffNumber"] = "61159500 (see also 6115 96)"


def invisible_characters(document: Document) -> None:
    """A zero-width space in a colour: dropped, and said."""
    document["ChildProducts"][0][PROPERTIES]["SearchColor"] += "\u200b"


def renamed_category(document: Document) -> None:
    """A category that CAT.csv does not have: the family is in none of the shop, until one of the two is corrected."""
    for part in (document, *document["ChildProducts"]):
        part[PROPERTIES]["Category"] = "BAGS/COTTON_BAGS"


def bare_positions(document: Document) -> None:
    """Places to print on, and nothing to print with."""
    for child in document["ChildProducts"]:
        for position in child["ImprintPositions"]:
            position["ImprintOptions"] = []


def lost_child(document: Document) -> None:
    """The last child has lost its SKU: it is left out, and its siblings are imported."""
    document["ChildProducts"][-1]["Sku"] = None


ODDITIES: Mapping[str, Callable[[Document], None]] = {
    "A23-100921": numbers_as_codes,
    "A23-SPORT.V2.0": empty_lists,
    "A23-101503_KRAFT": price_on_request,
    "A360-CMSOCK_CS02": weight_in_words,
    "A461-2140100": invisible_characters,
    "A360-CMBAG_01": renamed_category,
    "A360-CMHAT_02": bare_positions,
    "A461-2140110": lost_child,
}
LOST_CHILDREN = frozenset({"A461-2140110"})
"""Families whose last child cannot be used."""


def odd(content: bytes, sku: str) -> bytes:
    """The document as this family's exporter writes it."""
    edit = ODDITIES.get(sku)
    if edit is None:
        return content
    document = msgspec.json.decode(content, type=dict[str, Any])
    edit(document)
    return msgspec.json.encode(document)
