"""What a sample supplier and its product lines are made of.

The types in which the assortment is written down. Keep out: the lines themselves (`lines_a23.py`,
`lines_a360.py`, `lines_a461.py`), how they change from day to day (`days.py`), or the JSON (`wire.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, NamedTuple

from orchestration.demo.pictures import Encoding, View

if TYPE_CHECKING:
    from orchestration.demo.pictures import Design
    from orchestration.demo.rendered.garment import RenderedGarment

Language = Literal["nl", "de", "en", "fr"]


class Texts(NamedTuple):
    """One text by language; a supplier publishes only its own languages."""

    nl: str
    de: str
    en: str = ""
    fr: str = ""

    def of(self, language: Language) -> str:
        """The text in a language."""
        return str(getattr(self, language))


class Colour(NamedTuple):
    """A colour as suppliers publish it: `hex_code` has no `#`, `search` is the feed's filter word."""

    code: str
    search: str
    hex_code: str
    pms: str
    names: Texts


class Measures(NamedTuple):
    """Weight in grams, the rest in millimetres."""

    weight: int
    length: int = 0
    width: int = 0
    height: int = 0
    diameter: int = 0


class Place(NamedTuple):
    """A position on the product that can be printed."""

    code: str
    name: Texts
    area: str


class Kind(NamedTuple):
    """What lines of one sort have in common."""

    category: str
    supplier_category: Texts
    text: Texts
    material: Texts
    measures: Measures
    tariff: str
    places: tuple[Place, ...]
    origin: str = "CN"
    fragile: bool = False
    eco: bool = False


class ChildNames(Enum):
    """How the SKU of a child follows from its family's."""

    SAME = "same"
    DASHED = "dashed"
    UNDERSCORED = "underscored"
    MERGED = "merged"


class FileNames(Enum):
    """How a supplier names its picture files."""

    CODED = "sku, B or D, number, content"
    PLAIN = "sku"
    NUMBERED = "PS, sku, number"


class Oddity(Enum):
    """A peculiarity of real feeds that a line shows."""

    CODED_CONFIGURATION = "configuration fields named 49P_CONFIG_1 and 49P_CONFIG_2"
    NO_SEARCH_COLOUR = "SearchColor is Undefined, the colour stands in the configuration fields only"
    ON_REQUEST = "the largest quantity has the price 0.0, on request"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductLine:
    """One family: `price` is the selling price of the smallest quantity in EUR; no sizes = colours only."""

    sku: str
    name: Texts
    kind: Kind
    design: Design | RenderedGarment
    price: float
    colours: tuple[Colour, ...]
    sizes: tuple[str, ...] = ()
    views: tuple[View, ...] = (View.FRONT,)
    trim: str | None = None
    brand: str = ""
    children: ChildNames = ChildNames.DASHED
    oddity: Oddity | None = None
    encoding: Encoding = Encoding.JPEG


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplier:
    """A sample supplier: its habits, and its lines over all days. `quantities` are the steps of its price staircase."""

    code: str
    name: str
    languages: tuple[Language, ...]
    region: str
    image_folder: str
    quantities: tuple[int, ...]
    imprint_options: int
    file_names: FileNames
    publishes_buying_prices: bool = False
    publishes_cartons: bool = False
    publishes_hex: bool = False
    lists_lower_case_hashes: bool = False
    lines: tuple[ProductLine, ...]
