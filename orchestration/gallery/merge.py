"""What the public sees of an item: the rules of the mirror, without a database.

It makes the public document, or nothing, from a history item, its creator, what the mirror holds, and the renditions of
its images. Keep out: reading or writing any of them.

The history decides. The mirror's present document adds one thing only: addresses of optimised files, for a picture or
video whose own address is still the same. So a merge can be repeated and changes nothing, and what it is made from
may be older or newer than the task that asked for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from orchestration.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Document = dict[str, Any]
    # An entry's identity and its address.
    _File = tuple[str | None, str]

# What optimisers add to a picture or video. It belongs to one address, and dies with it.
OPTIMISED = ("thumbnailUrl", "avifUrl", "webpUrl", "blurDataUrl", "posterUrl", "optimized", "optimizedAt")
# The media whose entries have identities, so that what is known of one is found again.
KEYED_MEDIA = ("images", "videos")
# Never shown, wherever in a document it stands.
PRIVATE = frozenset({"email"})

# Objects and lists within each other. A document that people write has a dozen, and PostgreSQL takes thousands.
DEEPEST = 200

_NESTED = (dict, list)


class ImageRenditions(TypedDict, total=False):
    """What was made of one stored image, by the names that it is shown under; `width` and `height` are the original's.

    The other fields are absolute URLs, and the blur placeholder a data URL.
    """

    thumbnailUrl: str
    avifUrl: str
    webpUrl: str
    blurDataUrl: str
    width: int
    height: int


class HistoryItem(NamedTuple):
    """A row of the history; `document` is any JSON."""

    history_id: str
    uid: str
    status: str
    visibility: str
    is_public: bool
    is_deleted: bool
    nsfw: bool
    generation_type: str | None
    aesthetic_score: float | None
    document: object
    created_at: datetime
    updated_at: datetime
    revision: int


class Creator(NamedTuple):
    """What is shown of a user; there is no e-mail address in it to be forgotten."""

    username: str | None = None
    display_name: str | None = None
    photo_url: str | None = None


def is_visible(item: HistoryItem, *, is_taken_down: bool = False) -> bool:
    """Whether everyone may see it: strictly public, and nothing against it. Unlisted items are not for everyone."""
    return (
        item.is_public is True and item.is_deleted is False and item.visibility == "public" and is_taken_down is False
    )


def public_document(
    item: HistoryItem | None,
    *,
    creator: Creator | None = None,
    previous: Mapping[str, Any] | None = None,
    renditions: Mapping[str, ImageRenditions] | None = None,
    is_taken_down: bool = False,
) -> Document | None:
    """What the mirror has to hold: the whole document, or None when it has to hold nothing.

    `previous` is the mirror's present document, `renditions` what is stored of images, by their URL. An optimised field
    comes from the history, else from the renditions, else from the mirror. Fields without a value are left out, but for
    those of `createdBy`. Raises `InvalidInputError` when the history's document is not the shape that can be shown.
    """
    if item is None or not is_visible(item, is_taken_down=is_taken_down):
        return None
    if not isinstance(item.document, dict):
        raise InvalidInputError(_misshapen(item, "the document", "an object that can be read"))
    shown: Document = _clean(item, item.document, DEEPEST)
    for name in KEYED_MEDIA:
        if name in shown:
            entries = _media(item, name, shown[name])
            before = (previous or {}).get(name)
            known = _optimised([*(before if isinstance(before, list) else ()), *entries])
            made = (renditions or {}) if name == "images" else {}
            shown[name] = [_complete(entry, known, made) for entry in entries]
    shown |= _fields(item, creator or Creator())
    return {name: value for name, value in shown.items() if value is not None}


def merge_media(existing: object, incoming: object) -> object:
    """The media list of an update, each entry over the existing one of its identity; other entries disappear.

    A value of the incoming entry wins, also null. What was optimised stays while the entry's URL does.
    """
    if not isinstance(incoming, list):
        return incoming
    known = _by_identity(existing)
    return [_over(known.get(_identity(entry)), entry) if isinstance(entry, dict) else entry for entry in incoming]


def image_urls(item: HistoryItem) -> Iterator[str]:
    """The addresses of an item's images, as far as it has any."""
    images = item.document.get("images") if isinstance(item.document, dict) else None
    for entry in images if isinstance(images, list) else ():
        if isinstance(entry, dict) and isinstance(url := entry.get("url"), str):
            yield url


def _fields(item: HistoryItem, creator: Creator) -> Document:
    """The fields that columns decide, over those of the document."""
    return {
        "id": item.history_id,
        "uid": item.uid,
        "status": item.status,
        "visibility": item.visibility,
        "isPublic": True,
        "isDeleted": False,
        "nsfw": item.nsfw,
        "generationType": item.generation_type,
        "aestheticScore": item.aesthetic_score,
        "createdBy": {
            "uid": item.uid,
            "username": creator.username,
            "displayName": creator.display_name,
            "photoURL": creator.photo_url,
        },
        "createdAt": _text(item.created_at),
        "updatedAt": _text(item.updated_at),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _clean(item: HistoryItem, value: Any, levels: int) -> Any:  # noqa: ANN401 - any JSON
    """The value without empty and private fields; raises `InvalidInputError` when it has more `levels` than these."""
    if levels == 0:
        raise InvalidInputError(_misshapen(item, "the document", f"nested {DEEPEST} levels deep at most"))
    if isinstance(value, dict):
        return {
            name: _clean(item, inner, levels - 1) if isinstance(inner, _NESTED) else inner
            for name, inner in value.items()
            if inner is not None and name not in PRIVATE
        }
    return [_clean(item, inner, levels - 1) if isinstance(inner, _NESTED) else inner for inner in value]


def _media(item: HistoryItem, name: str, entries: object) -> list[Document]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInputError(_misshapen(item, f"`{name}`", "a list of objects"))
    return entries


def _misshapen(item: HistoryItem, what: str, wanted: str) -> str:
    return f"{item.history_id}: {what} in the history is not {wanted}; fix it there, which queues it again"


def _by_identity(entries: object) -> dict[str | None, Document]:
    if not isinstance(entries, list):
        return {}
    return {_identity(entry): entry for entry in entries if isinstance(entry, dict)}


def _identity(entry: Mapping[str, Any]) -> str | None:
    """The entry's id, or its address when it has none."""
    name = entry.get("id")
    if name is None:
        name = entry.get("url")
    return None if name is None else str(name)


def _optimised(entries: Sequence[object]) -> dict[_File, Document]:
    """What optimisers added to each file that these entries show, the later ones' where several show the same."""
    found: dict[_File, Document] = {}
    for entry in entries:
        if isinstance(entry, dict) and (fields := {name: entry[name] for name in OPTIMISED if name in entry}):
            found.setdefault((_identity(entry), str(entry.get("url"))), {}).update(fields)
    return found


def _complete(entry: Document, known: Mapping[_File, Document], renditions: Mapping[str, ImageRenditions]) -> Document:
    """The entry, and what else is known of the file at its address."""
    url = entry.get("url")
    if not isinstance(url, str):
        return entry
    kept = known.get((_identity(entry), url), {})
    if (made := renditions.get(url)) is None:
        return kept | entry
    return kept | made | entry | {"optimized": True}


def _over(existing: Mapping[str, Any] | None, entry: Document) -> Document:
    if existing is None:
        return entry
    is_same_file = entry.get("url", existing.get("url")) == existing.get("url")
    return {name: value for name, value in existing.items() if is_same_file or name not in OPTIMISED} | entry
