"""The signup page's images: a small set, refreshed as a whole, of which each visitor sees one.

It reads candidates, replaces the set, and reads from it. Keep out: which image is better (`signup_choice`).

The set is replaced in one transaction, so a reader sees the old one or the new one and nothing between, and a refresh
that dies leaves the old one. What is shown is asked of the source of truth at each read: an image whose generation has
been made private, deleted, taken down or marked as not safe since the refresh is gone with that very change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import sqlalchemy as sa

from orchestration.gallery.shown import shown_name, shown_photo
from orchestration.gallery.signup_choice import (
    FEW,
    IMAGE_TYPES,
    Candidate,
    Generation,
    candidate,
    choose,
    is_shown_type,
)
from orchestration.gallery.tables import signup_image as table
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from random import Random

    from orchestration.settings import Settings

_LOCK = 0x5349_474E  # "SIGN": one refresh at a time
# Generations read from the server at a time.
_PAGE = 2_000


class SignupRules(NamedTuple):
    """How many images, of how good a score, and how many of one creator."""

    images: int = 100
    per_creator: int = 3
    min_score: float = 8.0


def signup_rules(settings: Settings) -> SignupRules:
    """The rules in the settings."""
    return SignupRules(settings.signup_images, settings.signup_images_per_creator, settings.signup_min_score)


class Creator(NamedTuple):
    """Who made an image, as far as it is shown; `uid` is not."""

    username: str | None
    photo_url: str | None


class SignupImage(NamedTuple):
    """One image of the set. `source_url` is where its original lies."""

    image_url: str
    prompt: str | None
    generation_id: str | None
    creator: Creator | None
    score: float | None
    cached_at: datetime
    source_url: str | None = None


class SignupRefresh(NamedTuple):
    """What a refresh did. Without candidates the set is left as it was: `kept` is its size then, else None.

    `widened` means that other types than the usual ones were looked at.
    """

    candidates: int
    widened: bool
    images: Sequence[SignupImage] = ()
    kept: int | None = None


class SignupSet(NamedTuple):
    """The state of the set: images that are shown now, stored ones, and when they were stored.

    `revision` is the number of the newest change of any generation, whether or not it is mirrored yet.
    """

    shown: int
    stored: int
    cached_at: datetime | None
    revision: int


def refresh_signup(connection: sa.Connection, rules: SignupRules, *, now: datetime, random: Random) -> SignupRefresh:
    """Choose again and replace the set, in the caller's transaction; refreshes at the same time take turns.

    A generation is a candidate when it is mirrored and, by the source of truth, visible at this moment and safe.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    found, widened = _candidates(connection, rules.min_score)
    chosen = choose(found, count=rules.images, per_creator=rules.per_creator, random=random)
    images = _with_details(connection, chosen, now)
    if not images:
        stored = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        return SignupRefresh(len(found), widened, kept=stored)
    connection.execute(sa.delete(table))
    bulk.insert(connection, table, [_row(image) for image in images], columns=_COLUMNS)
    return SignupRefresh(len(found), widened, images)


def signup_image(connection: sa.Connection) -> SignupImage | None:
    """One image of the set, each as likely as any other; None when none may be shown."""
    row = connection.execute(_ONE).one_or_none()
    if row is None:
        return None
    creator = _creator(row.creator)
    return SignupImage(row.image_url, row.prompt, row.generation_id, creator, row.score, row.cached_at)


def signup_set(connection: sa.Connection) -> SignupSet:
    """How the set stands."""
    row = connection.execute(_STATE).one()
    return SignupSet(row.shown, row.stored, row.cached_at, row.revision)


def _candidates(connection: sa.Connection, min_score: float) -> tuple[list[Candidate], bool]:
    found = [one for page in _pages(connection, list(IMAGE_TYPES)) for one in _of_page(page, min_score)]
    if len(found) >= FEW:
        return found, False
    pages = ([row for row in page if is_shown_type(row.generation_type)] for page in _pages(connection, None))
    return [one for page in pages for one in _of_page(page, min_score)], True


def _pages(connection: sa.Connection, types: list[str] | None) -> Iterator[Sequence[sa.Row[Any]]]:
    """Public generations in portions, so that memory does not grow with the gallery."""
    result = connection.execute(_PUBLIC, {"types": types}, execution_options={"yield_per": _PAGE})
    yield from result.partitions()


