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

    from orchestration.catalogue.documents.wire import ImprintPriceBlock, ImprintTier, PriceBlock, Tier

_COUNTRY = re.compile(r"[A-Z]{2}")  # regions such as BENELUX and EURO are none
_EURO = "EURO"  # the feed's word for EUR
_MONEY_DIGITS = 4  # as the tables keep it


class _Step(NamedTuple):
    quantity: int
    price: float | None
    currency: str


def price_tiers(regions: Mapping[str, PriceBlock | ImprintPriceBlock | None] | None) -> tuple[PriceTier, ...]:
    """The tiers of all regions, by region, then in the order of the document."""
    blocks = sorted((regions or {}).items())
    return tuple(tier for region, block in blocks if block is not None for tier in _region_tiers(region, block))


def price_range(tiers: Iterable[PriceTier]) -> tuple[float | None, float | None]:
    """The lowest and the highest price over selling and buying; 0 is no price."""
    prices = [price for tier in tiers for price in (tier.price, tier.buying_price) if price]
    if not prices:
        return None, None
    return round(min(prices), _MONEY_DIGITS), round(max(prices), _MONEY_DIGITS)


def _region_tiers(region: str, block: PriceBlock | ImprintPriceBlock) -> Iterator[PriceTier]:
    country = region if _COUNTRY.fullmatch(region) else None
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


def _steps(tiers: Iterable[Tier | ImprintTier] | None) -> Iterator[_Step]:
    """The complete steps: imprints have some without quantity or price."""
    for tier in tiers or ():
        if isinstance(tier.quantity, int) and (isinstance(tier.price, float) or tier.on_request):
            on_request = tier.on_request and not tier.price
            price = None if on_request or not isinstance(tier.price, float) else tier.price
            currency = "EUR" if tier.valuta in (_EURO, None) else tier.valuta
            yield _Step(tier.quantity, price, currency)
