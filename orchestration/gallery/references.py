"""What in the gallery refers to stored media, for those who want to delete some.

Where to look. Keep out: what is done about it.

Private generations count like public ones: they are their maker's, who may publish them at any time. Deleted ones count
while they lie in the trash, from which their maker may take them back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from orchestration.settings import Settings


class MediaReferences(NamedTuple):
    """A name for operators, and a SELECT of two texts: the place that refers, and what it holds."""

    name: str
    query: str


PUBLIC = MediaReferences(
    "public_generations", "SELECT history_id AS place, CAST(document AS text) AS value FROM public_generation"
)
SIGNUP = MediaReferences("signup_images", "SELECT CAST(id AS text) AS place, image_url AS value FROM signup_image")
USERS = MediaReferences("users", "SELECT uid AS place, photo_url AS value FROM app_user WHERE photo_url IS NOT NULL")


def media_references(settings: Settings) -> tuple[MediaReferences, ...]:
    """Every table of the gallery that may refer to media."""
    query = f"SELECT history_id AS place, CAST(document AS text) AS value FROM generation_history {_kept(settings)}"  # noqa: S608 - a number
    return MediaReferences("generations", query), PUBLIC, SIGNUP, USERS


def shown_images(settings: Settings) -> tuple[str, ...]:
    """SELECTs of the URLs of the images that the gallery shows or may show again."""
    history = f"""
        SELECT image ->> 'url' AS url
        FROM generation_history, jsonb_path_query(document, 'lax $.images[*]') AS image {_kept(settings)}
    """  # noqa: S608 - a number
    return "SELECT url FROM generation_picture", history


def _kept(settings: Settings) -> str:
    trash = f"{settings.gallery_trash_days:f} * interval '1 day'"
    return f"WHERE NOT is_deleted OR deleted_at > now() - {trash}"
