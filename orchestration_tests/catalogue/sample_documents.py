"""Family documents, category files and feeds for tests, with the key sets that real ones have.

Building, and changing one thing of what was built. Keep out: expectations.

All values are invented and depend on nothing but the arguments, so that the same call gives the same bytes.
"""

from __future__ import annotations

import copy
import hashlib
import json
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JsonObject = dict[str, Any]

BASE_URL = "https://promi-dl.de/Profiles/Live/00000000-0000-4000-8000-000000000001"
IMAGE_URL = "https://images.promi-dl.de/Images/LiveR2/11111111-1111-4111-8111-111111111111"
LANGUAGES = ("nl", "de", "en", "fr")
COLORS = (
    # search colour, colour code, hex, the supplier's own name
    ("Blue", "600", "1B2A49", "Marine"),
    ("Black", "900", "232325", "Zwart"),
    ("Red", "400", "B01C2E", "Rood"),
    ("Green", "700", "1F6B3A", "Flesgroen"),
    ("White", "100", "FFFFFF", "Wit"),
)
SIZES = ("S", "M", "L", "XL", "XXL", "3XL", "4XL")

_SIZE_LABEL = {"nl": "Afmeting", "de": "Größe", "en": "Size", "fr": "Taille"}
_COLOR_LABEL = {"nl": "Kleur", "de": "Farbe", "en": "Color", "fr": "Couleur"}
_MATERIAL_LABEL = {"nl": "Materiaal", "de": "Material", "en": "Material", "fr": "Matière"}


def family_document(
    sku: str = "A461-7001234",
    *,
    children: int | Sequence[JsonObject] = 1,
    languages: Sequence[str] = LANGUAGES,
    region: str = "EURO",
    name: str = "Softshell jacket",
    price: float = 59.9,
    imprint_options: int = 1,
    pictures: int = 3,
    **changes: object,
) -> JsonObject:
    """A family's document; its supplier is what stands before the SKU's first hyphen.

    One child gives pattern A, where it carries the root's SKU. More give pattern B: colours times sizes, first all
    sizes of a colour. `pictures` is how many each child has, the primary one included; sizes of a colour share them.
    `changes` replace keys of the root.
    """
    if isinstance(children, int):
        children = [
            child_document(
                child_sku,
                color=color,
                size=size,
                languages=languages,
                region=region,
                name=name,
                price=price,
                imprint_options=imprint_options,
                pictures=pictures,
                picture_of=f"{sku} {color}",
            )
            for child_sku, color, size in _looks(sku, children)
        ]
    root = _item(sku, languages=languages, region=region, name=name, tiers=_tiers(price)[-1:])
    for language, details in root["ProductDetails"].items():
        details["Image"] = copy.deepcopy(_first_details(children, language)["Image"]) if children else None
    document = {
        **root,
        "Ean": None,
        "ChildHasErrors": False,
        "ImprintReferences": None,
        "DefaultProducts": {region: children[0]["Sku"] if children else sku},
        "ImprintPositions": None,
        "ChildProducts": list(children),
    }
    return document | changes


def child_document(
    sku: str,
    *,
    color: int | None = 0,
    size: str | None = None,
    languages: Sequence[str] = LANGUAGES,
    region: str = "EURO",
    name: str = "Softshell jacket",
    price: float = 59.9,
    imprint_options: int = 1,
    pictures: int = 3,
    picture_of: str | None = None,
    **changes: object,
) -> JsonObject:
    """A child; `color` counts through COLORS, None is `Undefined`. `picture_of` names what its pictures show."""
    search, _, hex_color, own_color = COLORS[color % len(COLORS)] if color is not None else ("Undefined", "", None, "")
    child = _item(
        sku, languages=languages, region=region, name=f"{name} {own_color} {size or ''}".strip(), tiers=_tiers(price)
    )
    urls = [image_url(f"{picture_of or sku} {number}") for number in range(pictures)]
    for language, details in child["ProductDetails"].items():
        details["Image"] = _picture(urls[0]) if urls else None
        details["MediaGalleryImages"] = [_picture(url) for url in urls[1:]] or None
        details["ConfigurationFields"] = [
            *([_choice("Size", _SIZE_LABEL, language, size)] if size is not None else []),
            *([_choice("Color", _COLOR_LABEL, language, own_color)] if color is not None else []),
        ]
        details["UnstructuredInformation"] |= {"SupplierSearchColor": own_color, "HexColor": hex_color}
    child["NonLanguageDependedProductDetails"] |= {
        "SearchColor": search,
        "SecondaryCategories": None,
        "CountryOfOrigin": "BD",
        "CustomsTariffNumber": "62019300",
        "ProductFiltersByGroup": {"GenderType": "Male"},
        "Weight": 660,
        "DimensionsLength": 300,
        "DimensionsWidth": 200,
        "DimensionsHeight": 40,
    }
    child |= {"Ean": "7300000006004", "ImprintPositions": [_position(languages, region, imprint_options)]}
    return child | changes


