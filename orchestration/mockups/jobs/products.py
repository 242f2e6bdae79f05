"""What the catalogue says of a product that a mockup shows: whether it exists, and the colour of its fabric.

The one place where mockups read the catalogue's tables. Keep out: garments, which are this domain's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.tables import product_family, product_variant
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_FABRIC: Final = "white"


class ProductNotFoundError(NotFoundError):
    """The catalogue has no such product or variant."""

    code = "PRODUCT_NOT_FOUND"


class FabricColour(NamedTuple):
    """A colour that a product is sold in: its name as the supplier writes it, and as `#RRGGBB`."""

    name: str
    hex: str


def fabric_of(connection: sa.Connection, product_id: str, variant_id: str | None) -> str:
    """The colour of a variant's fabric; white for one without a colour, and for a product without a variant.

    Raises `ProductNotFoundError`.
    """
    family = sa.select(product_family.c.a_number).where(
        product_family.c.a_number == product_id, product_family.c.deleted_at.is_(None)
    )
    if connection.execute(family).first() is None:
        raise ProductNotFoundError(f"The catalogue has no product {product_id}; give the a_number of a family")
    if variant_id is None:
        return DEFAULT_FABRIC
    own = sa.select(product_variant.c.hex_color).where(
        product_variant.c.a_number == product_id, product_variant.c.sku == variant_id
    )
    row = connection.execute(own).first()
    if row is None:
        raise ProductNotFoundError(
            f"The product {product_id} has no variant {variant_id}; give the SKU of one of its own"
        )
    return row.hex_color or DEFAULT_FABRIC


def fabric_colours(connection: sa.Connection, product_id: str | None = None) -> Sequence[FabricColour]:
    """The colours that a product's active variants, or those of all products, are sold in, by name."""
    query = (
        sa.select(sa.func.min(sa.func.coalesce(product_variant.c.color, product_variant.c.hex_color)).label("name"))
        .add_columns(product_variant.c.hex_color)
        .where(product_variant.c.hex_color.is_not(None), product_variant.c.is_active)
        .group_by(product_variant.c.hex_color)
        .order_by("name")
    )
    if product_id is not None:
        query = query.where(product_variant.c.a_number == product_id)
    return [FabricColour(*row) for row in connection.execute(query)]
