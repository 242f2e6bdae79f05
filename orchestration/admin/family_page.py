"""One family whole: what is known, how it came, what it looks like, what changed.

Keep out: why it is as it is (`explain_page`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.catalogue_pages import CHANGE_COLUMNS, by_language, change_row, colours
from orchestration.admin.frame import Looking, address
from orchestration.admin.media import stored_forms
from orchestration.admin.parts import (
    Button,
    Cell,
    Kind,
    Page,
    Picture,
    Row,
    Section,
    Table,
    code,
    moment,
    number,
    picture,
    state,
    text,
)
from orchestration.admin.places import partition_address, task_links
from orchestration.admin.runs import runs_section
from orchestration.admin.shown import pretty
from orchestration.catalogue.listing import (
    ChangeFilter,
    VariantFilter,
    list_changes,
    list_variants,
    read_family,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

SHOWN_PICTURES, SHOWN_VARIANTS, SHOWN_CHANGES = 24, 200, 50
ASSET = "catalogue/product_families"


def add_family_page(pages: APIRouter, frame: Frame) -> None:
    """One family."""

    @pages.get("/admin/families/{a_number}")
    def show_family(request: Request, visitor: Looking, a_number: str) -> Response:
        with frame.reading() as connection:
            family = read_family(connection, a_number)
            sections = _sections(frame, connection, family)
        sections.append(runs_section(frame, ASSET, a_number))
        links = [
            ("why it is so", address("explain", a_number)),
            ("timeline", address("timeline", q=a_number)),
            *task_links(frame.domains, frame.domains.catalogue.family_queue, a_number),
            ("partition in Dagster", partition_address(frame.services.settings, ASSET, a_number)),
        ]
        buttons = [Button("sync.start", {"supplier": family["supplier"]}, f"Sync {family['supplier']}")]
        if family["removed_at"] and not family["is_active"]:
            buttons.insert(0, Button("family.restore", {"a_number": a_number}))
        name = by_language(family["name"]) or a_number
        word = "published" if family["is_active"] else "removed"
        return frame.show(request, visitor, Page(name, sections, a_number, word, links, buttons))


def _sections(frame: Frame, connection: sa.Connection, family: sa.RowMapping) -> list[Section]:
    a_number = family["a_number"]
    variants = list_variants(connection, VariantFilter(a_number), limit=SHOWN_VARIANTS)
    urls = list(connection.execute(_IMAGES, {"a_number": a_number}).scalars())
    thumbs = stored_forms(connection, [*urls, *(one["primary_image"] for one in variants)])
    whole = stored_forms(connection, urls[:SHOWN_PICTURES], "none")
    wanted = ChangeFilter(a_number=a_number)
    changes = list_changes(connection, wanted, limit=SHOWN_CHANGES, is_newest_first=True)
    quarantined = connection.execute(_QUARANTINED, {"a_number": a_number}).mappings().one_or_none()
    pictures = [
        Picture(frame.link(thumbs[url]), url.rpartition("/")[2][-28:], frame.link(whole[url]))
        for url in urls[:SHOWN_PICTURES]
        if url in thumbs
    ]
    missing = len([url for url in urls if url not in thumbs])
    note = f"{len(urls)} images, {missing} of them not stored yet" if missing else f"{len(urls)} images"
    sections = [Section("Images", pictures=pictures, note=note), _facts(family)]
    if quarantined:
        facts = [
            ("Why", text(quarantined["reason"])),
            ("Where", code(quarantined["path"])),
            ("Since", moment(quarantined["since"])),
        ]
        sections.insert(0, Section("The newest document is in quarantine", facts=facts))
    sections.append(Section("Variants", table=_variants(frame, variants, thumbs)))
    sections.append(_prices(family["price_tiers"]))
    rows = [change_row(one) for one in changes]
    more = (address("changes", family=a_number), "All")
    sections.append(Section("Field changes", table=Table(CHANGE_COLUMNS, rows, "Nothing has changed yet."), more=more))
    descriptions = {name: family[name] for name in ("description", "short_description", "material") if family[name]}
    sections.append(Section("Texts", text=pretty(descriptions)))
    return sections


def _facts(family: sa.RowMapping) -> Section:
    supplier = family["supplier"]
    facts = [
        ("Supplier", text(supplier, href=address("suppliers", supplier), note=family["supplier_name"])),
        ("Supplier's number", code(family["supplier_sku"])),
        ("Brand", text(family["brand"])),
        ("Category", text(family["category"], href=address("families", category=family["category"]))),
        ("Colours", colours(family, most=100)),
        ("Sizes", text(", ".join(family["available_sizes"]))),
        ("Price from", text(family["price_min"])),
        ("Price to", text(family["price_max"])),
        ("Origin", text(family["country_of_origin"])),
        ("Delivery", text(family["delivery_time"])),
        ("Tariff number", code(family["customs_tariff_number"])),
        ("Most print colours", text(family["max_colors"])),
        ("Must have an imprint", text(family["must_have_imprint"])),
        ("Variants held back", number(family["variants_held_back"])),
        ("Synced", moment(family["synced_at"])),
        ("Left the feed", moment(family["removed_at"])),
        ("Feed's hash", code(family["supplier_hash"][:16])),
        ("Content's hash", code(family["content_hash"][:16])),
    ]
    return Section("Facts", facts=facts)


def _variants(frame: Frame, variants: Sequence[sa.RowMapping], thumbs: dict[str, str]) -> Table:
    rows = []
    for one in variants:
        key = thumbs.get(one["primary_image"] or "")
        rows.append(
            Row(
                (
                    picture(frame.link(key) if key else None),
                    code(one["sku"], href=address("search", q=one["sku"])),
                    text(one["name"]),
                    Cell([one["hex_color"]], Kind.SWATCHES, note=one["color"]),
                    text(one["size"]),
                    text(None if one["weight"] is None else f"{one['weight']:g} g"),
                    code(one["ean"]),
                    state("published" if one["is_active"] else "removed"),
                )
            )
        )
    return Table(("", "SKU", "Name", "Colour", "Size", "Weight", "EAN", "State"), rows, "It has no variant.")


def _prices(tiers: Sequence[dict[str, Any]]) -> Section:
    rows = [
        Row(
            (
                text(one.get("price_type")),
                text(one.get("region")),
                number(one.get("quantity")),
                number(one.get("price")),
            )
        )
        for one in tiers
    ]
    return Section("Prices", table=Table(("Price", "Region", "From quantity", "Each"), rows, "It has no price."))


_IMAGES = sa.text("SELECT url FROM family_image WHERE a_number = :a_number ORDER BY position")
_QUARANTINED = sa.text("SELECT reason, path, code, since FROM quarantine WHERE a_number = :a_number")
