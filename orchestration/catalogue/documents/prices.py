"""Price staircases: from regions with selling and buying lists to tiers.

It joins the lists, reads currencies, and finds the lowest and the highest price. Keep out: how prices change over time
(`changes`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from orchestration.catalogue.documents.model import PriceTier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from orchestration.catalogue.documents.wire import PriceBlock, Tier

_COUNTRY = re.compile(r"[A-Z]{2}")
# Groups of countries, whose prices have no country of their own.
_GROUPS = frozenset({"EURO", "BENELUX", "EU"})
# The feed names countries by three letters too (ISO 3166-1): those of the European Union, its neighbours, and USA.
_COUNTRY_CODES = """
    AUT=AT BEL=BE BGR=BG CHE=CH CYP=CY CZE=CZ DEU=DE DNK=DK ESP=ES EST=EE FIN=FI FRA=FR GBR=GB GRC=GR HRV=HR HUN=HU
    IRL=IE ISL=IS ITA=IT LIE=LI LTU=LT LUX=LU LVA=LV MLT=MT NLD=NL NOR=NO POL=PL PRT=PT ROU=RO SVK=SK SVN=SI SWE=SE
    TUR=TR UKR=UA USA=US
"""
_COUNTRIES = dict(pair.split("=") for pair in _COUNTRY_CODES.split())
# The feed's words for EUR.
_EURO = frozenset({"EURO", "EUROS", "EUR", "€"})
_MONEY_DIGITS = 4  # as the tables keep it


class _Step(NamedTuple):
    quantity: int
    price: float | None
    currency: str


def country_of(region: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a region that is a country; None for groups and for what nobody knows."""
    code = region.strip().upper()
    return code if _COUNTRY.fullmatch(code) and code not in _GROUPS else _COUNTRIES.get(code)


def is_known_region(region: str) -> bool:
    """Whether the region is a country or a group that is known."""
    return country_of(region) is not None or region.strip().upper() in _GROUPS


def currency_of(word: str | None) -> str:
    """The currency's code; EUR where none is given. One that is not known is kept as given, in capitals."""
    code = (word or "EUR").strip().upper() or "EUR"
    return "EUR" if code in _EURO else code


def price_tiers(regions: Mapping[str, PriceBlock | None] | None) -> tuple[PriceTier, ...]:
    """The tiers of all regions, by region, then in the order of the document."""
    blocks = sorted((regions or {}).items())
    return tuple(tier for region, block in blocks if block is not None for tier in _region_tiers(region, block))


def price_range(tiers: Iterable[PriceTier]) -> tuple[float | None, float | None]:
    """The lowest and the highest price over selling and buying; 0 is no price."""
    prices = [price for tier in tiers for price in (tier.price, tier.buying_price) if price]
    if not prices:
        return None, None
    return round(min(prices), _MONEY_DIGITS), round(max(prices), _MONEY_DIGITS)


def _region_tiers(region: str, block: PriceBlock) -> Iterator[PriceTier]:
    country = country_of(region)
    buying = {step.quantity: step for step in _steps(block.general_buying_price)}
    for quantity, price, currency in _steps(block.recommended_selling_price):
        joined = buying.pop(quantity, None)
        yield PriceTier(
            quantity=quantity,
            price=price,
            buying_price=joined.price if joined is not None else None,
            currency=currency,
            country_code=country,
            region=region,
        )
    for quantity, price, currency in buying.values():
        yield PriceTier(
            quantity=quantity,
            price=price,
            buying_price=price,
            currency=currency,
            country_code=country,
            price_type="buying",
            region=region,
        )


def _steps(tiers: Iterable[Tier] | None) -> Iterator[_Step]:
    """The complete steps: some have no quantity, or no price and are not on request."""
    for tier in tiers or ():
        if isinstance(tier.quantity, int) and (isinstance(tier.price, float) or tier.on_request):
            on_request = tier.on_request and not tier.price
            price = None if on_request or not isinstance(tier.price, float) else tier.price
            yield _Step(tier.quantity, price, currency_of(tier.valuta))
