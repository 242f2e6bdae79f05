"""A23, lifestyle goods: pattern B by colour, four languages, SKUs with every character that breaks a URL."""

from __future__ import annotations

from orchestration.demo import kinds
from orchestration.demo.assortment import ChildNames, FileNames, Oddity, ProductLine, Supplier, Texts
from orchestration.demo.drawing.bags import Backpack
from orchestration.demo.drawing.drinkware import Bottle, BottleKind, Mug, MugKind
from orchestration.demo.drawing.stationery import FoldedUmbrella, Notebook, Pen, PenKind, Umbrella
from orchestration.demo.palette import (
    ANTHRACITE,
    BLACK,
    BLUE,
    BURGUNDY,
    GREEN,
    GREY,
    LIME,
    NATURAL,
    NAVY,
    OCHRE,
    OLIVE,
    ORANGE,
    PINK,
    RED,
    RUST,
    SKY,
    TURQUOISE,
    WHITE,
)
from orchestration.demo.pictures import Encoding, View
from orchestration.demo.rendered.garment import RenderedGarment

TOTE = RenderedGarment("tote-bag")
TWO_TONE = RenderedGarment("tote-bag", two_tone=True)
PLAIN = (View.FRONT, View.DETAIL)
BRANDED = (View.FRONT, View.PRINTED)
FULL = (View.FRONT, View.REVERSE, View.DETAIL)

