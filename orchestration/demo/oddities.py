"""Documents that are odd, and sound all the same: what exporters really write, and a reader must take.

The oddities as edits of a document's JSON, and which family has which. Keep out: documents that cannot be used
(`faults.py`), and the form of another market (`german.py`).

Each of them costs a field at most, and no picture: the account of a day is the same with them.
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


ODDITIES: Mapping[str, Callable[[Document], None]] = {
    "A23-100921": numbers_as_codes,
    "A23-SPORT.V2.0": empty_lists,
    "A23-101503_KRAFT": price_on_request,
    "A360-CMSOCK_CS02": weight_in_words,
    "A461-2140100": invisible_characters,
}


def odd(content: bytes, sku: str) -> bytes:
    """The document as this family's exporter writes it."""
    edit = ODDITIES.get(sku)
    if edit is None:
        return content
    document = msgspec.json.decode(content, type=dict[str, Any])
    edit(document)
    return msgspec.json.encode(document)
