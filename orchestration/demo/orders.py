"""Sample orders: names from many languages on every product, and a few that cannot be printed.

The orders as rows and as a CSV file, and how many of them are to be refused. Keep out: importing them.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

TAG, STYLE3, NEW3, PLATE = "PER-KEY3D-STY3-Y3D", "Y3D-NKC-002", "N9-93VU-76VK", "Y3D-REGKEY-STL1"
CLIP_IPHONE, CLIP_USB = "PER-2PER-IPHONE", "PER-2PER-USBC"
NOT_PRINTED: Final = "PER-KEY3D-STY1-Y3D"

_PRODUCTS: Final = {
    TAG: "Name keyring, two colours",
    STYLE3: "Chunky name tag",
    NEW3: "Handwritten name tag",
    PLATE: "Number plate keyring",
    CLIP_IPHONE: "Cable clip, iPhone",
    CLIP_USB: "Cable clip, USB-C",
    NOT_PRINTED: "Name keyring, one colour",
}


class _Sample(NamedTuple):
    sku: str
    text: str
    color_1: str = ""
    color_2: str = ""
    status: str = "awaiting_shipment"


_GOOD: Final = (
    _Sample(TAG, "Jason", "Blue", "White"),
    _Sample(TAG, "Jason", "Blue", "White"),
    _Sample(TAG, "Jason", "Peak Green", "Black"),
    _Sample(TAG, "Anna/Smith", "Rose Gold", "White"),
    _Sample(TAG, "ANNA", "Red", "White"),
    _Sample(TAG, "Anna", "Red", "White"),
    _Sample(TAG, "Meadow ", "Turquoise", "Cold White"),
    _Sample(TAG, "DOG PARK", "Yellow", "Black"),
    _Sample(TAG, "Zo\u00eb", "Magenta", "White"),
    _Sample(TAG, "\u0141ukasz", "Dark Blue", "Silver"),
    _Sample(TAG, "\u0395\u03bb\u03ad\u03bd\u03b7", "White", "Blue"),
    _Sample(TAG, "\u042e\u043b\u0438\u044f", "Purple", "Gold"),
    _Sample(TAG, "\u0645\u062d\u0645\u062f", "Pine Green", "White"),
    _Sample(STYLE3, "Oweny", "Orange"),
    _Sample(STYLE3, "S\u00f8ren", "Silk Silver"),
    _Sample(STYLE3, "\u00c7a\u011fla", "Turquoise"),
    _Sample(STYLE3, "07700900123", "Black"),
    _Sample(NEW3, "Freya", "Matt Pink", "White"),
    _Sample(NEW3, "Ji\u0159\u00ed", "Olive Green", "Beige"),
    _Sample(NEW3, "Zo\u00eb", "Gold", "Black"),
    _Sample(PLATE, "AB12 CDE", "White", "Black"),
    _Sample(PLATE, "JA50 NNY", "Yellow", "Black"),
    _Sample(CLIP_IPHONE, "Luca", "Light Blue"),
    _Sample(CLIP_IPHONE, "Bj\u00f6rn", "Grey"),
    _Sample(CLIP_USB, "Am\u00e9lie", "Pink"),
    _Sample(CLIP_USB, "Luca", "Light Blue"),
)
_REFUSED: Final = (
    _Sample(TAG, "Mia \U0001f496", "Pink", "White"),
    _Sample(TAG, "Ben\u200bny", "Green", "White"),
    _Sample(STYLE3, "Annabella Konstantinopoulou-Papadimitriou", "Red"),
    _Sample(CLIP_USB, " ", "Black"),
)
_WAITING: Final = (
    _Sample(TAG, "Phoenix", "Bronze", "Black", status="awaiting_payment"),
    _Sample(NEW3, "Millie", "Skin", "White", status="on_hold"),
)
_OTHER: Final = (_Sample(NOT_PRINTED, "Jack", "Black"),)
_PLACES: Final = ("etsy", "amazon", "ebay")

RENDERED: Final = len(_GOOD)
"""How many of the print tasks get their files."""
REFUSED: Final = len(_REFUSED)
"""How many are refused, each for a reason of its own."""


def sample_orders() -> list[dict[str, str]]:
    """The rows, by the columns of `orders import`."""
    samples = (*_GOOD, *_REFUSED, *_WAITING, *_OTHER)
    return [_row(number, sample) for number, sample in enumerate(samples, start=1)]


def _row(number: int, sample: _Sample) -> dict[str, str]:
    return {
        "marketplace": _PLACES[number % len(_PLACES)],
        "order_number": f"2026-{number:04}",
        "order_status": sample.status,
        "customer_name": f"Customer {number}",
        "customer_email": f"customer{number}@example.org",
        "sku": sample.sku,
        "product_name": _PRODUCTS[sample.sku],
        "quantity": "1",
        "unit_price": "9.95",
        "text": sample.text,
        "color_1": sample.color_1,
        "color_2": sample.color_2,
    }


def write_orders(path: Path) -> Path:
    """Write the sample orders as a CSV file; the path."""
    rows = sample_orders()
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
