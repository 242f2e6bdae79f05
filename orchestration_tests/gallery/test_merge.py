"""What the public sees of an item, without a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.errors import InvalidInputError
from orchestration.gallery.merge import (
    OPTIMISED,
    Creator,
    HistoryItem,
    ImageRenditions,
    image_urls,
    merge_media,
    public_document,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PUBLIC = HistoryItem("h1", "u1", "completed", "public", True, False, False, "logo", 9.0, {}, NOON, NOON, 7)
URLS = st.sampled_from(["https://images/a.png", "https://images/b.png", "https://images/c.png"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["email", "x", "url"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """An image whose optimised fields, if it has any, say which address they were made of."""
    url = draw(URLS)
    made = {name: f"{name} of {url}" for name in draw(st.sets(st.sampled_from(OPTIMISED)))}
    identity: dict[str, Any] = draw(st.sampled_from([{"id": "1"}, {"id": "2"}, {"id": 3}, {"id": None}, {}]))
    return {**identity, "url": url, **made, "note": draw(JSON)}


MEDIA = st.lists(entries(), max_size=3)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"images": MEDIA, "videos": MEDIA, "prompt": st.text(max_size=5), "isPublic": JSON, "style": JSON}
)
ITEMS = st.builds(
    HistoryItem,
    history_id=st.just("h1"),
    uid=st.just("u1"),
    status=st.sampled_from(["generating", "completed", "failed"]),
    visibility=st.sampled_from(["private", "public", "unlisted"]),
    is_public=st.booleans(),
    is_deleted=st.booleans(),
    nsfw=st.booleans(),
    generation_type=st.none() | st.just("logo"),
    aesthetic_score=st.none() | st.floats(0, 10),
    document=DOCUMENTS,
    created_at=st.just(NOON),
    updated_at=st.just(NOON),
    revision=st.integers(1, 9),
)
SHOWN = ITEMS.map(lambda item: item._replace(visibility="public", is_public=True, is_deleted=False))


@st.composite
def made_variants(draw: st.DrawFn) -> dict[str, ImageRenditions]:
    urls = draw(st.sets(URLS))
    return {url: ImageRenditions(thumbnailUrl=f"thumbnailUrl of {url}", width=8, height=4) for url in urls}


def item(document: object, **columns: object) -> HistoryItem:
    return HistoryItem(**(PUBLIC._asdict() | {"document": document} | columns))


def shown(
    item: HistoryItem,
    creator: Creator | None = None,
    previous: dict[str, Any] | None = None,
    renditions: dict[str, ImageRenditions] | None = None,
) -> dict[str, Any]:
    document = public_document(item, creator=creator, previous=previous, renditions=renditions)
    assert document is not None
    return document


def image(url: str, **fields: object) -> dict[str, Any]:
    return {"id": "1", "url": url, **fields}


@given(ITEMS, st.booleans())
def test_only_what_is_strictly_public_is_shown(item: HistoryItem, is_taken_down: bool) -> None:
    is_shown = public_document(item, is_taken_down=is_taken_down) is not None
    allowed = item.is_public and not item.is_deleted and item.visibility == "public" and not is_taken_down
    assert is_shown == allowed


@pytest.mark.parametrize("truthy", [1, "true", "yes", [True], None])
def test_a_flag_that_is_not_the_boolean_true_is_not_public(truthy: object) -> None:
    assert public_document(item({}, is_public=truthy)) is None


def test_what_is_not_there_is_not_shown() -> None:
    assert public_document(None, previous={"images": []}) is None


@given(SHOWN, made_variants(), DOCUMENTS)
def test_merging_again_changes_nothing(
    item: HistoryItem, renditions: dict[str, ImageRenditions], previous: dict[str, Any]
) -> None:
    once = shown(item, previous=previous, renditions=renditions)
    assert shown(item, previous=once, renditions=renditions) == once
    assert json.loads(json.dumps(once)) == once


@given(SHOWN, DOCUMENTS)
def test_apart_from_optimised_fields_only_the_history_decides(item: HistoryItem, previous: dict[str, Any]) -> None:
    assert _plain(shown(item, previous=previous)) == _plain(shown(item))


@given(SHOWN, made_variants(), DOCUMENTS)
def test_an_optimised_field_always_belongs_to_the_address_beside_it(
    item: HistoryItem, renditions: dict[str, ImageRenditions], previous: dict[str, Any]
) -> None:
    document = shown(item, previous=previous, renditions=renditions)
    for entry in [*document.get("images", []), *document.get("videos", [])]:
        values = {name: entry[name] for name in OPTIMISED if name in entry and entry[name] is not True}
        assert values == {name: f"{name} of {entry['url']}" for name in values}


@given(SHOWN, DOCUMENTS)
def test_no_address_of_a_person_and_no_empty_field_is_shown(item: HistoryItem, previous: dict[str, Any]) -> None:
    document = shown(item, creator=Creator("fox"), previous=previous)
    assert "email" not in json.dumps(document)
    assert None not in {value for name, value in document.items() if not isinstance(value, dict | list)}


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    media = {
        name: [{key: value for key, value in entry.items() if key not in OPTIMISED} for entry in document[name]]
        for name in ("images", "videos")
        if name in document
    }
    return document | media


def test_optimised_addresses_survive_while_the_address_stays() -> None:
    before = {"images": [image("a", thumbnailUrl="t", avifUrl="v", blurDataUrl="b", optimized=True, optimizedAt=5)]}
    assert shown(item({"images": [image("a", width=8)]}), previous=before)["images"] == [
        {**before["images"][0], "width": 8}
    ]


def test_optimised_addresses_go_with_the_address_they_were_made_of() -> None:
    before = {"images": [image("a", thumbnailUrl="t", avifUrl="v")]}
    assert shown(item({"images": [image("b")]}), previous=before)["images"] == [image("b")]


def test_videos_keep_their_poster() -> None:
    before = {"videos": [image("v.mp4", posterUrl="p", thumbnailUrl="t")]}
    assert shown(item({"videos": [image("v.mp4")]}), previous=before)["videos"] == before["videos"]


def test_images_without_an_id_are_known_by_their_address() -> None:
    before = {"images": [{"url": "a", "thumbnailUrl": "t"}, {"url": "b", "thumbnailUrl": "u"}]}
    assert shown(item({"images": [{"url": "b"}]}), previous=before)["images"] == [{"url": "b", "thumbnailUrl": "u"}]


def test_an_image_that_left_the_history_leaves_the_mirror() -> None:
    before = {"images": [image("a"), {"id": "2", "url": "b", "thumbnailUrl": "t"}]}
    assert shown(item({"images": [image("a")]}), previous=before)["images"] == [image("a")]


def test_a_field_that_left_the_history_leaves_the_mirror() -> None:
    assert "style" not in shown(item({"prompt": "fox"}), previous={"style": "ink", "prompt": "old"})


def test_the_history_goes_before_the_variants_and_these_before_the_mirror() -> None:
    renditions = {"a": ImageRenditions(thumbnailUrl="made", avifUrl="made", width=8, height=4)}
    before = {"images": [image("a", thumbnailUrl="old", avifUrl="old", webpUrl="old")]}
    merged = shown(item({"images": [image("a", thumbnailUrl="own")]}), previous=before, renditions=renditions)
    assert merged["images"] == [
        image("a", thumbnailUrl="own", avifUrl="made", webpUrl="old", width=8, height=4, optimized=True)
    ]


def test_variants_are_for_images_not_for_videos_of_the_same_address() -> None:
    renditions = {"a": ImageRenditions(thumbnailUrl="made")}
    assert shown(item({"videos": [image("a")]}), renditions=renditions)["videos"] == [image("a")]


def test_columns_win_over_fields_of_the_document() -> None:
    forged = {"id": "h9", "uid": "u9", "isPublic": False, "status": "failed", "aestheticScore": 1, "updatedAt": 0}
    document = shown(item(forged))
    assert {name: document[name] for name in forged} == {
        "id": "h1", "uid": "u1", "isPublic": True, "status": "completed", "aestheticScore": 9.0,
        "updatedAt": "2026-05-01T12:00:00Z",
    }  # fmt: skip
    assert "generationType" not in shown(item({"generationType": "forged"}, generation_type=None))


def test_the_creator_is_the_user_and_only_of_an_unknown_one_what_the_document_says() -> None:
    document = {"createdBy": {"uid": "u9", "username": "mallory", "email": "m@example.org"}}
    creator = Creator("fox", "The Fox", "https://photos/fox.jpg")
    assert shown(item(document), creator=creator)["createdBy"] == {
        "uid": "u1", "username": "fox", "displayName": "The Fox", "photoURL": "https://photos/fox.jpg",
    }  # fmt: skip
    own = {"createdBy": {"uid": "u1", "username": "old fox", "displayName": "fox@example.org"}}
    assert shown(item(own))["createdBy"] == {
        "uid": "u1", "username": "old fox", "displayName": None, "photoURL": None,
    }  # fmt: skip
    assert shown(item(own), creator=Creator())["createdBy"]["username"] is None
    nobody = {"uid": "u1", "username": None, "displayName": None, "photoURL": None}
    assert shown(item(document))["createdBy"] == nobody


@pytest.mark.parametrize("document", [None, [], "text", 3, {"images": {}}, {"images": ["https://a"]}, {"videos": 1}])
def test_a_document_of_the_wrong_shape_is_refused_by_its_name(document: object) -> None:
    with pytest.raises(InvalidInputError, match=r"h1: .*history is not"):
        public_document(item(document))


@pytest.mark.parametrize("hidden", [{"is_deleted": True}, {"is_public": False}, {"visibility": "unlisted"}])
def test_a_hidden_item_is_hidden_however_broken_it_is(hidden: dict[str, Any]) -> None:
    assert public_document(item("broken", **hidden)) is None


def test_an_update_merges_media_by_their_id() -> None:
    existing = [image("a", thumbnailUrl="t", width=8), {"id": "2", "url": "b"}]
    assert merge_media(existing, [image("a", prompt="x")]) == [image("a", thumbnailUrl="t", width=8, prompt="x")]
    assert merge_media(existing, [{"id": "1", "width": None}]) == [image("a", thumbnailUrl="t", width=None)]


def test_an_update_of_the_address_drops_what_was_made_of_the_old_one() -> None:
    existing = [image("a", thumbnailUrl="t", optimized=True, width=8)]
    assert merge_media(existing, [image("b")]) == [image("b", width=8)]
    assert merge_media(existing, [image("b", thumbnailUrl="new")]) == [image("b", width=8, thumbnailUrl="new")]


@given(MEDIA, MEDIA)
def test_an_update_keeps_its_own_entries_and_no_others(existing: object, incoming: list[dict[str, Any]]) -> None:
    merged = merge_media(existing, incoming)
    assert isinstance(merged, list)
    assert [entry | new for entry, new in zip(merged, incoming, strict=True)] == merged


def test_the_addresses_of_images_are_read_from_whatever_there_is() -> None:
    assert list(image_urls(item({"images": [image("a"), {"id": 2}, "b", {"url": 3}]}))) == ["a"]
    assert list(image_urls(item({"images": "a"}))) == list(image_urls(item([]))) == []


def test_entries_that_nothing_identifies_never_take_each_others_fields() -> None:
    existing = [{"thumbnailUrl": "one", "prompt": "one"}, {"storagePath": "b", "thumbnailUrl": "two"}]
    assert merge_media(existing, [{"width": 3}]) == [{"width": 3}]
    assert merge_media(existing, [{"storagePath": "b", "width": 3}]) == [
        {"storagePath": "b", "thumbnailUrl": "two", "width": 3}
    ]
    before = {"images": [{"thumbnailUrl": "one"}]}
    assert shown(item({"images": [{"width": 3}]}), previous=before)["images"] == [{"width": 3}]


SIGNED = "https://s3/a.png?X-Amz-Date=20260501T000000Z&X-Amz-Expires=900&X-Amz-Signature={}"


@pytest.mark.parametrize("identity", [{}, {"id": "1"}])
def test_an_address_that_is_signed_again_keeps_what_was_made_of_its_file(identity: dict[str, str]) -> None:
    first, second = ({**identity, "url": SIGNED.format(signature)} for signature in ("ab", "cd"))
    made = {"thumbnailUrl": "t", "avifUrl": "v"}
    assert merge_media([first | made], [second]) == [second | made]
    assert shown(item({"images": [second]}), previous={"images": [first | made]})["images"] == [second | made]


def test_a_query_that_says_which_file_it_is_makes_another_address() -> None:
    existing = [{"url": "https://x/view?id=1", "thumbnailUrl": "t"}]
    assert merge_media(existing, [{"url": "https://x/view?id=2"}]) == [{"url": "https://x/view?id=2"}]
