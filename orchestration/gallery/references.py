"""What in the gallery refers to stored media, for those who want to delete some.

Where to look. Keep out: what is done about it.

Private generations count like public ones: they are their maker's, who may publish them at any time. Only deleted
ones do not.
"""

from __future__ import annotations

from typing import NamedTuple


class MediaReferences(NamedTuple):
    """A name for operators, and a SELECT of two texts: the place that refers, and a value that it holds."""

    name: str
    query: str


_TEXTS = "jsonb_path_query(document, 'strict $.** ? (@.type() == \"string\")') AS text"

HISTORY = MediaReferences(
    "generations",
    f"SELECT history_id AS place, text #>> '{{}}' AS value FROM generation_history, {_TEXTS} WHERE NOT is_deleted",  # noqa: S608 - our own tables
)
PUBLIC = MediaReferences(
    "public_generations",
    f"SELECT history_id AS place, text #>> '{{}}' AS value FROM public_generation, {_TEXTS}",  # noqa: S608 - our own tables
)
SIGNUP = MediaReferences("signup_images", "SELECT CAST(id AS text) AS place, image_url AS value FROM signup_image")

MEDIA_REFERENCES = (HISTORY, PUBLIC, SIGNUP)
