"""What the sample suppliers offer on each day, and what a sync must make of it.

The events between the days, as data, and the truth that follows from them. Keep out: files and
addresses (`feed.py`). Day 1 is the start, day 2 an ordinary next day, on day 3 a whole supplier is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from orchestration.demo.documents import family_sku
from orchestration.demo.drawing.knitwear import Beanie
from orchestration.demo.lines_a23 import A23
from orchestration.demo.lines_a360 import A360
from orchestration.demo.lines_a461 import A461, ALL
from orchestration.demo.palette import GREEN, RED
from orchestration.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestration.demo.assortment import ProductLine, Supplier

    Edit = Callable[[ProductLine], ProductLine]

DAYS = FIRST_DAY, NEXT_DAY, LAST_DAY = 1, 2, 3
SUPPLIERS = (A23, A360, A461)


class Fault(Enum):
    """What is wrong with a document that must go to the quarantine."""

    TRUNCATED = "the file ends in the middle"
    HTML = "an error page with status 200"
    MISTYPED = "ChildProducts is a text"


class Drift(Enum):
    """How a document departs from the format without being wrong."""

    NEW_FIELD = "children have NonLanguageDependedProductDetails.Sustainability"
    LOST_FIELD = "VideoUrl is gone, Warnings is a list"


@dataclass(frozen=True, slots=True)
class Offer:
    """A family in the feed.

    `listed` is the line whose document the feed's hash belongs to: the same as `line`, unless the hash lies.
    """

    supplier: Supplier
    line: ProductLine
    listed: ProductLine
    fault: Fault | None = None
    drift: Drift | None = None

    @property
    def sku(self) -> str:
        """The family's key."""
        return family_sku(self.line, self.supplier)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sync of the day, after that of the day before, must find: family keys.

    A family in `quarantined` has a broken document that day, one in `refused` is listed twice with different hashes;
    neither was ever stored. Those in `lied` count as unchanged, and only a full audit finds them changed. Those in
    `drifting` are changed as well. Those in `held_back` are missing from the feed, but the mass-change guard keeps
    them.
    """

    added: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    quarantined: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    held_back: frozenset[str] = frozenset()
    lied: frozenset[str] = frozenset()
    drifting: frozenset[str] = frozenset()

    @property
    def stored(self) -> frozenset[str]:
        """The families that are active in the catalogue afterwards."""
        return self.added | self.changed | self.unchanged | self.held_back


def priced(factor: float) -> Edit:
    """A change of all prices."""
    return lambda line: replace(line, price=round(line.price * factor, 2))


def named_in_dutch(name: str) -> Edit:
    """A corrected name."""
    return lambda line: replace(line, name=line.name._replace(nl=name))


def shortened(line: ProductLine) -> ProductLine:
    """An export that broke off after the first colour, dearer than before: the catalogue keeps the other variants."""
    return priced(1.04)(replace(line, colours=line.colours[:1]))


NEW_ON_DAY_2 = frozenset({"A23-101234", "A23-100930", "A360-CMSOCK_BU01", "A461-2140110"})
GONE_ON_DAY_2 = frozenset({"A23-101613", "A23-101410", "A360-CMSOCK_AN02", "A461-2130010"})
EDITS: Mapping[str, Edit] = {
    "A23-100804": priced(1.06),
    "A23-Bottle 500ml+": priced(0.92),
    "A23-101502": named_in_dutch("Notitieboek A5 Linea"),
    'A23-PEN "CLASSIC"': lambda line: replace(line, colours=(*line.colours, GREEN)),
    "A23-101611": lambda line: replace(line, colours=tuple(colour for colour in line.colours if colour is not RED)),
    "A360-CMSOCK_SP01": named_in_dutch("Sportsokken halfhoog"),
    "A461-2130001": shortened,
    "A461-2120010": lambda line: replace(line, sizes=ALL[1:]),
    "A461-2140200": lambda line: replace(line, design=Beanie(pompom=True)),
    "A461-K3023": priced(1.03),
    "A360-CMSOCK_BB01": priced(0.97),
}
SILENT_EDITS: Mapping[str, Edit] = {"A23-101233": priced(1.08)}
FAULTS = {
    "A461-2120011": Fault.TRUNCATED,
    "A360-CMSOCK_WK01": Fault.HTML,
    "A360-CMSOCK_CS05": Fault.MISTYPED,
}
FIXED_ON_DAY_2 = frozenset({"A461-2120011"})
DRIFTS = {"A461-K3023": Drift.NEW_FIELD, "A360-CMSOCK_BB01": Drift.LOST_FIELD}
LISTED_TWICE = frozenset({"A23-100805"})
MISSING_ON_DAY_3 = A360

# Pictures that cannot be had: (family, number of the picture in the family's order).
PICTURE_NOT_FOUND = ("A23-100921", 2)
PICTURE_TRUNCATED = ("A360-CMSOCK_XMAS.24", 1)


def offers(day: int) -> list[Offer]:
    """The families of a day in the feed's order; `ConfigurationError` for a day that does not exist."""
    if day not in DAYS:
        raise ConfigurationError(f"The sample feed has the days {', '.join(map(str, DAYS))}, not {day}.")
    absent = NEW_ON_DAY_2 if day == 1 else GONE_ON_DAY_2
    on_sale = [
        _offer(supplier, line, day)
        for supplier in SUPPLIERS
        for line in supplier.lines
        if family_sku(line, supplier) not in absent
    ]
    return [offer for offer in on_sale if day < DAYS[-1] or offer.supplier is not MISSING_ON_DAY_3]


def outcome(day: int) -> Outcome:
    """What a sync of a day must find."""
    offered = offers(day)
    quarantined = frozenset(offer.sku for offer in offered if offer.fault)
    good = frozenset(offer.sku for offer in offered) - quarantined - LISTED_TWICE
    if day == 1:
        return Outcome(added=good, quarantined=quarantined, refused=LISTED_TWICE)
    lied = frozenset(SILENT_EDITS)
    if day == DAYS[-1]:
        held_back = outcome(2).stored - good
        return Outcome(unchanged=good, quarantined=quarantined, refused=LISTED_TWICE, held_back=held_back, lied=lied)
    added = NEW_ON_DAY_2 | FIXED_ON_DAY_2
    changed = frozenset(EDITS) | frozenset(DRIFTS)
    return Outcome(
        added=added,
        changed=changed,
        removed=GONE_ON_DAY_2,
        unchanged=good - added - changed,
        quarantined=quarantined,
        refused=LISTED_TWICE,
        lied=lied,
        drifting=frozenset(DRIFTS),
    )


def _offer(supplier: Supplier, line: ProductLine, day: int) -> Offer:
    sku = family_sku(line, supplier)
    fault = FAULTS.get(sku)
    if day == 1:
        return Offer(supplier, line, line, fault)
    edited = EDITS.get(sku, _unchanged)(line)
    actual = SILENT_EDITS.get(sku, _unchanged)(edited)
    return Offer(supplier, actual, edited, None if sku in FIXED_ON_DAY_2 else fault, DRIFTS.get(sku))


def _unchanged(line: ProductLine) -> ProductLine:
    return line
