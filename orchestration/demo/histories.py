"""Users and their generation histories, of any size, from a seed.

What a gallery's source of truth realistically holds, and loading it in bulk. Keep out: mirroring it; the
database's triggers ask for that as for any writer.

A row depends on the seed and on its number alone, so the same seed gives the same rows, and a greater count adds to
those of a smaller one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.gallery.tables import app_user, generation_history
from orchestration.storage import bulk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestration.storage.database import Database

# Rows for each statement.
BATCH = 5_000
# On average; a few users make most of it.
HISTORIES_PER_USER = 30
# What the sample system shows.
SAMPLE_HISTORIES, SAMPLE_SEED = 300, 1
# As many as show that generations differ.
SERVED_PICTURES = 40
HOST = "https://cdn.gallery.example"
# The newest row there can be; a fixed day, so that rows do not depend on when they are loaded.
NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
OLDEST_DAYS = 3 * 365
# Rows before that were written by a program that knew neither scores nor smaller forms of a picture.
OLD = NEWEST - timedelta(days=2 * 365)

_IMAGE_TYPES = {
    "text-to-image": 46,
    "image-to-image": 5,
    "logo": 8,
    "sticker-generation": 6,
    "mockup-generation": 5,
    "product-generation": 6,
    "ad-generation": 3,
    "text-to-character": 5,
    "image-upscale": 3,
    "live-chat": 3,
}
_OTHER_TYPES = {"text-to-video": 7, "text-to-music": 3}
_TYPES = _IMAGE_TYPES | _OTHER_TYPES
_TYPE_NAMES, _TYPE_WEIGHTS = list(_TYPES), list(_TYPES.values())

_FIRST_NAMES = ("Ada", "Bruno", "Chen", "Dalia", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Luca")
_LAST_NAMES = (
    "Berg",
    "Costa",
    "Duarte",
    "Engel",
    "Farkas",
    "Grün",
    "Haddad",
    "Ito",
    "Jansen",
    "Kaya",
    "Lindt",
    "Moreau",
)
_SUBJECTS = ("a lighthouse", "two foxes", "an old tram", "a paper city", "a glass forest", "a sleeping robot", "a koi")
_STYLES = ("in watercolour", "as a linocut", "at golden hour", "in neon light", "as a stained window", "in fog")
_MODELS = ("flux-dev", "sdxl", "imagen-4", "seedream-3")
_SIZES = ((1024, 1024), (832, 1216), (1216, 832), (1344, 768))

_USER_COLUMNS = ("uid", "username", "display_name", "email", "photo_url")
_HISTORY_COLUMNS = (
    "history_id", "uid", "status", "visibility", "is_public", "is_deleted", "nsfw", "generation_type",
    "aesthetic_score", "document", "created_at", "updated_at",
)  # fmt: skip


class LoadedHistories(NamedTuple):
    """How many rows were new, and how many of the whole count are public by their own account."""

    users: int
    histories: int
    public: int


def load_histories(database: Database, count: int, seed: int, *, pictures: Sequence[str] = ()) -> LoadedHistories:
    """Store `count` histories and their users, each batch in a transaction; rows that exist stay as they are.

    Images are at the URLs in `pictures`, so that they can be fetched, or at invented ones that nobody serves.
    """
    users = range(_user_of(count, 1.0) + 1) if count else range(0)
    with database.begin() as connection:
        rows = [user(number, seed) for number in users]
        new_users = bulk.insert(connection, app_user, rows, columns=_USER_COLUMNS)
    new, public = 0, 0
    for start in range(0, count, BATCH):
        rows = list(histories(range(start, min(count, start + BATCH)), seed, pictures))
        public += sum(row["is_public"] and not row["is_deleted"] for row in rows)
        with database.begin() as connection:
            new += bulk.insert(connection, generation_history, rows, columns=_HISTORY_COLUMNS)
    return LoadedHistories(new_users, new, public)


def served_pictures(root: Path, base_url: str) -> list[str]:
    """The addresses of the pictures in a folder that is served, in the same order on every machine."""
    found = sorted(path for path in root.rglob("*") if path.suffix in {".jpg", ".png"})
    return [f"{base_url}/{path.relative_to(root).as_posix()}" for path in found[:SERVED_PICTURES]]


def user(number: int, seed: int) -> dict[str, Any]:
    """One user, as a row of `app_user`."""
    random = Random(f"user {seed} {number}")  # noqa: S311 - a sample
    first, last = random.choice(_FIRST_NAMES), random.choice(_LAST_NAMES)
    name = f"{first}.{last}.{number}".lower()
    return {
        "uid": f"user-{seed}-{number}",
        "username": name if _happens(random, 90) else None,
        "display_name": f"{first} {last}",
        "email": f"user{number}@users.example",
        "photo_url": f"{HOST}/photos/{seed}/{number}.jpg" if _happens(random, 70) else None,
    }


def histories(numbers: range, seed: int, pictures: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The histories of these numbers, as rows of `generation_history`."""
    for number in numbers:
        yield _history(number, seed, Random(f"{seed} {number}"), pictures)  # noqa: S311 - a sample


