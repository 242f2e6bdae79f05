"""What refers to media, and where it is read from.

What a source is, the canvas's own sources, and the one scan over all of them. Keep out: sources of other
domains, which each of them gives itself (`domains` hands them over).

What counts as a reference is decided in one place, the functions `media_names` and `media_names_in` of the database,
which the census, the last look before a deletion, the references of a snapshot and the triggers call. A text names a
medium by its id, its object key or its URL, at any place and in any encoding that a page may use: HTML, Markdown, CSS,
JSON within a text, percent-encoding, entities, escapes. URLs are compared without scheme, host, query and fragment, and
names without regard to case. In doubt a text refers to a medium: one that stays costs some bytes, one that is deleted
is gone. So an id should be no word of a language, or every prompt that has the word keeps the medium.

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
        """A SELECT of two texts: the place that refers, unique within the source, and all that it holds, or a part.

        The text may be anything: a whole document, a page, a link. It refers to each medium that it names anywhere.
        """


class CanvasSource(NamedTuple):
    """A source in the canvas's own tables."""

    name: str
    query: str


ELEMENTS = CanvasSource(
    "elements",
    "SELECT project_id || '/' || element_id AS place, CAST(meta AS text) AS value FROM canvas_element",
)
# Every snapshot that is kept counts, corrupted ones too: somebody may still repair one.
SNAPSHOTS = CanvasSource(
    "snapshots", "SELECT CAST(id AS text) AS place, CAST(to_jsonb(media_refs) AS text) AS value FROM canvas_snapshot"
)
# Previews that the list of projects shows, backgrounds, and pictures in descriptions.
PROJECTS = CanvasSource(
    "projects",
    "SELECT project_id AS place, "
    "concat_ws(' ', thumbnail, description, CAST(preview_images AS text), CAST(settings AS text)) AS value "
    "FROM canvas_project",
)
CANVAS_SOURCES = (ELEMENTS, SNAPSHOTS, PROJECTS)


def all_references(sources: Sequence[ReferenceSource]) -> str:
    """A SELECT of source, place and name: everything in the places that may be the name of a medium."""
    return " UNION ALL ".join(
        f"SELECT '{source.name}' AS source, place, name "  # noqa: S608 - our own sources
        f"FROM ({source.query}) AS s, media_names_in(value) AS name"
        for source in sources
    )


def names_of_media(where: str = "true") -> str:
    """A SELECT of name and media_id: what these media are called, once each."""
    return f"SELECT DISTINCT unnest(names) AS name, media_id FROM canvas_media WHERE {where}"  # noqa: S608 - our own columns