def as_bytes(document: JsonObject, *, indent: int | None = 2) -> bytes:
    """The document as the supplier would send it."""
    return json.dumps(document, ensure_ascii=False, indent=indent).encode()


def with_value(document: JsonObject, path: str, value: object) -> JsonObject:
    """A copy with another value at a path such as `ChildProducts.0.ProductDetails.nl.Name`."""
    changed = copy.deepcopy(document)
    parent, key = _locate(changed, path)
    parent[key] = value
    return changed


def without(document: JsonObject, path: str) -> JsonObject:
    """A copy without what is at a path such as `ChildProducts.0.ProductDetails.nl`."""
    changed = copy.deepcopy(document)
    parent, key = _locate(changed, path)
    del parent[key]
    return changed


def a360_documents(count: int = 110) -> list[JsonObject]:
    """Supplier A360 as it is: pattern A, one child a file, the supplier's code as `ANumber` everywhere."""
    return [
        family_document(f"A360-CMSOCK_CS{number:03}", name=f"Casual sock {number}", languages=("nl", "de"), price=3.4)
        for number in range(count)
    ]


def a461_documents() -> list[JsonObject]:
    """Supplier A461 as it is: pattern B, 14 files of 7 to 35 children, no English."""
    counts = [7, 9, 11, 13, 15, 17, 18, 20, 22, 24, 26, 28, 30, 35]
    return [
        family_document(
            f"A461-{2111041 + number}", children=count, name=f"Jacket {number}", languages=("nl", "de", "fr")
        )
        for number, count in enumerate(counts)
    ]


def large_document(sku: str = "A403-K3022ICC", *, kilobytes: int = 345, children: int = 20) -> JsonObject:
    """A document that is about as long as asked, by the number of its imprint options, as real ones are."""
    shortest = family_document(sku, children=children, imprint_options=0, pictures=6)
    one_more = family_document(sku, children=children, imprint_options=1, pictures=6)
    fixed, each = len(as_bytes(shortest)), len(as_bytes(one_more)) - len(as_bytes(shortest))
    return family_document(sku, children=children, imprint_options=round((kilobytes * 1000 - fixed) / each), pictures=6)


def feed_of(documents: Iterable[JsonObject], *, base_url: str = BASE_URL) -> bytes:
    """An `Import.txt` that lists the documents, each with the SHA-1 of its bytes."""
    return feed_bytes({document["Sku"]: hash_of(document) for document in documents}, base_url=base_url)


def feed_bytes(hashes: Mapping[str, str], *, base_url: str = BASE_URL) -> bytes:
    """An `Import.txt` for hashes by SKU, with the line of the category file first."""
    lines = [f"{family_url(sku, base_url=base_url)}|{supplier_hash}" for sku, supplier_hash in hashes.items()]
    return "\r\n".join([f"{base_url}/CAT.csv", *lines, ""]).encode()


def family_url(sku: str, *, base_url: str = BASE_URL) -> str:
    """Where the feed keeps a family's document."""
    return f"{base_url}/{sku.partition('-')[0]}/{quote(sku, safe='')}.json"


def hash_of(document: JsonObject) -> str:
    """The supplier's hash of a document."""
    return hashlib.sha1(as_bytes(document), usedforsecurity=False).hexdigest().upper()


def image_url(subject: str) -> str:
    """A picture's URL, which holds the hash of what it shows."""
    return f"{IMAGE_URL}/{hashlib.sha256(subject.encode()).hexdigest()}.jpg"


