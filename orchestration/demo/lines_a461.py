"""A461, textiles: pattern B by colour and size, size named before colour, no English, hex without `#`."""

from __future__ import annotations

from orchestration.demo import kinds
from orchestration.demo.assortment import ChildNames, FileNames, ProductLine, Supplier, Texts
from orchestration.demo.drawing.garments import Garment, Neck, Sleeve
from orchestration.demo.drawing.knitwear import Beanie, Cap
from orchestration.demo.palette import (
    ANTHRACITE,
    BLACK,
    BLUE,
    BURGUNDY,
    GREEN,
    GREY,
    NATURAL,
    NAVY,
    OCHRE,
    OLIVE,
    ORANGE,
    RED,
    RUST,
    SKY,
    WHITE,
)
from orchestration.demo.pictures import Encoding, View
from orchestration.demo.rendered.garment import RenderedGarment

MEN = ("S", "M", "L", "XL", "XXL")
WOMEN = ("XS", "S", "M", "L", "XL")
ALL = ("XS", "S", "M", "L", "XL", "XXL", "3XL")
BOTH_SIDES = (View.FRONT, View.REVERSE)

MENS_TEE = RenderedGarment("mens-tshirt")
WOMENS_TEE = RenderedGarment("womens-tshirt")
POLO = Garment(Sleeve.SHORT, Neck.POLO)
SOFTSHELL = Garment(Sleeve.LONG, Neck.STAND, zipped=True, yoke=True)
HOODIE = Garment(Sleeve.LONG, Neck.HOOD, ribbed=True)


