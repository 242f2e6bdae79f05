"""The pages of the gallery: what is public, one generation with both its sides, the signup set, takedowns.

Also what can be done: mirror, take down, lift, choose the signup set again. Keep out: deciding what is public.
"""

from __future__ import annotations

from datetime import UTC
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from orchestration.admin.forms import Action, Doing, Done, Field
from orchestration.admin.frame import Looking, address
from orchestration.admin.lists import Found, ListPage, Query, paged, show_list
from orchestration.admin.media import stored_forms
from orchestration.admin.parts import (
    Button,
    Choice,
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
from orchestration.admin.places import task_links
from orchestration.admin.shown import pretty
from orchestration.admin.work import start_work
from orchestration.api.keys import Role
from orchestration.api.models import cursor_of, parts_of
from orchestration.errors import NotFoundError
from orchestration.gallery.requests import COMPARE, MIRROR, REFRESH_SIGNUP, REPAIR
from orchestration.gallery.takedowns import known_items, lift, list_takedowns, takedown
from orchestration.requests.requests import RequestState, list_requests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import APIRouter

    from orchestration.admin.frame import Frame

_COLUMNS = ("", "Generation", "Type", "Score", "Safe", "Creator", "Prompt", "Created", "Mirrored")
SHOWN_PICTURES: Final = 24
_BUTTONS = (Button("gallery.drift"), Button("gallery.repair"))


def add_gallery_pages(pages: APIRouter, frame: Frame) -> None:
    """The pages of the gallery."""
    _add_lists(pages, frame)

    @pages.get("/admin/gallery/{history_id}")
    def show_generation(request: Request, visitor: Looking, history_id: str) -> Response:
        with frame.reading() as connection:
            found = connection.execute(_ONE, {"history_id": history_id}).mappings().one_or_none()
            shown = stored_forms(connection, image_urls(found["mirror"])) if found else {}
        if found is None:
            raise NotFoundError(f"There is no generation {history_id}")
        return frame.show(request, visitor, _generation_page(frame, history_id, found, shown))


def _add_lists(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/gallery")
    def show_gallery(request: Request, visitor: Looking) -> Response:
        choices = (Choice("type", "Type", hint="text-to-image"), Choice("creator", "Creator's uid"))
        lead = "What everyone may see, as it is mirrored. An item that was made private is gone within moments."
        links = [("takedowns", address("takedowns")), ("signup set", address("signup"))]
        page = ListPage(
            "Gallery",
            "gallery",
            _COLUMNS,
            choices,
            partial(_read, frame),
            lead,
            buttons=_BUTTONS,
            links=links,
            is_grid=True,
        )
        return show_list(frame, request, visitor, page)

    @pages.get("/admin/signup")
    def show_signup(request: Request, visitor: Looking) -> Response:
        with frame.reading() as connection:
            rows = connection.execute(_SIGNUP).mappings().all()
            shown = stored_forms(connection, [row["image_url"] for row in rows])
        return frame.show(request, visitor, _signup_page(frame, rows, shown))

    @pages.get("/admin/takedowns")
    def show_takedowns(request: Request, visitor: Looking) -> Response:
        page = ListPage("Takedowns", "takedowns", ("Generation", "Reason", "Since"), (), _read_takedowns, empty="None.")
        return show_list(frame, request, visitor, page)


def _signup_page(frame: Frame, rows: Sequence[sa.RowMapping], shown: dict[str, str]) -> Page:
    seen = (
        Picture(where, _caption(row), address("gallery", row["generation_id"]))
        for row in rows
        if (where := _seen_at(frame, shown, row["image_url"]))
    )
    pictures = list(islice(seen, SHOWN_PICTURES))
    others = [
        Row(
            (
                code(row["generation_id"], href=address("gallery", row["generation_id"])),
                text(row["prompt"]),
                number(row["score"]),
                moment(row["cached_at"]),
            )
        )
        for row in rows
    ]
    sections = [
        Section(f"{len(rows)} images", pictures=pictures, note="The best public images, few of each creator."),
        Section("All", table=Table(("Generation", "Prompt", "Score", "Chosen"), others, "None is chosen yet.")),
    ]
    return Page("Signup set", sections, buttons=[Button("gallery.signup")])


def image_urls(document: dict[str, Any] | None) -> list[str]:
    """The addresses of the images of a public document, each once."""
    images = (document or {}).get("images") or ()
    urls = [one.get(name) for one in images if isinstance(one, dict) for name in ("url", "originalUrl", "imageUrl")]
    return list(dict.fromkeys(url for url in urls if isinstance(url, str)))


def _read(frame: Frame, connection: sa.Connection, query: Query) -> Found:
    at, last = parts_of(query.after) if query.after else (None, None)
    values = {"type": query.get("type"), "uid": query.get("creator"), "at": at, "id": last, "limit": query.limit + 1}
    found = connection.execute(_PUBLIC, values).mappings().all()
    shown = stored_forms(connection, [url for one in found for url in image_urls({"images": one["images"]})[:1]])

    def row(one: sa.RowMapping) -> Row:
        page = address("gallery", one["history_id"])
        urls = image_urls({"images": one["images"]})
        seen = next(filter(None, (_seen_at(frame, shown, url) for url in urls)), None)
        return Row(
            (
                picture(seen, f"Picture of {one['history_id']}", href=page),
                code(one["history_id"], href=page),
                text(one["generation_type"]),
                number(one["aesthetic_score"]),
                text(not one["nsfw"]),
                text(one["uid"], href=address("gallery", creator=one["uid"])),
                text(one["prompt"]),
                moment(one["created_at"]),
                moment(one["mirrored_at"]),
            )
        )

    return paged(found, query.limit, row, lambda one: cursor_of(one["created_at"].isoformat(), one["history_id"]))


def _seen_at(frame: Frame, shown: dict[str, str], url: str) -> str | None:
    """Where an image is seen: its stored form, or itself where it is served from here; None for a foreign one."""
    if url in shown:
        return frame.link(shown[url])
    own = frame.services.settings.public_url.rstrip("/")
    return url.removeprefix(own) if url.startswith(f"{own}/") else None


def _caption(row: sa.RowMapping) -> str:
    return (row["prompt"] or row["generation_id"] or "")[:80]


def _generation_page(frame: Frame, history_id: str, one: sa.RowMapping, shown: dict[str, str]) -> Page:
    seen = {url: _seen_at(frame, shown, url) for url in image_urls(one["mirror"])}
    pictures = [Picture(where, url.rpartition("/")[2][:60]) for url, where in seen.items() if where]
    facts = [
        ("In the history", text(one["status"])),
        ("Visibility", state(one["visibility"])),
        ("Deleted", text(one["is_deleted"])),
        ("May be seen", text(one["is_visible"])),
        ("Is shown", text(one["mirror"] is not None)),
        ("Taken down", text(one["reason"])),
        ("Revision", number(one["revision"])),
        ("Shown revision", number(one["source_revision"])),
        ("Creator", text(one["uid"])),
        ("Safe", text(not one["nsfw"])),
        ("Score", number(one["aesthetic_score"])),
        ("Created", moment(one["created_at"])),
        ("Changed", moment(one["updated_at"])),
        ("Mirrored", moment(one["mirrored_at"])),
    ]
    sections = [Section("Images", pictures=pictures)] if pictures else []
    sections += [Section("Both sides", facts=facts), Section("Public document", text=pretty(one["mirror"]))]
    where = {"history_id": history_id}
    buttons = [Button("gallery.mirror", where), Button("gallery.lift" if one["reason"] else "gallery.takedown", where)]
    links = [
        ("timeline", address("timeline", q=history_id)),
        *task_links(frame.domains, frame.domains.gallery.mirror_queue, history_id),
        ("asset in Dagster", f"{frame.services.settings.dagster_url.rstrip('/')}/assets/gallery/public_generations"),
    ]
    word = "public" if one["mirror"] is not None else "private"
    return Page(history_id, sections, one["prompt"], word, links, buttons)


def _read_takedowns(connection: sa.Connection, query: Query) -> Found:
    found = list_takedowns(connection, after=query.after, limit=query.limit + 1)

    def row(one: Any) -> Row:  # noqa: ANN401 - a takedown
        cells = (
            code(one.history_id, href=address("gallery", one.history_id)),
            text(one.reason),
            moment(one.taken_down_at),
        )
        return Row(cells, (Button("gallery.lift", {"history_id": one.history_id}),))

    return paged(found, query.limit, row, lambda one: str(one.history_id))


def _mirror(doing: Doing) -> Done:
    asked = start_work(doing, MIRROR, {"ids": [doing.one("history_id")]})
    return Done(f"It is mirrored again by request {asked.id}")


def _takedown(doing: Doing) -> Done:
    history_id = doing.one("history_id")
    if not known_items(doing.connection, [history_id]):
        raise NotFoundError(f"There is no generation {history_id}")
    takedown(doing.connection, [history_id], doing.maybe("why") or f"removed by {doing.by}")
    return Done("It is taken down, and gone from the gallery at once")


def _ask_takedown(doing: Doing) -> str:
    return (
        f"One generation, {doing.one('history_id')}, is gone from the gallery at once, also "
        f"against its maker, until it is lifted."
    )


def _lift(doing: Doing) -> Done:
    if not lift(doing.connection, [doing.one("history_id")]):
        raise NotFoundError("It is not taken down; nothing was done")
    return Done("The history decides again")


def _compare(doing: Doing) -> Done:
    asked = start_work(doing, COMPARE, {})
    return Done(f"The comparison is request {asked.id}; here it says what differs", address("requests", asked.id))


def _ask_repair(doing: Doing) -> str:
    asked = list_requests(doing.connection, kind=COMPARE.name, state=RequestState.COMPLETED, limit=1)
    last = asked[0] if asked else None
    if last is None or last.finished_at is None:
        return "All of the mirror is compared, and what differs is mirrored again. Compare says first how much that is."
    found = (last.result or {}).get("mirror_equals_source", {})
    return (
        f"The last comparison that was asked for, at {last.finished_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, found "
        f"{found.get('count', 'an unknown number of')} items that differ. All is compared again, and what differs is "
        "mirrored again."
    )


def _repair(doing: Doing) -> Done:
    return Done(f"The repair is request {start_work(doing, REPAIR, {}).id}")


def _signup(doing: Doing) -> Done:
    return Done(f"The set is chosen again by request {start_work(doing, REFRESH_SIGNUP, {}).id}")


ACTIONS: Final = (
    Action("gallery.mirror", "Mirror now", Role.ENQUEUE, "generation", _mirror, named_by="history_id"),
    Action(
        "gallery.takedown",
        "Take down",
        Role.ADMIN,
        "generation",
        _takedown,
        _ask_takedown,
        (Field("why", "Why"),),
        is_harmful=True,
        named_by="history_id",
    ),
    Action("gallery.lift", "Lift", Role.ADMIN, "generation", _lift, named_by="history_id"),
    Action("gallery.drift", "Compare", Role.ENQUEUE, "gallery", _compare),
    Action("gallery.repair", "Repair", Role.ENQUEUE, "gallery", _repair, _ask_repair),
    Action("gallery.signup", "Choose again", Role.ENQUEUE, "gallery", _signup),
)

_PUBLIC = sa.text("""
SELECT history_id, uid, generation_type, nsfw, aesthetic_score, document -> 'images' AS images,
    left(document ->> 'prompt', 120) AS prompt, created_at, mirrored_at
FROM public_generation
WHERE (CAST(:type AS text) IS NULL OR generation_type = :type) AND (CAST(:uid AS text) IS NULL OR uid = :uid)
    AND (CAST(:at AS timestamptz) IS NULL OR created_at < CAST(:at AS timestamptz)
        OR created_at = CAST(:at AS timestamptz) AND history_id > :id)
ORDER BY created_at DESC, history_id LIMIT :limit""")
_ONE = sa.text("""
SELECT h.status, h.visibility, h.is_deleted, h.is_visible, h.revision, h.nsfw, h.aesthetic_score, h.created_at,
    h.updated_at, h.uid, h.document ->> 'prompt' AS prompt, m.document AS mirror, m.source_revision,
        m.mirrored_at, t.reason
FROM generation_history AS h LEFT JOIN public_generation AS m USING (history_id)
LEFT JOIN gallery_takedown AS t USING (history_id) WHERE history_id = :history_id""")
_SIGNUP = sa.text(
    "SELECT image_url, prompt, generation_id, score, cached_at FROM signup_image ORDER BY score DESC NULLS LAST, id"
)
