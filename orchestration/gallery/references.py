"""What in the gallery refers to stored media, for those who want to delete some.

Where to look. Keep out: what is done about it.

Private generations count like public ones: they are their maker's, who may publish them at any time. Only deleted
ones do not.
"""

from __future__ import annotations

from typing import NamedTuple


class MediaReferences(NamedTuple):
    """A name for operators, and a SELECT of two texts: the place that refers, and what it holds."""

    name: str
    query: str


HISTORY = MediaReferences(
    "generations",
    "SELECT history_id AS place, CAST(document AS text) AS value FROM generation_history WHERE NOT is_deleted",
)
PUBLIC = MediaReferences(
    "public_generations", "SELECT history_id AS place, CAST(document AS text) AS value FROM public_generation"
)
SIGNUP = MediaReferences("signup_images", "SELECT CAST(id AS text) AS place, image_url AS value FROM signup_image")
USERS = MediaReferences("users", "SELECT uid AS place, photo_url AS value FROM app_user WHERE photo_url IS NOT NULL")

MEDIA_REFERENCES = (HISTORY, PUBLIC, SIGNUP, USERS)
