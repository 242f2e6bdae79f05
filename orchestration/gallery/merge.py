"""What the public sees of an item: the rules of the mirror, without a database.

It makes the public document, or nothing, from a history item, its creator, what the mirror holds, and the renditions of
its images. What of it may be shown is listed in `shown`. Keep out: reading or writing any of them.

The history decides. The mirror's present document adds one thing only: addresses of optimised files, for a picture or
video whose own address is still the same, however it is signed. So a merge can be repeated and changes nothing, and
what it is made from may be older or newer than the task that asked for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from orchestration.errors import InvalidInputError
from orchestration.gallery.addresses import unsigned
from orchestration.gallery.shown import OPTIMISED, shown_fields, shown_medium, shown_name, shown_photo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Document = dict[str, Any]
    # An entry's identity and its address.
    _File = tuple[str, str]

# The media whose entries have identities, so that what is known of one is found again.
KEYED_MEDIA = ("images", "videos")
# Shown as they are, entry by entry.
_OTHER_MEDIA = "audios"
_OPTIMISED = frozenset(OPTIMISED)

# Objects and lists within each other. A document that people write has a dozen, and PostgreSQL takes thousands.
DEEPEST = 200
_CONTAINERS = frozenset({dict, list})


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
    """What is known of a user, of which a name that is an e-mail address is not shown."""

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

    `creator` is what the users' table says, None when it does not know the user; then the item itself may say it.
    `previous` is the mirror's present document, `renditions` what is stored of images, by their URL. An optimised field
    comes from the history, else from the renditions, else from the mirror. Fields without a value are left out, but for
    those of `createdBy`. Raises `InvalidInputError` when the history's document is not the shape that can be shown.
    """
    if item is None or not is_visible(item, is_taken_down=is_taken_down):
        return None
    if not isinstance(item.document, dict):
        raise InvalidInputError(_misshapen(item, "the document", "an object that can be read"))
    _check_depth(item, item.document)
    shown: Document = shown_fields(item.document)
    for name in KEYED_MEDIA:
        if item.document.get(name) is not None:
            entries = [shown_medium(entry) for entry in _media(item, name, item.document[name])]
            before = (previous or {}).get(name)
            known = _optimised([*(before if isinstance(before, list) else ()), *entries])
            made = (renditions or {}) if name == "images" else {}
            shown[name] = [_complete(entry, known, made) for entry in entries] if known or made else entries
    if isinstance(sounds := item.document.get(_OTHER_MEDIA), list):
        shown[_OTHER_MEDIA] = [shown_medium(entry) for entry in sounds if isinstance(entry, dict)]
    shown |= _fields(item, creator or own_creator(item))
    return {name: value for name, value in shown.items() if value is not None}


def own_creator(item: HistoryItem) -> Creator:
    """What the item itself says of its creator, when that is the user whom it belongs to."""
    said = item.document.get("createdBy") if isinstance(item.document, dict) else None
    if not isinstance(said, dict) or said.get("uid") != item.uid:
        return Creator()
    return Creator(said.get("username"), said.get("displayName"), said.get("photoURL"))


def merge_media(existing: object, incoming: object) -> object:
    """The media list of an update, each entry over the existing one of its identity; other entries disappear.

    A value of the incoming entry wins, also null. What was optimised stays while the entry's URL does.
    """
    if not isinstance(incoming, list):
        return incoming
    known = _by_identity(existing)
    return [_over(known.get(_identity(entry) or ""), entry) if isinstance(entry, dict) else entry for entry in incoming]


def image_urls(item: HistoryItem) -> Iterator[str]:
    """The addresses of an item's images, as far as it has any."""
    images = item.document.get("images") if isinstance(item.document, dict) else None
    for entry in images if isinstance(images, list) else ():
        if isinstance(entry, dict) and isinstance(url := entry.get("url"), str):
            yield url


def _fields(item: HistoryItem, creator: Creator) -> Document:
    """The fields that columns decide, over those of the document."""
    uid = shown_name(item.uid)
    return {
        "id": item.history_id,
        "uid": uid,
        "status": item.status,
        "visibility": item.visibility,
        "isPublic": True,
        "isDeleted": False,
        "nsfw": item.nsfw,
        "generationType": item.generation_type,
        "aestheticScore": item.aesthetic_score,
        "createdBy": {
            "uid": uid,
            "username": shown_name(creator.username),
            "displayName": shown_name(creator.display_name),
            "photoURL": shown_photo(creator.photo_url),
        },
        "createdAt": _text(item.created_at),
        "updatedAt": _text(item.updated_at),
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _check_depth(item: HistoryItem, document: Document) -> None:
    """Raise `InvalidInputError` when a document has more than `DEEPEST` levels: no person wrote it."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        inner = [value.values() if type(value) is dict else value for value in level]
        level = [value for values in inner for value in values if type(value) in _CONTAINERS]
        if not level:
            return
    raise InvalidInputError(_misshapen(item, "the document", f"nested {DEEPEST} levels deep at most"))


def _media(item: HistoryItem, name: str, entries: object) -> list[Document]:
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInputError(_misshapen(item, f"`{name}`", "a list of objects"))
    return entries


def _misshapen(item: HistoryItem, what: str, wanted: str) -> str:
    return f"{item.history_id}: {what} in the history is not {wanted}; fix it there, which queues it again"


def _by_identity(entries: object) -> dict[str, Document]:
    if not isinstance(entries, list):
        return {}
    found = ((_identity(entry), entry) for entry in entries if isinstance(entry, dict))
    return {identity: entry for identity, entry in found if identity is not None}


def _identity(entry: Mapping[str, Any]) -> str | None:
    """The entry's id, or its address when it has none, or where it is stored; without these it is like no other."""
    if (name := entry.get("id")) is not None:
        return str(name)
    if isinstance(url := entry.get("url"), str):
        return unsigned(url)
    path = entry.get("storagePath")
    return path if isinstance(path, str) else None


def _optimised(entries: Sequence[object]) -> dict[_File, Document]:
    """What optimisers added to each file that these entries show, the later ones' where several show the same."""
    found: dict[_File, Document] = {}
    for entry in entries:
        if isinstance(entry, dict) and not _OPTIMISED.isdisjoint(entry) and (file := _file(entry)) is not None:
            fields = {name: entry[name] for name in OPTIMISED if name in entry}
            found.setdefault(file, {}).update(fields)
    return found


def _file(entry: Mapping[str, Any]) -> _File | None:
    """Which file an entry shows; None when it does not say."""
    identity, url = _identity(entry), entry.get("url")
    return None if identity is None or not isinstance(url, str) else (identity, unsigned(url))


def _complete(entry: Document, known: Mapping[_File, Document], renditions: Mapping[str, ImageRenditions]) -> Document:
    """The entry, and what else is known of the file at its address."""
    file = _file(entry)
    if file is None:
        return entry
    kept = known.get(file, {})
    if (made := renditions.get(entry["url"])) is None:
        return kept | entry
    return kept | made | entry | {"optimized": True}


def _over(existing: Mapping[str, Any] | None, entry: Document) -> Document:
    if existing is None:
        return entry
    is_same_file = "url" not in entry or _address(entry) == _address(existing)
    return {name: value for name, value in existing.items() if is_same_file or name not in OPTIMISED} | entry


def _address(entry: Mapping[str, Any]) -> object:
    url = entry.get("url")
    return unsigned(url) if isinstance(url, str) else url