def _history(number: int, seed: int, random: Random, pictures: Sequence[str]) -> dict[str, Any]:
    history_id = f"demo-{seed}-{number}"
    kind = random.choices(_TYPE_NAMES, _TYPE_WEIGHTS)[0]
    created_at = NEWEST - timedelta(seconds=random.randrange(OLDEST_DAYS * 86_400))
    status = random.choices(("completed", "generating", "failed"), (92, 3, 5))[0]
    is_public = _happens(random, 60)
    media = _media(kind, history_id, created_at, random, pictures) if status == "completed" else {}
    scores = [score for one in media.get("images", ()) if (score := one.get("aestheticScore"))]
    return {
        "history_id": history_id,
        "uid": f"user-{seed}-{_user_of(number, random.random())}",
        "status": status,
        "visibility": "public" if is_public else random.choices(("private", "unlisted"), (9, 1))[0],
        "is_public": is_public,
        "is_deleted": _happens(random, 6),
        "nsfw": _happens(random, 4),
        "generation_type": kind,
        "aesthetic_score": max(scores, default=None),
        "document": _document(kind, status, random) | media,
        "created_at": created_at.isoformat(),
        "updated_at": (created_at + timedelta(seconds=random.randrange(5, 300))).isoformat(),
    }


def _user_of(number: int, draw: float) -> int:
    """Whose history it is: early users have more, and new ones come with new histories."""
    return int((number / HISTORIES_PER_USER + 1) * draw**2)


def _happens(random: Random, percent: int) -> bool:
    return random.random() * 100 < percent


def _document(kind: str, status: str, random: Random) -> dict[str, Any]:
    prompt = f"{random.choice(_SUBJECTS)} {random.choice(_STYLES)}, {random.randrange(1_000_000)}"
    document = {"prompt": f"{prompt}, highly detailed", "userPrompt": prompt, "model": random.choice(_MODELS)}
    if kind in _IMAGE_TYPES:
        document |= {"style": random.choice(("none", "realistic", "anime")), "quality": "standard"}
    return document | ({"error": "The model gave no answer"} if status == "failed" else {})


def _media(
    kind: str, history_id: str, created_at: datetime, random: Random, pictures: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    if kind == "text-to-video":
        return {"images": [], "videos": [_video(history_id, random)]}
    if kind == "text-to-music":
        return {"images": [], "audios": [{"id": f"{history_id}-a", "url": f"{HOST}/{history_id}.mp3"}]}
    count = random.choices((1, 2, 3, 4), (55, 15, 5, 25))[0]
    is_judged = created_at > OLD and _happens(random, 85)
    images = [_image(f"{history_id}-{number}", created_at, random, pictures) for number in range(count)]
    for image in images:
        if is_judged:
            image["aestheticScore"] = round(3 + 7 * random.betavariate(3, 3.5), 2)
    return {"images": images}


def _image(image_id: str, created_at: datetime, random: Random, pictures: Sequence[str]) -> dict[str, Any]:
    width, height = random.choice(_SIZES)
    image = {
        "id": image_id,
        "url": random.choice(pictures) if pictures else f"{HOST}/{image_id}.png",
        "storagePath": f"generations/{image_id}.png",
        "width": width,
        "height": height,
        "size": random.randrange(200_000, 3_000_000),
    }
    if not pictures and created_at > OLD and _happens(random, 50):
        image |= {
            "avifUrl": f"{HOST}/{image_id}.avif",
            "thumbnailUrl": f"{HOST}/{image_id}_thumb.avif",
            "blurDataUrl": "data:image/webp;base64,UklGRg==",
            "optimized": True,
            "optimizedAt": int(created_at.timestamp() * 1_000) + 60_000,
        }
    return image


def _video(history_id: str, random: Random) -> dict[str, Any]:
    base = f"{HOST}/{history_id}"
    return {
        "id": f"{history_id}-v",
        "url": f"{base}.mp4",
        "posterUrl": f"{base}.jpg",
        "duration": random.choice((5, 10)),
    }
