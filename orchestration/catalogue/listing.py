"""Lists of the catalogue: families, variants, stored images, changes and syncs, filtered and by pages.

It holds the queries of those who read single pages. Keep out: exports, which are whole (`export`).
Each list begins after a key, in the order of an index, so that a page costs the same wherever it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from orchestration.catalogue.tables import category, change, product_family, product_variant, sync
from orchestration.errors import NotFoundError
from orchestration.media.tables import media, media_source, media_variant
from orchestration.storage.row_counts import expected_rows

if TYPE_CHECKING:
    from datetime import datetime

_FAMILY, _VARIANT = product_family.c, product_variant.c
# PostgreSQL's escape character in patterns.
_QUOTES = str.maketrans({"'": "''", "\\": "\\\\"})
_WILD = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


# Up to so many families with the words of a search are expected to be found before they are put in order.
FEW_FAMILIES = 2_000


class FamilyFilter(NamedTuple):
    """Which families are listed; what is None does not matter. `text` is a part of the number or of a name.

    `words` are beginnings of words of a name, or the beginning of a number: unlike `text`, an index finds them.
    """

    supplier: str | None = None
    category: str | None = None
    brand: str | None = None
    text: str | None = None
    is_active: bool | None = None
    words: str | None = None


class VariantFilter(NamedTuple):
    """Which variants are listed; what is None does not matter."""

    a_number: str | None = None
    sku: str | None = None
    supplier: str | None = None
    color: str | None = None
    size: str | None = None
    is_active: bool | None = None


class ChangeFilter(NamedTuple):
    """Which changes are listed; what is None does not matter."""

    sync_id: int | None = None
    a_number: str | None = None
    entity: str | None = None
    kind: str | None = None
    field: str | None = None
    since: datetime | None = None


def list_families(
    connection: sa.Connection, wanted: FamilyFilter, *, after: str | None = None, limit: int = 100
) -> list[sa.RowMapping]:
    """Families by their numbers."""
    columns = [column for column in product_family.c if column.name not in _LARGE]
    statement = sa.select(*columns).order_by(_FAMILY.a_number).limit(limit)
    for name in ("supplier", "category", "brand", "is_active"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(_FAMILY[name] == value)
    if wanted.text is not None:
        pattern = f"%{wanted.text.translate(_WILD)}%"
        names = sa.cast(_FAMILY.name, sa.Text)
        statement = statement.where(_FAMILY.a_number.ilike(pattern) | names.ilike(pattern))
    if wanted.words is not None:
        statement = statement.where(_having(connection, wanted.words))
    if after is not None:
        statement = statement.where(_FAMILY.a_number > after)
    return list(connection.execute(statement).mappings())


def _having(connection: sa.Connection, words: str) -> sa.ColumnElement[bool]:
    """The families with these words: by an index where they are few, and where they are many in the list's order.

    In that order, words that few names have would be looked for in all of them. How many have them is PostgreSQL's
    estimate: its index finds all before the first, which takes a tenth of a second where they are many.
    """
    having = sa.select(_FAMILY.a_number).where(_has_words(words))
    if expected_rows(connection, having) > FEW_FAMILIES:
        return _has_words(words)
    found = having.cte("having").prefix_with("MATERIALIZED")
    return _FAMILY.a_number.in_(sa.select(found.c.a_number))


def _has_words(words: str) -> sa.ColumnElement[bool]:
    """Whether the number begins so, or a name has a word that begins with each of these."""
    begins = _FAMILY.a_number.like(f"{words.strip().translate(_WILD)}%")
    terms = " & ".join(f"'{word.translate(_QUOTES)}':*" for word in words.split())
    if not terms:
        return begins
    names = sa.func.to_tsvector(sa.literal_column("'simple'::regconfig"), _FAMILY.name)
    return begins | names.op("@@")(sa.func.to_tsquery(sa.literal_column("'simple'::regconfig"), terms))


# What only a single family shows.
_LARGE = {
    "description", "short_description", "customization", "refining", "refining_dimensions", "refining_location",
    "web_shop_info", "product_filters", "price_tiers", "imprint_positions", "battery_information",
    "required_certificates", "default_products",
}  # fmt: skip


def read_family(connection: sa.Connection, a_number: str) -> sa.RowMapping:
    """A family with all that is known of it; raises `NotFoundError`."""
    found = connection.execute(sa.select(product_family).where(_FAMILY.a_number == a_number)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"There is no family {a_number}")
    return found


def list_variants(
    connection: sa.Connection, wanted: VariantFilter, *, after: tuple[str, str] | None = None, limit: int = 100
) -> list[sa.RowMapping]:
    """Variants by family and SKU, with the family's supplier; `after` is both of the last one's."""
    active = (_VARIANT.is_active & _FAMILY.is_active).label("is_active")
    columns = [column for column in product_variant.c if column.name != "is_active"]
    statement = (
        sa.select(*columns, active, _FAMILY.supplier)
        .join(product_family, _FAMILY.a_number == _VARIANT.a_number)
        .order_by(_VARIANT.a_number, _VARIANT.sku)
        .limit(limit)
    )
    for name in ("a_number", "sku", "color", "size"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(_VARIANT[name] == value)
    if wanted.supplier is not None:
        statement = statement.where(_FAMILY.supplier == wanted.supplier)
    if wanted.is_active is not None:
        statement = statement.where((_VARIANT.is_active & _FAMILY.is_active) == wanted.is_active)
    if after is not None:
        statement = statement.where(sa.tuple_(_VARIANT.a_number, _VARIANT.sku) > sa.tuple_(*map(sa.literal, after)))
    return list(connection.execute(statement).mappings())


def list_media(
    connection: sa.Connection, *, source_url: str | None = None, after: str | None = None, limit: int = 100
) -> list[sa.RowMapping]:
    """Stored images by content hash, with the addresses they came from and the keys of their smaller forms."""
    in_order = pg.aggregate_order_by(media_source.c.url, media_source.c.url)
    sources = sa.select(sa.func.array_agg(in_order)).where(media_source.c.content_hash == media.c.content_hash)
    forms = (
        sa.select(sa.func.jsonb_object_agg(media_variant.c.name, media_variant.c.key))
        .where(media_variant.c.content_hash == media.c.content_hash)
        .scalar_subquery()
    )
    statement = (
        sa.select(
            *media.c,
            sa.func.coalesce(sources.scalar_subquery(), sa.literal([], pg.ARRAY(sa.Text))).label("source_urls"),
            sa.func.coalesce(forms, sa.literal({}, pg.JSONB)).label("variants"),
        )
        .order_by(media.c.content_hash)
        .limit(limit)
    )
    if source_url is not None:
        came_from = sa.select(media_source.c.content_hash).where(media_source.c.url == source_url)
        statement = statement.where(media.c.content_hash.in_(came_from))
    if after is not None:
        statement = statement.where(media.c.content_hash > after)
    return list(connection.execute(statement).mappings())


def list_changes(
    connection: sa.Connection,
    wanted: ChangeFilter,
    *,
    after: int | None = None,
    limit: int = 100,
    is_newest_first: bool = False,
) -> list[sa.RowMapping]:
    """Changes in the order in which they were made, so that a reader goes on where it left off; or the newest first."""
    statement = (
        sa.select(change, sync.c.supplier)
        .outerjoin(sync, sync.c.id == change.c.sync_id)
        .order_by(change.c.id.desc() if is_newest_first else change.c.id)
        .limit(limit)
    )
    for name in ("sync_id", "a_number", "entity", "kind", "field"):
        if (value := getattr(wanted, name)) is not None:
            statement = statement.where(change.c[name] == value)
    if wanted.since is not None:
        statement = statement.where(change.c.at >= wanted.since)
    if after is not None:
        statement = statement.where(change.c.id < after if is_newest_first else change.c.id > after)
    return list(connection.execute(statement).mappings())


def list_categories(connection: sa.Connection) -> list[sa.RowMapping]:
    """All categories in their order."""
    return list(connection.execute(sa.select(category).order_by(category.c.sort_order, category.c.code)).mappings())


def list_syncs(
    connection: sa.Connection,
    *,
    supplier: str | None = None,
    status: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[sa.RowMapping]:
    """The newest syncs first; those with numbers below `before`, if that is given."""
    statement = sa.select(sync).order_by(sync.c.id.desc()).limit(limit)
    if supplier is not None:
        statement = statement.where(sync.c.supplier == supplier)
    if status is not None:
        statement = statement.where(sync.c.status == status)
    if before is not None:
        statement = statement.where(sync.c.id < before)
    return list(connection.execute(statement).mappings())


def read_sync(connection: sa.Connection, number: int) -> sa.RowMapping:
    """One sync; raises `NotFoundError`."""
    found = connection.execute(sa.select(sync).where(sync.c.id == number)).mappings().one_or_none()
    if found is None:
        raise NotFoundError(f"There is no sync {number}")
    return found
