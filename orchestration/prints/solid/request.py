"""What an order line asks for: what is known before anything is drawn.

It holds the line's text, lines and filaments, and the address of the product that it asks for. Keep out: any geometry;
whether the fonts have the characters is found out by drawing them.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from orchestration.lettering.offsets import TOLERANCE
from orchestration.lettering.text import TextRules, prepare
from orchestration.prints.solid import naming
from orchestration.prints.solid.colours import Filaments, filaments
from orchestration.prints.solid.damage import Repaired, repaired
from orchestration.prints.solid.designs import DESIGNS, Design
from orchestration.prints.solid.preview import STYLE
from orchestration.prints.solid.refusal import Check, PrintRefusedError, refused_by
from orchestration.prints.solid.sku import Product, product_for
from orchestration.prints.solid.threemf import LAYOUT

if TYPE_CHECKING:
    from orchestration.lettering.fonts import FontLibrary
    from orchestration.prints.solid.engines.engine import EngineName
    from orchestration.prints.solid.printer import Printer


MAX_CHARACTERS: Final = 200
# An order parts its lines by slashes too.
_RULES: Final = TextRules(separators="\n\\/")


class OrderLine(NamedTuple):
    """What the customer ordered."""

    sku: str
    text: str
    color_1: str | None = None
    color_2: str | None = None


class Request(NamedTuple):
    """An order line that has been read: the text in NFC, the lines that are shown, and those that find no room.

    `doubts` say what may have happened to the text on its way.
    """

    line: OrderLine
    product: Product
    text: str
    shown: tuple[str, ...]
    left_out: tuple[str, ...]
    filaments: Filaments
    doubts: tuple[str, ...] = ()

    @property
    def design(self) -> Design:
        """The design of the SKU."""
        return DESIGNS[self.product.design]

    @property
    def review(self) -> tuple[str, ...]:
        """What a person should look at although the product is right: a doubtful text, lines left out, a new colour."""
        notes = [*self.doubts, *(f"left out, this design has no room for it: {line}" for line in self.left_out)]
        unknown = dict.fromkeys(filament.name for filament in self.filaments if not filament.known)
        return (*notes, *(f"the colour {name!r} is not on the filament list" for name in unknown))


class RenderEnvironment(NamedTuple):
    """What the files depend on beside the order: the engine, the printer, and the fonts by their digest."""

    engine: EngineName
    printer: Printer
    fonts: str


def read(line: OrderLine) -> Request:
    """Read an order line.

    Raises:
        PrintRefusedError: a character of the text cannot be printed, or there is no text.
        UnsupportedSkuError: no design belongs to the SKU.

    """
    product = product_for(line.sku)
    text, doubts = _prepared(line.text)
    shown, left_out = naming.product_lines(text, product.line_rule)
    if not shown:
        raise _empty()
    colours = filaments(product.design, line.color_1, line.color_2)
    return Request(line, product, text, tuple(shown), tuple(left_out), colours, doubts)


def _prepared(text: str) -> Repaired:
    with refused_by(Check.TEXT):
        meant = repaired(text)
        prepared = prepare(meant.text, _RULES)
    if not prepared.strip(f" {_RULES.separators}"):
        raise _empty()
    if len(prepared) > MAX_CHARACTERS:
        problem = f"the text has {len(prepared)} characters, more than {MAX_CHARACTERS}"
        raise PrintRefusedError(Check.TEXT, problem, remedy="shorten it")
    return meant._replace(text=prepared)


def _empty() -> PrintRefusedError:
    return PrintRefusedError(Check.TEXT, "the text is empty", remedy="ask for the text of the product")


def product_address(request: Request, environment: RenderEnvironment) -> str:
    """Return the address of the product: the digest of everything that decides its files.

    Unlike the geometry's own address, which names the fonts that drew it, it is known before the rendering, so it
    covers all fonts that might.
    """
    return naming.digest(
        {
            "sku": request.line.sku,
            "design_version": request.design.version,
            "parameters": parameters_digest(request.design, environment.engine),
            "printer": dataclasses.asdict(environment.printer),
            "fonts": environment.fonts,
            "layout": LAYOUT,
            "picture": STYLE,
            "lines": request.shown,
            "filaments": [filament.name for filament in request.filaments],
        }
    )


@cache
def parameters_digest(design: Design, engine: EngineName) -> str:
    """Return the digest of a design's numbers and of what draws them."""
    return naming.digest({"design": dataclasses.asdict(design), "engine": engine.value, "tolerance": TOLERANCE})


def fonts_digest(library: FontLibrary) -> str:
    """Return a digest that changes with every font that is installed, removed or replaced by one of another size."""
    return naming.digest({name: path.stat().st_size for name, path in library.files.items()})
