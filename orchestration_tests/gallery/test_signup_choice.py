"""The choice of signup images: good ones, few of each creator, as many as asked for, whatever a document holds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.gallery.signup_choice import IMAGE_TYPES, Candidate, Generation, candidate, choose, is_shown_type

START = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://images.example/1.png"


def generation(*images: object, score: object = None) -> Generation:
    """A generation of these images."""
    return Generation("g1", "u1", START, list(images), score)


def image(url: object = URL, **fields: object) -> dict[str, Any]:
    """An image of a document."""
    return {"id": "i", "url": url, **fields}


def shown(*images: object, score: object = None) -> str | None:
    """The address that stands for a generation of these images."""
    found = candidate(generation(*images, score=score), 8.0, START)
    return found and found.image_url


@pytest.mark.parametrize(
    ("fields", "document", "score"),
    [
        ({"aestheticScore": 8.0}, None, 8.0),
        ({"aestheticScore": 8}, 9.9, 8.0),
        ({"aesthetic": {"score": 9.1, "raw_output": "..."}}, 8.5, 9.1),
        ({"aestheticScore": 8.2, "aesthetic": {"score": 9.1}}, None, 8.2),
        ({"aestheticScore": 0, "aesthetic": {"score": 0}}, 8.7, 8.7),
        ({}, 8.7, 8.7),
        ({}, 0, None),
        ({}, None, None),
        ({"aestheticScore": "9", "aesthetic": "9"}, True, None),
        ({"aestheticScore": 1e9}, None, None),
        ({"aestheticScore": -1}, 8.1, 8.1),
    ],
)
def test_the_images_own_score_comes_before_the_documents_and_zero_is_none(
    fields: dict[str, object], document: object, score: float | None
) -> None:
    found = candidate(generation(image(**fields), score=document), 8.0, START)
    assert found is not None
    assert found.score == score


def test_the_first_image_that_is_good_enough_or_unjudged_stands_for_its_generation() -> None:
    dull, good, unjudged = image("https://a/1", aestheticScore=7.99), image("https://a/2", aestheticScore=8), image()
    assert shown(dull, good, unjudged) == "https://a/2"
    assert shown(dull, unjudged, good) == URL
    assert shown(dull, dull) is None
    assert shown(dull, unjudged, score=7.0) is None


def test_the_lightest_form_is_shown_and_the_original_remembered() -> None:
    full = image(avifUrl="https://a/1.avif", thumbnailUrl="https://a/t.jpg")
    found = candidate(generation(full), 8.0, START)
    assert found is not None
    assert (found.image_url, found.source_url) == ("https://a/1.avif", URL)
    assert shown(image(avifUrl=None, thumbnailUrl="https://a/t.jpg")) == "https://a/t.jpg"
    assert shown(image(avifUrl="", thumbnailUrl=3)) == URL


@pytest.mark.parametrize("address", ["", None, 7, "javascript:alert(1)", "data:image/png;base64,AA", "/etc/passwd"])
def test_an_image_without_an_address_that_a_page_may_load_is_passed_over(address: object) -> None:
    assert shown(image(address)) is None
    assert shown(image(address), image("https://a/2")) == "https://a/2"


@pytest.mark.parametrize("images", [None, {}, "x", [], [None], ["https://a/1"], [[]]])
def test_a_document_of_another_shape_shows_nothing(images: object) -> None:
    assert candidate(Generation("g", "u", START, images), 8.0, START) is None


@pytest.mark.parametrize(
    "name",
    [
        "logo", "logo-generation", "LOGO_v2", "branding-kit", "sticker-generation", "product-generation",
        "mockup-generation", "ad-generation", "image-edit", "image-upscale", "upscale", "vectorize", "remove-bg",
        "image-resize", "replace", "fill", "erase", "expand", "reimagine",
    ],
)  # fmt: skip
def test_branding_and_edits_never_stand_in(name: str) -> None:
    assert not is_shown_type(name)


@pytest.mark.parametrize("name", [*IMAGE_TYPES, None, "", "live-chat", "text-to-video", "adventure", "catalogo"])
def test_other_types_may(name: str | None) -> None:
    assert is_shown_type(name)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8) | st.just(URL),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["url", "avifUrl", "thumbnailUrl", "aestheticScore", "aesthetic", "score"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(images=json_values, score=json_values)
def test_whatever_a_document_holds_only_a_good_or_unjudged_image_comes_of_it(images: object, score: object) -> None:
    found = candidate(Generation("g", "u", START, images, score), 8.0, START)
    if found is not None:
        assert found.score is None or 8.0 <= found.score <= 10.0
        assert found.image_url.startswith(("https://", "http://"))


candidates = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(str),
        st.sampled_from("abcdefgh"),
        st.integers(0, 100).map(lambda hours: START + timedelta(hours=hours)),
        st.none() | st.floats(8, 10),
        st.uuids().map(lambda number: f"https://images/{number}.png"),
        st.none(),
    ),
    max_size=60,
    unique_by=lambda one: one.generation_id,
)


@given(candidates=candidates, count=st.integers(1, 80), per_creator=st.integers(1, 8), seed=st.integers())
def test_the_set_is_as_full_as_the_rules_allow_and_nothing_better_is_left_out(
    candidates: list[Candidate], count: int, per_creator: int, seed: int
) -> None:
    chosen = choose(candidates, count=count, per_creator=per_creator, random=Random(seed))
    offered = Counter(one.uid for one in candidates)
    taken = Counter(one.uid for one in chosen)
    assert len(chosen) == min(count, sum(min(per_creator, number) for number in offered.values()))
    assert len(set(chosen)) == len(chosen)
    assert max(taken.values(), default=0) <= per_creator
    worst = min((one.score or 0 for one in chosen), default=0)
    for one in set(candidates) - set(chosen):
        # Whoever was left out is no better than the worst, or than the chosen ones of its creator.
        of_creator = [other.score or 0 for other in chosen if other.uid == one.uid]
        assert (one.score or 0) <= worst or (
            len(of_creator) == per_creator and all((one.score or 0) <= score for score in of_creator)
        )


@given(candidates=candidates, seed=st.integers(), order=st.randoms(use_true_random=False))
def test_the_same_seed_gives_the_same_set_in_the_same_order(candidates: list[Candidate], seed: int, order: Any) -> None:  # noqa: ANN401
    once = choose(candidates, count=20, per_creator=3, random=Random(seed))
    order.shuffle(candidates)
    assert choose(candidates, count=20, per_creator=3, random=Random(seed)) == once


def test_the_set_is_shuffled_and_of_equals_the_newest_are_taken() -> None:
    offered = [
        Candidate(str(number), str(number), START + timedelta(hours=number), None, f"{URL}{number}", None)
        for number in range(150)
    ]
    chosen = choose(offered, count=100, per_creator=1, random=Random(1))
    assert {one.generation_id for one in chosen} == {str(number) for number in range(50, 150)}
    assert chosen != sorted(chosen, key=lambda one: one.created_at)
    assert chosen != choose(offered, count=100, per_creator=1, random=Random(2))


SIGNED = "https://s3/{}.png?X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-Signature={}"


def offer(number: int, url: str) -> Candidate:
    """A candidate of a creator of its own."""
    return Candidate(f"g{number}", f"u{number}", START, 9.0, url, url)


def test_a_picture_is_chosen_once_whoever_posts_it_and_however_it_is_signed() -> None:
    offered = [offer(number, "https://x/same.png") for number in range(9)]
    offered += [offer(10 + number, SIGNED.format("one", number)) for number in range(3)]
    chosen = choose(offered, count=100, per_creator=3, random=Random(1))
    assert sorted(one.image_url.partition("?")[0] for one in chosen) == ["https://s3/one.png", "https://x/same.png"]


def test_an_address_that_ends_before_the_next_refresh_is_none() -> None:
    signed = SIGNED.format("a", "b")
    found = [
        candidate(Generation("g", "u", START, [{"avifUrl": signed, "url": URL, "aestheticScore": 9}]), 8.0, until)
        for until in (datetime(2026, 1, 1, 0, 15, tzinfo=UTC), datetime(2026, 1, 1, 0, 16, tzinfo=UTC))
    ]
    assert [one and one.image_url for one in found] == [signed, URL]
    assert candidate(Generation("g", "u", START, [{"url": signed}]), 8.0, datetime(2026, 2, 1, tzinfo=UTC)) is None
