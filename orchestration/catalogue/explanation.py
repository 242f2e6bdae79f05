"""Why a family is as it is: each step from the line of the feed to what the shop shows, with its facts and a verdict.

The catalogue's own rows, read at one moment. Keep out: Dagster's runs and what others make of the family.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from orchestration.catalogue.feed.problems import FeedFile, list_problems
from orchestration.catalogue.tables import feed_entry, product_family, quarantine, supplier, sync
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from orchestration.work_queue.model import TaskStatus
    from orchestration.work_queue.queue import TaskQueue

SHOWN_URLS = 5
SHOWN_LINES = 5


class Step(NamedTuple):
    """A step: how it stands (good, bad, warn or plain), that in a sentence, what to do about it, and its facts."""

    title: str
    tone: str
    verdict: str
    remedy: str
    facts: dict[str, Any]


class _Known(NamedTuple):
    """Everything that was read."""

    a_number: str
    entry: sa.RowMapping | None
    family: sa.RowMapping | None
    quarantined: sa.RowMapping | None
    supplier: sa.RowMapping | None
    sync: sa.RowMapping | None
    task: TaskStatus | None
    images: sa.Row[Any]
    variants: sa.Row[Any]
    lines: list[str]


def explain_family(
    connection: sa.Connection, a_number: str, family_queue: TaskQueue, image_queue: TaskQueue
) -> list[Step]:
    """The steps of a family, in the order in which it comes; raises `NotFoundError` when no step knows it."""
    known = _read(connection, a_number, family_queue, image_queue)
    if not any((known.entry, known.family, known.quarantined, known.task, known.lines)):
        raise NotFoundError(f"Neither the feed, the quarantine, the queue nor the catalogue knows a family {a_number}")
    return [
        _feed(known),
        _supplier(known),
        _task(known),
        _document(known),
        _family(known),
        _variants(known),
        _images(known),
        _shop(known),
    ]


def _read(connection: sa.Connection, a_number: str, family_queue: TaskQueue, image_queue: TaskQueue) -> _Known:
    def one(table: sa.Table) -> sa.RowMapping | None:
        columns = [column for column in table.c if column.name != "document"]
        return connection.execute(sa.select(*columns).where(table.c.a_number == a_number)).mappings().one_or_none()

    entry, family, quarantined = one(feed_entry), one(product_family), one(quarantine)
    row = entry or family or quarantined
    code = row["supplier"] if row else a_number.partition("-")[0]
    values = {"a_number": a_number, "queue": image_queue.name}
    newest = sa.select(sync).where(sync.c.supplier == code).order_by(sync.c.id.desc()).limit(1)
    return _Known(
        a_number,
        entry,
        family,
        quarantined,
        connection.execute(sa.select(supplier).where(supplier.c.code == code)).mappings().one_or_none(),
        connection.execute(newest).mappings().one_or_none(),
        family_queue.task(connection, a_number),
        connection.execute(_IMAGES, values).one(),
        connection.execute(_VARIANTS, values).one(),
        _lines(connection, a_number),
    )


def _lines(connection: sa.Connection, a_number: str) -> list[str]:
    """What is wrong with the first lines that name this family, and not one whose number begins or ends alike."""
    named = re.compile(rf"(?<![\w.-]){re.escape(a_number)}(?:\.json)?(?![\w.-])")
    found = [one for one in list_problems(connection) if one.file == FeedFile.IMPORT and named.search(one.text)]
    return [f"{one.reason}: {one.text}" for one in found[:SHOWN_LINES]]


def _feed(known: _Known) -> Step:
    facts = {"url": known.entry and known.entry["url"], "hash": known.entry and known.entry["supplier_hash"]}
    if known.lines:
        facts["lines with something wrong"] = known.lines
    if known.entry is None:
        return Step(
            "Feed line",
            "warn",
            "Import.txt does not list it, as it was last planned",
            "Ask the supplier, if it should be there",
            facts,
        )
    return Step("Feed line", "good", "Import.txt lists it", "", facts)


def _supplier(known: _Known) -> Step:
    if known.supplier is None:
        return Step("Supplier", "warn", "Its supplier was never synced", "`orchestration sync`", {})
    last = known.sync
    facts = {
        "supplier": f"{known.supplier['code']}, {known.supplier['name']}",
        "synced by itself": known.supplier["auto_import"],
        "last sync": last and f"{last['id']}: {last['status']}, {last['step']}",
        "message": last and last["message"],
        "started": last and last["started_at"],
        "held back in it": last and last["held_back"],
    }
    if not known.supplier["is_active"]:
        return Step(
            "Supplier",
            "warn",
            "The supplier is inactive: nothing of it is synced",
            f"`orchestration supplier {known.supplier['code']} --active`",
            facts,
        )
    if last is not None and last["status"] == "failed":
        remedy = "Read the message" if last["message"] else "Read `orchestration queue dead product-family`"
        return Step("Supplier", "bad", "Its last sync failed", f"{remedy}, and sync again", facts)
    return Step("Supplier", "good", "It is synced", "", facts)


def _task(known: _Known) -> Step:
    task = known.task
    if task is None:
        return Step("Import", "plain", "No import is queued or kept", "", {})
    facts = {
        "state": task.state.value,
        "attempts": task.attempt,
        "error": task.error,
        "enqueued": task.enqueued_at,
        "claimed": task.claimed_at,
        "ended": task.finished_at,
        "replays": task.replays,
    }
    if task.state == "dead":
        return Step(
            "Import", "bad", f"The last import is dead: {task.reason}", "Fix what the error names, and replay it", facts
        )
    if task.state in {"waiting", "active"}:
        return Step("Import", "busy", f"An import is {task.state.value}", "Wait for it", facts)
    return Step("Import", "good", f"The last import is {task.state.value}", "", facts)


def _document(known: _Known) -> Step:
    bad = known.quarantined
    if bad is not None:
        facts = {"path": bad["path"], "code": bad["code"], "since": bad["since"], "url": bad["url"]}
        return Step(
            "Document", "bad", bad["reason"], "The supplier must send another; the family stays as it was", facts
        )
    if known.family is None or known.entry is None:
        return Step("Document", "plain", "Nothing is known of it", "", {})
    facts = {"stored": known.family["supplier_hash"], "in the feed": known.entry["supplier_hash"]}
    if facts["stored"] != facts["in the feed"]:
        return Step("Document", "warn", "The feed has a newer one than is stored", "Sync the supplier", facts)
    return Step("Document", "good", "The stored one is the feed's", "", facts)


def _family(known: _Known) -> Step:
    family = known.family
    if family is None:
        return Step("Family", "warn", "It is not stored", "See the steps before", {})
    facts = {
        name: family[name]
        for name in ("category", "brand", "price_min", "price_max", "synced_at", "removed_at", "deleted_at")
    }
    if family["removed_at"] and not family["is_active"]:
        return Step(
            "Family", "warn", "It left the feed, and is not published", "Publish it again by hand, if it is sold", facts
        )
    if family["removed_at"]:
        return Step("Family", "warn", "It left the feed, and is published by hand or by policy", "", facts)
    return Step("Family", "good", "It is stored", "", facts)


def _variants(known: _Known) -> Step:
    found = known.variants
    held = known.family["variants_held_back"] if known.family else 0
    facts = {"active": found.active, "all": found.all_of_it, "with a picture": found.pictured, "held back": held}
    if held:
        return Step(
            "Variants",
            "warn",
            f"{held} that the document no longer lists are held back by the guard",
            "Sync with --allow-mass-removal, if they are gone",
            facts,
        )
    if known.family is not None and not found.active:
        return Step("Variants", "bad", "None is active, so there is nothing to sell", "Look at the document", facts)
    return Step("Variants", "good" if found.active else "plain", f"{found.active} are active", "", facts)


def _images(known: _Known) -> Step:
    found = known.images
    missing = found.listed - found.stored
    facts = {
        "listed": found.listed,
        "stored": found.stored,
        "with smaller forms": found.rendered,
        "missing": found.missing,
        "errors": found.errors,
    }
    if missing:
        return Step(
            "Images",
            "bad" if found.errors else "busy",
            f"{missing} of {found.listed} are not stored",
            "Each sync asks for them again; read the errors",
            facts,
        )
    return Step("Images", "good" if found.listed else "warn", f"{found.stored} are stored", "", facts)


def _shop(known: _Known) -> Step:
    family = known.family
    if family is None:
        return Step("Shop window", "bad", "The shop does not show it: it is not stored", "", {})
    reasons = [
        words
        for is_so, words in (
            (not family["is_active"], "it is not published"),
            (not known.variants.active, "it has no active variant"),
        )
        if is_so
    ]
    doubts = [
        words
        for is_so, words in (
            (family["price_min"] is None, "without a price"),
            (not known.images.stored, "without a picture"),
            (family["category"] is None, "without a category"),
        )
        if is_so
    ]
    if reasons:
        return Step(
            "Shop window", "bad", f"The shop does not show it: {' and '.join(reasons)}", "See the steps before", {}
        )
    tone = "warn" if doubts else "good"
    return Step("Shop window", tone, f"The shop shows it{', ' if doubts else ''}{' and '.join(doubts)}", "", {})


_IMAGES = sa.text(f"""
SELECT count(*) AS listed, count(s.url) AS stored,
    count(*) FILTER (WHERE EXISTS (SELECT FROM media_variant AS v WHERE v.content_hash = s.content_hash)) AS rendered,
    (array_agg(i.url ORDER BY i.position) FILTER (WHERE s.url IS NULL))[1:{SHOWN_URLS}] AS missing,
    (array_agg(DISTINCT t.error) FILTER (WHERE s.url IS NULL AND t.error IS NOT NULL))[1:{SHOWN_URLS}] AS errors
FROM family_image AS i LEFT JOIN media_source AS s USING (url)
LEFT JOIN task AS t ON t.queue = :queue AND t.key = i.url AND t.state NOT IN ('completed', 'cancelled')
WHERE i.a_number = :a_number""")  # noqa: S608 - of our own constants
_VARIANTS = sa.text("""
SELECT count(*) FILTER (WHERE is_active) AS active, count(*) AS all_of_it, count(primary_image) AS pictured
FROM product_variant WHERE a_number = :a_number""")
