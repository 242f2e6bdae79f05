"""The signup set in the database: chosen from what is public now, replaced whole, read one at a time."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.gallery.signup import (
    Creator,
    SignupRefresh,
    SignupRules,
    SignupSet,
    refresh_signup,
    signup_image,
    signup_rules,
    signup_set,
)
from orchestration.gallery.tables import gallery_takedown, generation_history, public_generation
from orchestration.settings import Settings
from orchestration_tests.gallery.public_rows import know, picture, public_row, publish

if TYPE_CHECKING:
    from orchestration.storage.database import Database

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
RULES = SignupRules(images=100, per_creator=3, min_score=8.0)


def fill(database: Database, *rows: dict[str, Any]) -> None:
    """Publish these."""
    with database.begin() as connection:
        publish(connection, rows)


def refresh(database: Database, rules: SignupRules = RULES, *, now: datetime = NOW, seed: int = 1) -> SignupRefresh:
    """Refresh the set."""
    with database.begin() as connection:
        return refresh_signup(connection, rules, now=now, random=Random(seed))


def shown(database: Database) -> set[str | None]:
    """The generations whose images a visitor may see, by looking often."""
    with database.connect() as connection:
        images = [signup_image(connection) for _ in range(60)]
    return {image.generation_id for image in images if image}


def state(database: Database) -> SignupSet:
    """How the set stands."""
    with database.connect() as connection:
        return signup_set(connection)


def change(database: Database, number: int, **values: object) -> None:
    """Change the source of a generation, and not the mirror."""
    with database.begin() as connection:
        key = generation_history.c.history_id == f"g{number}"
        connection.execute(sa.update(generation_history).where(key).values(**values))


def test_a_set_has_as_many_images_as_asked_for_when_there_are_enough(database: Database) -> None:
    fill(database, *(public_row(number) for number in range(250)))
    assert len(refresh(database).images) == 100
    assert state(database)[:2] == (100, 100)


def test_an_image_carries_all_that_the_page_shows_and_the_moment_of_its_refresh(database: Database) -> None:
    fill(database, public_row(1, picture(1, 9.5, avifUrl="https://images.example/1.avif"), uid="u"))
    with database.begin() as connection:
        know(connection, "u", username="ada", photo_url="https://photos/ada.jpg", email="ada@example.org")
    refresh(database)
    with database.connect() as connection:
        image = signup_image(connection)
    assert image is not None
    assert image[:4] == ("https://images.example/1.avif", "prompt 1", "g1", Creator("ada", "https://photos/ada.jpg"))
    assert (image.score, image.cached_at) == (9.5, NOW)


@pytest.mark.parametrize(
    ("mirrored", "user", "creator"),
    [
        ({"username": "ada"}, {"username": "new", "photo_url": "https://p"}, Creator("ada", "https://p")),
        ({"username": None, "photoURL": "https://p"}, {"username": "ada"}, Creator("ada", "https://p")),
        ({}, {"display_name": "Ada L."}, Creator("Ada L.", None)),
        ({}, {"username": "ada@example.org", "display_name": "Ada L."}, Creator("Ada L.", None)),
        ({"email": "ada@example.org"}, {"email": "ada@example.org"}, None),
        ({}, None, None),
    ],
)
def test_the_creator_is_completed_from_the_user_record_and_never_by_an_e_mail(
    database: Database, mirrored: dict[str, Any], user: dict[str, str] | None, creator: Creator | None
) -> None:
    document = {"images": [picture(1)], "createdBy": mirrored}
    fill(database, public_row(1, uid="u", document=document))
    if user:
        with database.begin() as connection:
            know(connection, "u", **user)
    refresh(database)
    with database.connect() as connection:
        image = signup_image(connection)
        stored = connection.execute(sa.text("SELECT CAST(signup_image AS text) FROM signup_image")).scalar_one()
    assert image is not None
    assert image.creator == creator
    assert "example.org" not in stored


def test_what_is_not_safe_or_not_public_now_is_no_candidate(database: Database) -> None:
    fill(
        database,
        *(public_row(number) for number in range(12)),
        public_row(20, nsfw=True),
    )
    change(database, 1, nsfw=True)
    change(database, 2, is_public=False)
    change(database, 3, is_deleted=True)
    change(database, 4, visibility="unlisted")
    with database.begin() as connection:
        connection.execute(sa.insert(gallery_takedown).values(history_id="g5", reason="asked for"))
        connection.execute(sa.delete(public_generation).where(public_generation.c.history_id == "g6"))
    chosen = {image.generation_id for image in refresh(database).images}
    assert chosen == {f"g{number}" for number in (0, 7, 8, 9, 10, 11)}


@pytest.mark.parametrize(
    "values", [{"is_public": False}, {"is_deleted": True}, {"visibility": "private"}, {"nsfw": True}]
)
def test_an_image_is_gone_with_the_very_change_that_hides_its_generation(
    database: Database, values: dict[str, object]
) -> None:
    fill(database, public_row(1), public_row(2))
    refresh(database)
    change(database, 1, **values)
    assert shown(database) == {"g2"}
    assert state(database)[:2] == (1, 2)


def test_an_image_that_was_taken_down_or_deleted_for_good_is_gone_too(database: Database) -> None:
    fill(database, *(public_row(number) for number in (1, 2, 3)))
    refresh(database)
    with database.begin() as connection:
        connection.execute(sa.insert(gallery_takedown).values(history_id="g1", reason="asked for"))
        connection.execute(sa.delete(generation_history).where(generation_history.c.history_id == "g2"))
    assert shown(database) == {"g3"}
    change(database, 3, is_public=False)
    assert shown(database) == set()


def test_other_types_are_looked_at_when_the_usual_ones_give_fewer_than_five(database: Database) -> None:
    others = [
        public_row(10, generation_type="live-chat"),
        public_row(11, generation_type=None),
        public_row(12, generation_type="logo"),
        public_row(13, generation_type="image-upscale"),
    ]
    fill(database, *(public_row(number) for number in range(4)), *others)
    few = refresh(database)
    assert few.widened
    assert {image.generation_id for image in few.images} == {"g0", "g1", "g2", "g3", "g10", "g11"}

    fill(database, public_row(4, generation_type="text-to-character"))
    enough = refresh(database)
    assert not enough.widened
    assert {image.generation_id for image in enough.images} == {f"g{number}" for number in range(5)}


def test_a_refresh_replaces_all_of_the_set_and_an_empty_one_keeps_it(database: Database) -> None:
    fill(database, public_row(1), public_row(2))
    refresh(database)
    later = NOW + timedelta(hours=24)
    assert refresh(database, now=later).kept is None
    assert state(database)[:3] == (2, 2, later)

    change(database, 1, nsfw=True)
    change(database, 2, nsfw=True)
    kept = refresh(database, now=later + timedelta(hours=24))
    assert kept == SignupRefresh(0, widened=True, kept=2)
    assert state(database)[:3] == (0, 2, later)


def test_a_document_of_another_shape_does_not_stop_the_others(database: Database) -> None:
    strange = [{"images": "none"}, {"images": [None, 7, {"url": 3}]}, {"images": {}}, [], "text", None, {}]
    fill(
        database,
        *(
            public_row(100 + number, document=document)
            for number, document in enumerate(strange)
            if document is not None
        ),
        *(public_row(number) for number in range(6)),
    )
    assert len(refresh(database).images) == 6


def test_every_image_of_the_set_is_as_likely_as_any_other(database: Database) -> None:
    fill(database, *(public_row(number) for number in range(5)))
    refresh(database)
    with database.connect() as connection:
        drawn = Counter(image.generation_id for _ in range(1_000) if (image := signup_image(connection)))
    # Five images, 200 draws of each expected; the standard deviation is 12.6.
    assert len(drawn) == 5
    assert all(120 < count < 280 for count in drawn.values())


def test_an_empty_gallery_has_no_image(database: Database) -> None:
    assert refresh(database) == SignupRefresh(0, widened=True, kept=0)
    with database.connect() as connection:
        assert signup_image(connection) is None
    assert state(database)[:3] == (0, 0, None)


def test_the_rules_are_those_of_the_settings() -> None:
    settings = Settings(signup_images=7, signup_images_per_creator=2, signup_min_score=5.5)
    assert signup_rules(settings) == SignupRules(7, 2, 5.5, timedelta(hours=30))
    assert signup_rules(Settings()) == SignupRules(lasting=timedelta(hours=30))


def test_a_failed_generation_is_no_candidate_and_not_shown(database: Database) -> None:
    fill(database, *(public_row(number) for number in range(12)))
    change(database, 1, status="failed")
    assert "g1" not in {image.generation_id for image in refresh(database).images}
    change(database, 2, status="failed")
    assert state(database)[:2] == (10, 11)
