"""Where everything is: the pages by their place in the navigation. Keep out: addresses of single items."""

from __future__ import annotations

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A page of the navigation."""

    label: str
    path: str


class Group(NamedTuple):
    """Pages that belong together."""

    label: str
    places: tuple[Place, ...]


NAVIGATION: Final = (
    Group(
        "Work",
        (
            Place("Dashboard", "/admin"),
            Place("Queues", "/admin/queues"),
            Place("Errors", "/admin/errors"),
            Place("Workers", "/admin/workers"),
            Place("Bulk actions", "/admin/bulk"),
            Place("Requests", "/admin/requests"),
        ),
    ),
    Group(
        "Catalogue",
        (
            Place("Families", "/admin/families"),
            Place("Suppliers", "/admin/suppliers"),
            Place("Syncs", "/admin/syncs"),
            Place("Changes", "/admin/changes"),
            Place("Quarantine", "/admin/quarantine"),
        ),
    ),
    Group(
        "Made",
        (
            Place("Prints", "/admin/prints"),
            Place("Mockups", "/admin/mockups"),
            Place("Previews", "/admin/previews"),
        ),
    ),
    Group(
        "Shown",
        (
            Place("Gallery", "/admin/gallery"),
            Place("Signup set", "/admin/signup"),
            Place("Canvas", "/admin/canvas"),
            Place("Collections", "/admin/collections"),
        ),
    ),
    Group("Record", (Place("Audit", "/admin/audit"), Place("Notifications", "/admin/notifications"))),
)

# Pages that are reached from those of another place.
_BELOW: Final = {"explain": "/admin/families", "takedowns": "/admin/gallery"}


def is_within(path: str, place: str) -> bool:
    """Whether a page lies below a place of the navigation, which is marked then."""
    first = path.removeprefix("/admin").strip("/").partition("/")[0]
    return first != "" and place == _BELOW.get(first, f"/admin/{first}")