def _looks(sku: str, count: int) -> list[tuple[str, int, str | None]]:
    """SKU, colour and size of each child."""
    if count == 1:
        return [(sku, 0, None)]
    colors = range(-(-count // len(SIZES)))
    looks = [(f"{sku}-{600 + color}-{SIZES.index(size) + 3}", color, size) for color, size in product(colors, SIZES)]
    return list(looks[:count])


def _item(sku: str, *, languages: Sequence[str], region: str, name: str, tiers: list[JsonObject]) -> JsonObject:
    """The keys that root and child share, as a root has them."""
    supplier, _, supplier_sku = sku.partition("-")
    return {
        "ProductDetails": {language: _details(language, name) for language in languages},
        "ProductCosts": None,
        "ProductPriceRegionBased": None,
        "ProductPriceCountryBased": {region: _prices(tiers)},
        "SamplePriceCountryBased": None,
        "NonLanguageDependedProductDetails": _properties(),
        "BatteryInformation": None,
        "Ean": None,
        "VideoUrl": None,
        "Sku": sku,
        "SupplierSku": supplier_sku,
        "ANumber": supplier,
        "UnstructuredInformation": {"DeliveryTimeInDays": "12", "SupplierNameToShow": "Voorbeeld BV"},
        "ForbiddenRegions": None,
        "RequiredCertificates": None,
        "ProductCertificates": None,
        "Errors": {},
        "Warnings": {},
    }


def _details(language: str, name: str) -> JsonObject:
    return {
        "Name": f"{name} ({language})",
        "Description": f"Two colours<br />warm and light ({language})",
        "ShortDescription": None,
        "MetaName": None,
        "MetaDescription": None,
        "MetaKeywords": None,
        "Image": None,
        "MediaGalleryImages": None,
        "InformationFiles": None,
        "IsActive": True,
        "ConfigurationFields": None,
        "UnstructuredInformation": {"SupplierMainCategory": "TEXTILE/JACKETS"},
        "WebShopInformation": {
            "Material": {"InformationLabel": _MATERIAL_LABEL.get(language, "Material"), "InformationValue": "Polyester"}
        },
        "PIMV1Information": None,
        "ImportantInformation": None,
    }


def _properties() -> JsonObject:
    return {
        "LogoToolImageDefined": None,
        "SearchColor": "Undefined",
        "HexColor": None,
        "Fragile": False,
        "Category": "TEXTILES/SOFTSHELLS",
        "SecondaryCategories": [],
        "CountryOfOrigin": None,
        "ProductFiltersByGroup": None,
        "Weight": 0,
        "DimensionsLength": 0,
        "DimensionsHeight": 0,
        "DimensionsDiameter": 0,
        "DimensionsWidth": 0,
        "DimensionsDepth": 0,
        "Brand": "Example Wear",
        "USBItem": False,
        "CustomsTariffNumber": None,
    }


def _position(languages: Sequence[str], region: str, options: int) -> JsonObject:
    return {
        "PositionCode": "CHEST",
        "ImprintLocationTexts": {
            language: {"Images": None, "Name": f"Chest ({language})", "Description": None} for language in languages
        },
        "UnstructuredInformation": {"MaxPrintArea": "90 x 60 mm"},
        "ImprintOptions": [_option(number, languages, region) for number in range(options)],
    }


def _option(number: int, languages: Sequence[str], region: str) -> JsonObject:
    return {
        "ChildImprints": None,
        "PrintColorAsText": None,
        "Dimension": None,
        "ImprintTexts": {
            language: {"Name": f"Transfer {number} ({language})", "Description": None} for language in languages
        },
        "Sku": f"TR{number}",
        "SupplierSku": f"TR{number}",
        "DimensionsHeight": 0,
        "DimensionsDiameter": 0,
        "DimensionsWidth": 0,
        "DimensionsDepth": 0,
        "ImprintType": None,
        "FastEditorNumberOfColors": "2",
        "SupplierPrintCode": "T",
        "UnstructuredInformation": None,
        "ProductPriceRegionBased": None,
        "ProductPriceCountryBased": {region: _prices([_tier(5.0, 1), _tier(4.0, 25)])},
        "PrintColor": 0,
        "ImprintCosts": [_cost(number, languages, region)],
        "IsActiveRegionBased": None,
        "IsActiveCountryBased": None,
        "ImportantInformation": None,
    }


def _cost(number: int, languages: Sequence[str], region: str) -> JsonObject:
    return {
        "Sku": f"TR{number}-C1",
        "SupplierSku": None,
        "Texts": {language: {"Name": f"Set-up ({language})", "Description": None} for language in languages},
        "ProductPriceRegionBased": None,
        "ProductPriceCountryBased": {region: _prices([_tier(35.0, 1)])},
        "IsActiveRegionBased": None,
        "IsActiveCountryBased": None,
        "CalculationType": "Unique",
        "CalculationAmount": 1,
        "Requirement": {"Operator": "Always", "Amount": 0},
        "UnstructuredInformation": None,
    }


def _prices(tiers: list[JsonObject]) -> JsonObject:
    return {
        "RecommendedSellingPrice": tiers,
        "GeneralBuyingPrice": [_tier(round(tier["Price"] * 0.55, 2), tier["Quantity"]) for tier in tiers],
        "QuantityIncrements": 1,
        "VatPercentage": 0,
        "MinimumOrderQuantity": 1,
        "VatSettingId": 1,
    }


def _tiers(price: float) -> list[JsonObject]:
    steps = ((1, 1.0), (100, 0.95), (500, 0.9))
    return [_tier(round(price * factor, 2), quantity) for quantity, factor in steps]


def _tier(price: float, quantity: int) -> JsonObject:
    return {"Price": price, "Quantity": quantity, "OnRequest": False, "Valuta": "EURO"}


def _picture(url: str) -> JsonObject:
    return {"Url": url, "Description": "", "FileName": "picture.jpg"}


def _choice(name: str, labels: Mapping[str, str], language: str, value: str) -> JsonObject:
    label = labels.get(language, name)
    return {"ConfigurationName": name, "ConfigurationNameTranslated": label, "ConfigurationValue": value}


def _first_details(children: Sequence[JsonObject], language: str) -> JsonObject:
    by_language: dict[str, JsonObject] = children[0]["ProductDetails"]
    return by_language.get(language) or next(iter(by_language.values()))


def _locate(document: JsonObject, path: str) -> tuple[Any, Any]:
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    parent: Any = document
    for step in steps:
        parent = parent[step]
    return parent, last
