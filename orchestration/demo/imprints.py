"""The ways of printing of the sample assortment, as the feed lists them on every child.

Techniques and their staircases. Keep out: the rest of a family document (`documents.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import UNSET

from orchestration.demo import wire
from orchestration.demo.assortment import Texts

if TYPE_CHECKING:
    from orchestration.demo.assortment import Place, ProductLine, Supplier


class Technique(NamedTuple):
    """A way of printing: price of one print at the smallest quantity and of the set-up, in EUR."""

    code: str
    name: Texts
    colours: int
    price: float
    setup: float


TECHNIQUES = (
    Technique(
        "TR1",
        Texts("Transfer, 1 kleur", "Transfer, 1-farbig", "Transfer, 1 colour", "Transfert, 1 couleur"),
        1,
        0.65,
        45,
    ),
    Technique("EM1", Texts("Borduring", "Stickerei", "Embroidery", "Broderie"), 1, 3.2, 35),
    Technique(
        "TP1",
        Texts("Tampondruk, 1 kleur", "Tampondruck, 1-farbig", "Pad print, 1 colour", "Tampographie, 1 couleur"),
        1,
        0.42,
        40,
    ),
    Technique(
        "TP2",
        Texts("Tampondruk, 2 kleuren", "Tampondruck, 2-farbig", "Pad print, 2 colours", "Tampographie, 2 couleurs"),
        2,
        0.6,
        80,
    ),
    Technique("LG1", Texts("Lasergravure", "Lasergravur", "Laser engraving", "Gravure laser"), 1, 0.75, 45),
    Technique(
        "DG4",
        Texts(
            "Digitale druk, full colour",
            "Digitaldruck, vollfarbig",
            "Digital print, full colour",
            "Impression numérique",
        ),
        3,
        1.15,
        50,
    ),
)
SETUP = Texts("Instelkosten", "Einrichtungskosten", "Set-up costs", "Frais de mise en route")


def positions(line: ProductLine, supplier: Supplier) -> list[wire.ImprintPosition]:
    """The printable places of a line, each with the techniques that the supplier offers."""
    return [_position(place, number, supplier) for number, place in enumerate(line.kind.places, start=1)]


def _position(place: Place, number: int, supplier: Supplier) -> wire.ImprintPosition:
    techniques = TECHNIQUES[: supplier.imprint_options]
    return wire.ImprintPosition(
        position_code=place.code,
        imprint_location_texts={lang: wire.PlaceText(place.name.of(lang)) for lang in supplier.languages},
        unstructured_information={"MaxPrintArea": place.area},
        imprint_options=[_option(technique, place, supplier) for technique in techniques],
        supplier_position_code=f"P{number:02}" if supplier.publishes_cartons else UNSET,
    )


def _option(technique: Technique, place: Place, supplier: Supplier) -> wire.ImprintOption:
    """An option; its SKU returns on every child and place, as in real feeds."""
    detailed = supplier.publishes_cartons
    return wire.ImprintOption(
        imprint_texts={lang: wire.ImprintText(technique.name.of(lang)) for lang in supplier.languages},
        sku=f"{supplier.code}-{technique.code}",
        supplier_sku=technique.code,
        product_price_country_based={supplier.region: _prices(technique.price, supplier.quantities)},
        imprint_costs=[_setup(technique, supplier)],
        dimension=place.area if detailed else None,
        print_color_as_text=str(technique.colours) if detailed else None,
        fast_editor_number_of_colors=str(technique.colours) if detailed else UNSET,
        supplier_print_code=technique.code if detailed else UNSET,
    )


def _setup(technique: Technique, supplier: Supplier) -> wire.ImprintCost:
    return wire.ImprintCost(
        sku=f"{supplier.code}-{technique.code}-C1",
        texts={lang: wire.ImprintText(SETUP.of(lang)) for lang in supplier.languages},
        product_price_country_based={supplier.region: _prices(technique.setup, (1,))},
        requirement=wire.Requirement(),
    )


def _prices(price: float, quantities: tuple[int, ...]) -> wire.Prices:
    tiers = [wire.Tier(round(price * (1 - 0.12 * step), 2), quantity) for step, quantity in enumerate(quantities)]
    return wire.Prices(recommended_selling_price=tiers, general_buying_price=[])
