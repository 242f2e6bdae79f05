"""A360, socks to one's own design: pattern A, one child with the family's SKU, two languages, lower-case hashes."""

from __future__ import annotations

from orchestration.demo import kinds
from orchestration.demo.assortment import ChildNames, FileNames, Kind, ProductLine, Supplier, Texts
from orchestration.demo.drawing.knitwear import Beanie, Pattern, Socks
from orchestration.demo.palette import MULTICOLOUR, NATURAL
from orchestration.demo.pictures import Design, View
from orchestration.demo.rendered.garment import RenderedGarment

STRIPED = Socks(Pattern.STRIPES)
DOTTED = Socks(Pattern.DOTS)
CHECKED = Socks(Pattern.ARGYLE)
SPORT = Socks(Pattern.SPORT)
ANKLE = Socks(ankle=True)
SPORT_ANKLE = Socks(Pattern.SPORT, ankle=True)
STRIPED_ANKLE = Socks(Pattern.STRIPES, ankle=True)
BOBBLE = Beanie(pompom=True)


def _knitted(
    sku: str,
    name: Texts,
    design: Design,
    price: float,
    yarns: tuple[str, str],
    *,
    kind: Kind = kinds.SOCKS,
    second: View = View.DETAIL,
) -> ProductLine:
    """A line in one colourway of two yarns, seen from the front and in a second view."""
    body, trim = yarns
    return ProductLine(
        sku=sku,
        name=name,
        kind=kind,
        design=design,
        price=price,
        colours=(MULTICOLOUR._replace(hex_code=body),),
        trim=trim,
        views=(View.FRONT, second),
        children=ChildNames.SAME,
    )


LINES = (
    _knitted("CMSOCK_CS01", Texts("Casual sokken", "Casual Socken"), Socks(), 3.4, ("B8322A", "1B2A49")),
    _knitted("CMSOCK_CS02", Texts("Gestreepte sokken", "Ringelsocken"), STRIPED, 3.6, ("F0EBDD", "B8322A")),
    _knitted("CMSOCK_CS03", Texts("Stippensokken", "Punktesocken"), DOTTED, 3.6, ("1B2A49", "F2C14E")),
    _knitted("CMSOCK_CS04", Texts("Ruitsokken", "Rautensocken"), CHECKED, 3.95, ("5B6B5A", "D98E4A")),
    _knitted("CMSOCK_SP01", Texts("Sportsokken", "Sportsocken"), SPORT, 3.2, ("F4F4F4", "1F5FA8")),
    _knitted(
        "CMSOCK_SP02", Texts("Tennissokken", "Tennissocken"), SPORT, 3.1, ("F4F4F4", "2E7D5B"), second=View.FOLLOWS
    ),
    _knitted("CMSOCK_AN01", Texts("Enkelsokken", "Sneakersocken"), SPORT_ANKLE, 2.7, ("F4F4F4", "202024")),
    _knitted("CMSOCK_AN02", Texts("Enkelsokken effen", "Sneakersocken uni"), ANKLE, 2.6, ("2A9BA3", "1B2A49")),
    _knitted(
        "CMSOCK_BB01", Texts("Bamboesokken", "Bambussocken"), Socks(), 4.3, ("7C9A6D", "E9E0CB"), second=View.FOLLOWS
    ),
    _knitted("CMSOCK WO+01", Texts("Wandelsokken", "Wandersocken"), STRIPED, 5.1, ("6B5B4B", "D9A441")),
    _knitted("CMSOCK_BU01", Texts("Zakelijke sokken", "Business-Socken"), Socks(), 3.9, ("2B2F3A", "6E2035")),
    _knitted("CMSOCK_XMAS.24", Texts("Kerstsokken", "Weihnachtssocken"), DOTTED, 4.2, ("9E1F2A", "F4F4F4")),
    _knitted(
        "CMSOCK_KIDS",
        Texts("Kindersokken", "Kindersocken"),
        STRIPED_ANKLE,
        2.4,
        ("7FA6C9", "CF7F93"),
        second=View.FOLLOWS,
    ),
    _knitted("CMSOCK_ÉCO", Texts("Eco sokken", "Öko-Socken"), CHECKED, 4.6, ("D8CDB4", "5B6236")),
    _knitted("CMSOCK_WK01", Texts("Werksokken", "Arbeitssocken"), Socks(), 3.3, ("4A5560", "E67E22")),
    _knitted("CMSOCK_CS05", Texts("Retro sokken", "Retrosocken"), STRIPED, 3.7, ("E9E0CB", "2A9BA3")),
    _knitted("CMHAT_01", Texts("Gebreide muts", "Strickmütze"), Beanie(), 5.8, ("4A5560", "4A5560"), kind=kinds.BEANIE),
    _knitted("CMHAT_02", Texts("Bommelmuts", "Bommelmütze"), BOBBLE, 6.4, ("B5622F", "E9E0CB"), kind=kinds.BEANIE),
    ProductLine(
        sku="CMBAG_01",
        name=Texts("Katoenen tas", "Baumwolltasche"),
        kind=kinds.TOTE,
        design=RenderedGarment("tote-bag"),
        price=2.9,
        colours=(NATURAL,),
        views=(View.FRONT, View.PRINTED),
        children=ChildNames.SAME,
    ),
)

A360 = Supplier(
    code="A360",
    name="Bosrand Sokken",
    languages=("nl", "de"),
    region="EURO",
    image_folder="9b6d2a10-35c4-4e0e-8a3b-77d1c0a36002",
    quantities=(100, 250, 500, 1000, 5000),
    imprint_options=4,
    file_names=FileNames.PLAIN,
    lists_lower_case_hashes=True,
    lines=LINES,
)
