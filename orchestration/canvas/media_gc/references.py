"""What refers to media, and where it is read from.

What a source is, the canvas's own sources, and the one scan over all of them. Keep out: sources of other
domains, which each of them gives itself (`domains` hands them over).

A source is asked as a whole, in the same statement as all others, so a reference that moves from one to another in one
transaction is never overlooked. One that cannot be read fails the scan: what could not be read is never empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class ReferenceSource(Protocol):
    """A table, or several, that refer to media."""

    @property
    def name(self) -> str:
        """A short name for operators: letters and underscores."""

    @property
    def query(self) -> str:
        """A SELECT of two texts: the place that refers, unique within the source, and a value that it holds.

        A value may be anything; it is a reference when it is a medium's id, URL or object key, or a link that holds
        the key.
        """


class CanvasSource(NamedTuple):
    """A source in the canvas's own tables."""

    name: str
    query: str


ELEMENTS = CanvasSource(
    "elements",
    "SELECT project_id || '/' || element_id AS place, media_texts(meta) AS value FROM canvas_element",
)
# Every snapshot that is kept counts, corrupted ones too: somebody may still repair one.
SNAPSHOTS = CanvasSource(
    "snapshots", "SELECT CAST(id AS text) AS place, unnest(media_refs) AS value FROM canvas_snapshot"
)
# Previews that the list of projects shows.
PROJECTS = CanvasSource(
    "projects",
    "SELECT project_id AS place, media_texts(preview_images) AS value FROM canvas_project "
    "UNION ALL SELECT project_id, thumbnail FROM canvas_project WHERE thumbnail IS NOT NULL",
)
CANVAS_SOURCES = (ELEMENTS, SNAPSHOTS, PROJECTS)


def all_references(sources: Sequence[ReferenceSource]) -> str:
    """A SELECT of source, place and name, where a name is a value, or the object key inside of it."""
    return " UNION ALL ".join(
        f"SELECT '{source.name}' AS source, place, canvas_media_name(value) AS name FROM ({source.query}) AS s"  # noqa: S608 - our own sources
        for source in sources
    )


def names_of_media(where: str = "true") -> str:
    """A SELECT of name and media_id: everything that a reference to one of these media may be."""
    return " UNION ALL ".join(
        f"SELECT {name} AS name, media_id FROM canvas_media WHERE {where}"  # noqa: S608 - our own columns
        for name in ("media_id", "canvas_media_name(url)", "canvas_media_name(storage_path)")
    )
