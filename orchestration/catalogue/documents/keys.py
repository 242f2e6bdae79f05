"""The keys, labels and addresses of a document in one form, and the price regions that nobody knows.

It changes a document that was read, before records are made of it. Keep out: what is dropped from a key (`labels`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from orchestration.catalogue.documents.prices import is_known_region
from orchestration.catalogue.labels import tidy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestration.catalogue.documents.oddities import Oddities
    from orchestration.catalogue.documents.wire import Child, Document


def tidy_keys(document: Document, oddities: Oddities) -> None:
    """Tidy SKUs, categories, colours and sizes in place. What changed by more than spaces at its ends is an oddity.

    A SKU counts with its spaces too: it is what others know the product by.
    """
    document.sku = _tidied(document.sku, "$.Sku", oddities, is_key=True)
    document.a_number = tidy(document.a_number)
    children = document.child_products or []
    for index, child in enumerate(children):
        child.sku = _tidied(child.sku, f"$.ChildProducts[{index}].Sku", oddities, is_key=True)
        _tidy_labels(child, f"$.ChildProducts[{index}]", oddities)
    kept = [child for child in children if child.sku]
    if len(kept) < len(children):
        oddities.add("$.ChildProducts", "left out: a child whose SKU is blank", is_loss=True)
    document.child_products = kept
    for item in (document, *children):
        properties = item.properties
        properties.category = tidy(properties.category) if properties.category else None
        if properties.secondary_categories:
            properties.secondary_categories = [tidy(code) for code in properties.secondary_categories]


def _tidy_labels(child: Child, path: str, oddities: Oddities) -> None:
    properties = child.properties
    if properties.search_color:
        place = f"{path}.NonLanguageDependedProductDetails.SearchColor"
        properties.search_color = _tidied(properties.search_color, place, oddities)
    for language, block in child.product_details.items():
        for choice in block.configuration_fields or ():
            if choice.configuration_value:
                place = f"{path}.ProductDetails.{language}.ConfigurationFields[*].ConfigurationValue"
                choice.configuration_value = _tidied(choice.configuration_value, place, oddities)


def _tidied(text: str, path: str, oddities: Oddities, *, is_key: bool = False) -> str:
    found = tidy(text)
    if found != (text if is_key else text.strip()):
        oddities.add(path, f"spaces or invisible characters were dropped: {text!r} is read as {found!r}")
    return found


def resolve_addresses(document: Document, base: str) -> None:
    """Make the addresses of pictures absolute in place: `//host/picture.png` is one of the document's own scheme."""
    for item in (document, *(document.child_products or ())):
        for block in item.product_details.values():
            for picture in (block.image, *(block.media_gallery_images or ())):
                if picture is not None and picture.url and picture.url.startswith("/"):
                    # What makes no address stays as it came, and is refused when it is downloaded.
                    with suppress(ValueError):
                        picture.url = urljoin(base, picture.url)


def note_regions(document: Document, children: Iterable[Child], oddities: Oddities) -> None:
    """Name the price regions that are no country and no known group; their prices are kept without a country."""
    regions = {region for item in (document, *children) for region in item.prices or ()}
    for region in sorted(regions):
        if not is_known_region(region):
            oddities.add(
                f"$.ProductPriceCountryBased.{region}", f"an unknown price region, kept without a country: {region}"
            )