def _of_page(page: Sequence[sa.Row[Any]], min_score: float) -> Iterator[Candidate]:
    for row in page:
        score = None if row.score is None else _decode(row.score)
        found = candidate(Generation(row.history_id, row.uid, row.created_at, _decode(row.images), score), min_score)
        if found:
            yield found


def _with_details(connection: sa.Connection, chosen: Sequence[Candidate], now: datetime) -> list[SignupImage]:
    """The chosen images with prompt and creator, in their order, without those that have just been removed."""
    ids = [one.generation_id for one in chosen]
    details = {row.history_id: row for row in connection.execute(_DETAILS, {"ids": ids})}
    return [
        SignupImage(
            one.image_url,
            details[one.generation_id].prompt,
            one.generation_id,
            _shown_creator(details[one.generation_id]),
            one.score,
            now,
            one.source_url,
        )
        for one in chosen
        if one.generation_id in details
    ]


def _shown_creator(row: sa.Row[Any]) -> Creator | None:
    """The document's creator, completed from the user record."""
    names = (shown_name(name) for name in (row.mirrored_name, row.username, row.display_name))
    name = next((name for name in names if name), None)
    photo = shown_photo(row.mirrored_photo) or shown_photo(row.photo_url)
    return Creator(name, photo) if name or photo else None


def _row(image: SignupImage) -> dict[str, Any]:
    creator = image.creator
    shown = creator and {"username": creator.username, "photoURL": creator.photo_url}
    return image._asdict() | {"creator": shown, "cached_at": image.cached_at.isoformat()}


def _creator(stored: dict[str, Any] | None) -> Creator | None:
    return None if stored is None else Creator(stored.get("username"), stored.get("photoURL"))


_decode = msgspec.json.Decoder().decode
_COLUMNS = ("image_url", "prompt", "generation_id", "creator", "score", "cached_at")

# As long as the source says so: the mirror may be a moment behind.
_SHOWN = """h.is_visible AND NOT h.nsfw
    AND NOT EXISTS (SELECT FROM gallery_takedown AS t WHERE t.history_id = h.history_id)"""

_PUBLIC = sa.text(f"""
    SELECT g.history_id, g.uid, g.generation_type, g.created_at,
        CAST(g.document -> 'images' AS text) AS images, CAST(g.document -> 'aestheticScore' AS text) AS score
    FROM public_generation AS g JOIN generation_history AS h USING (history_id)
    WHERE NOT g.nsfw AND {_SHOWN} AND jsonb_typeof(g.document -> 'images') = 'array'
        AND (CAST(:types AS text[]) IS NULL OR g.generation_type = ANY (CAST(:types AS text[])))
""")  # noqa: S608 - our own words

_DETAILS = sa.text("""
    SELECT g.history_id, g.document ->> 'prompt' AS prompt,
        coalesce(g.document #>> '{createdBy,username}', g.document #>> '{createdBy,displayName}') AS mirrored_name,
        g.document #>> '{createdBy,photoURL}' AS mirrored_photo, u.username, u.display_name, u.photo_url
    FROM public_generation AS g LEFT JOIN app_user AS u USING (uid)
    WHERE g.history_id = ANY (CAST(:ids AS text[]))
""")

# In a random order, which `OFFSET 0` keeps apart, the source is asked for one image after the other until one is shown.
_ONE = sa.text(f"""
    SELECT image_url, prompt, generation_id, creator, score, cached_at
    FROM (SELECT * FROM signup_image ORDER BY random() OFFSET 0) AS s
    WHERE (SELECT {_SHOWN} FROM generation_history AS h WHERE h.history_id = s.generation_id) LIMIT 1
""")  # noqa: S608 - our own words

_STATE = sa.text(f"""
    SELECT count(h.history_id) FILTER (WHERE {_SHOWN}) AS shown, count(s.id) AS stored, max(s.cached_at) AS cached_at,
        (SELECT last_value FROM generation_revision) AS revision
    FROM signup_image AS s LEFT JOIN generation_history AS h ON h.history_id = s.generation_id
""")  # noqa: S608 - our own words