LINES = (
    ProductLine(
        sku="2111041", name=Texts("Softshell jas heren", "Softshelljacke Herren", fr="Veste softshell homme"),
        kind=kinds.JACKET, design=SOFTSHELL, price=59.9, colours=(NAVY, BLACK, RED), sizes=MEN, trim="7FA6C9",
        views=BOTH_SIDES, brand="Noordkaap",
    ),
    ProductLine(
        sku="2111042", name=Texts("Softshell jas dames", "Softshelljacke Damen", fr="Veste softshell femme"),
        kind=kinds.JACKET, design=SOFTSHELL, price=59.9, colours=(NAVY, BURGUNDY), sizes=WOMEN, trim="C9CDD2",
        views=BOTH_SIDES, brand="Noordkaap",
    ),
    ProductLine(
        sku="2112050", name=Texts("Fleecejas Vik", "Fleecejacke Vik", fr="Polaire Vik"),
        kind=kinds.JACKET, design=Garment(Sleeve.LONG, Neck.STAND, zipped=True), price=34.5,
        colours=(ANTHRACITE, GREEN, OLIVE), sizes=ALL, views=BOTH_SIDES, brand="Noordkaap",
    ),
    ProductLine(
        sku="2113060", name=Texts("Bodywarmer Isbre", "Steppweste Isbre", fr="Bodywarmer Isbre"),
        kind=kinds.JACKET, design=Garment(Sleeve.NONE, Neck.STAND, zipped=True, quilted=True), price=44.0,
        colours=(OLIVE, NAVY, BLACK), sizes=ALL, views=BOTH_SIDES, brand="Noordkaap", encoding=Encoding.PNG,
    ),
    ProductLine(
        sku="2120010", name=Texts("Hoodie Classic", "Kapuzensweat Classic", fr="Sweat à capuche Classic"),
        kind=kinds.SWEATER, design=HOODIE, price=29.95, colours=(GREY, BLACK, NAVY, GREEN, BURGUNDY), sizes=ALL,
        views=BOTH_SIDES, brand="Havn",
    ),
    ProductLine(
        sku="2120011", name=Texts("Vest met capuchon", "Kapuzenjacke", fr="Veste à capuche"),
        kind=kinds.SWEATER, design=Garment(Sleeve.LONG, Neck.HOOD, zipped=True, ribbed=True), price=34.95,
        colours=(BLACK, GREY, NAVY), sizes=ALL, views=BOTH_SIDES, brand="Havn",
    ),
    ProductLine(
        sku="2120020", name=Texts("Sweater ronde hals", "Sweatshirt Rundhals", fr="Sweat col rond"),
        kind=kinds.SWEATER, design=Garment(Sleeve.LONG, Neck.CREW, ribbed=True), price=23.5,
        colours=(GREY, RUST, NAVY, OCHRE), sizes=MEN, views=BOTH_SIDES, brand="Havn",
    ),
    ProductLine(
        sku="2130001", name=Texts("T-shirt heren Bas", "T-Shirt Herren Bas", fr="T-shirt homme Bas"),
        kind=kinds.SHIRT, design=MENS_TEE, price=6.2, colours=(WHITE, BLACK, NAVY, RED, BLUE), sizes=ALL,
        views=BOTH_SIDES, brand="Havn",
    ),
    ProductLine(
        sku="2130002", name=Texts("T-shirt dames Bas", "T-Shirt Damen Bas", fr="T-shirt femme Bas"),
        kind=kinds.SHIRT, design=WOMENS_TEE, price=6.2, colours=(WHITE, SKY, ORANGE), sizes=WOMEN,
        views=(View.FRONT, View.FOLLOWS), brand="Havn",
    ),
    ProductLine(
        sku="2130010", name=Texts("T-shirt V-hals", "T-Shirt V-Ausschnitt", fr="T-shirt col V"),
        kind=kinds.SHIRT, design=Garment(Sleeve.SHORT, Neck.V), price=7.4, colours=(WHITE, GREY, BLACK), sizes=MEN,
        views=(View.FRONT, View.DETAIL), brand="Havn",
    ),
    ProductLine(
        sku="K3022", name=Texts("Polo heren Ace", "Poloshirt Herren Ace", fr="Polo homme Ace"),
        kind=kinds.POLO, design=POLO, price=14.9, colours=(RED, WHITE, NAVY, GREEN), sizes=MEN, views=BOTH_SIDES,
        brand="Club & Co", children=ChildNames.MERGED,
    ),
    ProductLine(
        sku="K3023", name=Texts("Polo dames Ace", "Poloshirt Damen Ace", fr="Polo femme Ace"),
        kind=kinds.POLO, design=POLO, price=14.9, colours=(BLUE, BURGUNDY), sizes=WOMEN,
        views=(View.FRONT, View.PRINTED), brand="Club & Co", children=ChildNames.MERGED,
    ),
    ProductLine(
        sku="2140100", name=Texts("Pet Seil", "Cap Seil", fr="Casquette Seil"),
        kind=kinds.CAP, design=Cap(), price=8.3, colours=(NAVY, BLACK, RED, NATURAL, OLIVE, RUST, SKY),
        views=(View.FRONT,), brand="Havn",
    ),
    ProductLine(
        sku="2140200", name=Texts("Muts Vinter", "Mütze Vinter", fr="Bonnet Vinter"),
        kind=kinds.BEANIE, design=Beanie(), price=9.6, colours=(GREY, NAVY, BLACK, RED, OCHRE, GREEN, RUST),
        views=(View.FRONT,), brand="Havn",
    ),
    ProductLine(
        sku="2140110", name=Texts("Pet Seil Duo", "Cap Seil Duo", fr="Casquette Seil Duo"),
        kind=kinds.CAP, design=Cap(two_tone=True), price=9.1, colours=(NATURAL, WHITE, GREY, SKY, OCHRE, NAVY, BLACK),
        trim="B8322A", views=(View.FRONT, View.FOLLOWS), brand="Havn",
    ),
)  # fmt: skip

A461 = Supplier(
    code="A461",
    name="Noordkaap Textiel",
    languages=("nl", "de", "fr"),
    region="EURO",
    image_folder="22c8a7f1-5a0d-4d3c-b1f9-0e5a6d461003",
    quantities=(1, 25, 100, 250),
    imprint_options=1,
    file_names=FileNames.NUMBERED,
    publishes_buying_prices=True,
    publishes_hex=True,
    lines=LINES,
)
