"""Of an item and its maker, what is listed is shown, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.gallery.addresses import ends_at, unsigned
from orchestration.gallery.merge import Creator, HistoryItem, public_document
from orchestration.gallery.shown import ITEM_FIELDS, MEDIA_FIELDS, shown_name, shown_photo

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PERSON = "ada@example.org"
PRIVATE = {
    "userEmail": PERSON, "Email": PERSON, "mail": PERSON, "privateNote": PERSON, "ipAddress": PERSON,
    "stripeCustomerId": PERSON, "seedImages": [PERSON], "inputImages": [{"url": PERSON}], "error": PERSON,
    "sharedWith": [{"mail": PERSON}], "workflow": {"deep": {"er": PERSON}},
    "createdBy": {"uid": "u1", "email": PERSON, "username": PERSON},
}  # fmt: skip
ENTRY = {
    "id": "1", "url": "https://x/1.png", "signedUrl": PERSON, "downloadToken": PERSON, "owner": {"email": PERSON},
    "aesthetic": {"score": 9.1, "raw_output": PERSON},
}  # fmt: skip


def document_of(document: dict[str, Any], creator: Creator | None = None) -> dict[str, Any]:
    """What is shown of it."""
    columns = ("completed", "public", True, False, False, "logo", 9.0)
    shown = public_document(HistoryItem("h1", "u1", *columns, document, NOON, NOON, 7), creator=creator)
    assert shown is not None
    return shown


def test_what_nobody_listed_is_not_shown() -> None:
    document = PRIVATE | {"prompt": "a mug", "images": [ENTRY], "videos": [ENTRY], "audios": [ENTRY, PERSON]}
    shown = document_of(document, Creator(PERSON, PERSON, f"https://photos/{PERSON}.png"))
    assert PERSON not in json.dumps(shown)
    listed = {"id": "1", "url": "https://x/1.png", "aesthetic": {"score": 9.1}}
    assert [shown[name] for name in ("images", "videos", "audios")] == [[listed]] * 3
    assert shown["prompt"] == "a mug"


@given(
    st.dictionaries(st.text(max_size=8) | st.sampled_from(sorted(ITEM_FIELDS)), st.just({"x": PERSON}) | st.just("y"))
)
def test_a_field_is_shown_by_its_name_and_only_as_a_plain_value(document: dict[str, Any]) -> None:
    shown = document_of({**document, "images": [document]})
    assert PERSON not in json.dumps(shown)
    of_columns = {
        "id", "uid", "status", "visibility", "isPublic", "isDeleted", "nsfw", "generationType", "aestheticScore",
        "createdBy", "createdAt", "updatedAt", "images",
    }  # fmt: skip
    assert shown.keys() <= ITEM_FIELDS | of_columns | {"videos", "audios"}
    assert shown["images"][0].keys() <= MEDIA_FIELDS


@pytest.mark.parametrize("name", ["ada@example.org", "ada\uff20example.org", "ada%40example.org", "", None, 3, ["ada"]])
def test_what_is_an_address_or_no_text_is_no_name(name: object) -> None:
    assert shown_name(name) is None


def test_a_picture_of_a_person_is_a_web_address() -> None:
    assert shown_name("Ada L.") == "Ada L."
    assert shown_photo("https://photos/ada.jpg") == "https://photos/ada.jpg"
    assert shown_photo("javascript:alert(1)") is None


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://x/a.png?X-Amz-Expires=9&X-Amz-Signature=ab&v=2#top", "https://x/a.png?v=2"),
        ("https://x/o/a%2Fb.png?alt=media&token=1-2", "https://x/o/a%2Fb.png?alt=media"),
        ("https://x/a.png?Expires=1&Signature=x&Key-Pair-Id=y", "https://x/a.png"),
        ("https://x/view?id=7", "https://x/view?id=7"),
        ("no address", "no address"),
    ],
)
def test_links_to_one_file_have_one_address(url: str, same: str) -> None:
    assert unsigned(url) == same


@pytest.mark.parametrize(
    ("query", "end"),
    [
        ("X-Amz-Date=20260501T120000Z&X-Amz-Expires=900", datetime(2026, 5, 1, 12, 15, tzinfo=UTC)),
        ("X-Goog-Date=20260501T120000Z&X-Goog-Expires=60", datetime(2026, 5, 1, 12, 1, tzinfo=UTC)),
        ("Expires=1777636800&Signature=x", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("se=2026-05-01T12%3A00%3A00Z&sig=x", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("Expires=99999999999999999999", None), ("X-Amz-Date=soon&X-Amz-Expires=9", None), ("v=2", None), ("", None),
    ],
)  # fmt: skip
def test_the_end_of_a_signed_address_is_read(query: str, end: datetime | None) -> None:
    assert ends_at(f"https://x/a.png?{query}") == end