LINES = (
    ProductLine(
        sku="100804",
        name=Texts("Keramische mok Brede", "Keramikbecher Brede", "Brede ceramic mug", "Mug en céramique Brede"),
        kind=kinds.MUG, design=Mug(), price=8.98, colours=(WHITE, BLACK, RED, BLUE), views=FULL, brand="Lindehof",
    ),
    ProductLine(
        sku="MUG & SPOON",
        name=Texts("Mok met lepel", "Becher mit Löffel", "Mug and spoon", "Mug avec cuillère"),
        kind=kinds.MUG, design=Mug(MugKind.TWO_TONE), price=9.45, colours=(WHITE, NATURAL), trim="2A9BA3",
        views=BRANDED, brand="Lindehof",
    ),
    ProductLine(
        sku="Enamel-Retro",
        name=Texts("Emaille mok Retro", "Emaillebecher Retro", "Retro enamel mug", "Mug émaillé Retro"),
        kind=kinds.ENAMEL, design=Mug(MugKind.ENAMEL), price=7.2, colours=(WHITE, SKY, OLIVE), views=PLAIN,
    ),
    ProductLine(
        sku="ENAMEL-RETRO",
        name=Texts("Emaille mok Retro XL", "Emaillebecher Retro XL", "Retro enamel mug XL", "Mug émaillé Retro XL"),
        kind=kinds.ENAMEL, design=Mug(MugKind.ENAMEL), price=9.9, colours=(BLACK, BURGUNDY), views=PLAIN,
    ),
    ProductLine(
        sku="Bottle 500ml+",
        name=Texts("Thermosfles Fjord", "Thermosflasche Fjord", "Fjord insulated bottle", "Gourde isotherme Fjord"),
        kind=kinds.BOTTLE, design=Bottle(), price=18.95, colours=(NAVY, BLACK, GREEN, PINK), views=BRANDED,
        brand="Fjord",
    ),
    ProductLine(
        sku="100921",
        name=Texts("Fles Bamboe", "Flasche Bambus", "Bamboo bottle", "Gourde Bambou"),
        kind=kinds.BOTTLE, design=Bottle(BottleKind.BAMBOO_LID), price=16.4, colours=(WHITE, ANTHRACITE, GREEN),
        views=PLAIN, brand="Fjord",
    ),
    ProductLine(
        sku="SPORT.V2.0",
        name=Texts("Bidon Sprint", "Trinkflasche Sprint", "Sprint sports bottle", "Bidon Sprint"),
        kind=kinds.BOTTLE, design=Bottle(BottleKind.SPORT), price=4.25, colours=(LIME, BLUE, RED), trim="FFFFFF",
        views=PLAIN,
    ),
    ProductLine(
        sku="CAFÉ-TÜRKIS",
        name=Texts("Koffiebeker Café", "Kaffeebecher Café", "Café travel mug", "Gobelet Café"),
        kind=kinds.BOTTLE, design=Bottle(BottleKind.TUMBLER), price=13.1, colours=(TURQUOISE, BLACK, PINK),
        views=BRANDED,
    ),
    ProductLine(
        sku="TOTE-50%20RPET",
        name=Texts("Katoenen tas Markt", "Baumwolltasche Markt", "Market cotton bag", "Sac en coton Marché"),
        kind=kinds.TOTE, design=TOTE, price=3.3, colours=(NATURAL, BLACK, NAVY, OCHRE), views=BRANDED, brand="Rework",
    ),
    ProductLine(
        sku="100%COTTON",
        name=Texts("Tas Tweekleur", "Tasche Zweifarbig", "Two-tone bag", "Sac bicolore"),
        kind=kinds.TOTE, design=TWO_TONE, price=4.1, colours=(NATURAL, WHITE), trim="2E7D5B", views=PLAIN,
        brand="Rework",
    ),
    ProductLine(
        sku="101233",
        name=Texts("Laptoprugzak Atlas", "Laptoprucksack Atlas", "Atlas laptop backpack", "Sac à dos Atlas"),
        kind=kinds.BACKPACK, design=Backpack(), price=39.5, colours=(ANTHRACITE, NAVY, RUST), views=PLAIN,
        brand="Atlas",
    ),
    ProductLine(
        sku='PEN "CLASSIC"',
        name=Texts("Balpen Klassiek", "Kugelschreiber Klassik", "Classic ball pen", "Stylo Classique"),
        kind=kinds.PEN, design=Pen(), price=2.15, colours=(BLUE, BLACK, RED), views=BRANDED, oddity=Oddity.ON_REQUEST,
    ),
    ProductLine(
        sku="PEN-L'AMI",
        name=Texts("Balpen L'Ami", "Kugelschreiber L'Ami", "L'Ami ball pen", "Stylo L'Ami"),
        kind=kinds.PEN, design=Pen(PenKind.PLASTIC), price=0.62, colours=(ORANGE, LIME, BLUE, RED), trim="FFFFFF",
        views=(View.FRONT,), oddity=Oddity.CODED_CONFIGURATION,
    ),
    ProductLine(
        sku="101410",
        name=Texts("Bamboe balpen Haiku", "Bambus-Kugelschreiber Haiku", "Haiku bamboo pen", "Stylo en bambou Haiku"),
        kind=kinds.PEN, design=Pen(PenKind.BAMBOO), price=1.35, colours=(BLACK, GREEN), views=PLAIN,
    ),
    ProductLine(
        sku="101502",
        name=Texts("Notitebok A5 Linea", "Notizbuch A5 Linea", "Linea A5 notebook", "Carnet A5 Linea"),
        kind=kinds.NOTEBOOK, design=Notebook(), price=6.8, colours=(BLACK, NAVY, BURGUNDY, OCHRE), trim="D9A441",
        views=BRANDED, brand="Linea",
    ),
    ProductLine(
        sku="101503_KRAFT",
        name=Texts("Notitieboek Kraft", "Notizbuch Kraft", "Kraft notebook", "Carnet Kraft"),
        kind=kinds.NOTEBOOK, design=Notebook(elastic=False), price=4.95, colours=(NATURAL, RUST), views=PLAIN,
        children=ChildNames.UNDERSCORED, oddity=Oddity.NO_SEARCH_COLOUR, brand="Linea",
    ),
    ProductLine(
        sku="101611",
        name=Texts("Stokparaplu Duin", "Stockschirm Düne", "Dune stick umbrella", "Parapluie canne Dune"),
        kind=kinds.UMBRELLA, design=Umbrella(), price=17.6, colours=(BLACK, NAVY, RED, GREEN),
        views=(View.FRONT, View.DETAIL),
    ),
    ProductLine(
        sku="101612",
        name=Texts("Golfparaplu Duo", "Golfschirm Duo", "Duo golf umbrella", "Parapluie de golf Duo"),
        kind=kinds.UMBRELLA, design=Umbrella(two_tone=True), price=21.9, colours=(NAVY, RED), trim="F4F4F4",
        views=BRANDED, encoding=Encoding.PNG,
    ),
    ProductLine(
        sku="101613",
        name=Texts("Zakparaplu Bui", "Taschenschirm Schauer", "Shower pocket umbrella", "Parapluie pliant Averse"),
        kind=kinds.UMBRELLA, design=FoldedUmbrella(), price=12.75, colours=(BLACK, BLUE, GREY), views=PLAIN,
    ),
    ProductLine(
        sku="100805",
        name=Texts("Espressokop Brede", "Espressotasse Brede", "Brede espresso cup", "Tasse à espresso Brede"),
        kind=kinds.MUG, design=Mug(), price=5.6, colours=(WHITE, OCHRE, GREEN), views=BRANDED, brand="Lindehof",
    ),
    ProductLine(
        sku="101234",
        name=Texts("Stadsrugzak Atlas Mini", "Cityrucksack Atlas Mini", "Atlas Mini city backpack",
        "Sac à dos Atlas Mini"),
        kind=kinds.BACKPACK, design=Backpack(), price=29.9, colours=(OLIVE, BLACK), views=BRANDED, brand="Atlas",
    ),
    ProductLine(
        sku="100930",
        name=Texts("Fles Fjord Mat", "Flasche Fjord Matt", "Fjord Matt bottle", "Gourde Fjord Mate"),
        kind=kinds.BOTTLE, design=Bottle(), price=19.95, colours=(RUST, OLIVE), views=PLAIN, brand="Fjord",
    ),
)  # fmt: skip

A23 = Supplier(
    code="A23",
    name="Lindehof Lifestyle",
    languages=("de", "fr", "en", "nl"),
    region="BENELUX",
    image_folder="6c1f0f4e-7f0a-4f53-9a54-2f3a8b1d2301",
    quantities=(1, 100, 250, 500, 1000, 1500),
    imprint_options=6,
    file_names=FileNames.CODED,
    publishes_buying_prices=True,
    publishes_cartons=True,
    lines=LINES,
)
