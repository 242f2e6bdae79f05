"""Writing the history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.errors import InvalidInputError
from orchestration.gallery import history
from orchestration.gallery.history import NewGeneration, User, Visibility
from orchestration.gallery.tables import generation_history
from orchestration_tests.gallery.mirroring import change, generation, image, write

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery


def stored(gallery: Gallery, history_id: str = "h1") -> sa.Row[Any]:
    with gallery.database.begin() as connection:
        row = generation_history.c.history_id == history_id
        return connection.execute(sa.select(generation_history).where(row)).one()


def test_a_new_generation_is_being_generated_private_and_empty(gallery: Gallery) -> None:
    write(gallery, NewGeneration("h1", "u1"))
    row = stored(gallery)
    assert (row.status, row.visibility, row.is_public, row.is_deleted) == ("generating", "private", False, False)
    assert row.document == {"images": [], "videos": []}
    assert (datetime.now(UTC) - row.created_at).total_seconds() < 60


def test_only_the_boolean_true_makes_a_generation_public(gallery: Gallery) -> None:
    values: tuple[object, ...] = (1, "true", None, [])
    for number, truthy in enumerate(values):
        write(gallery, generation(f"h{number}", is_public=truthy), generation(f"p{number}"))
        assert (stored(gallery, f"h{number}").is_public, stored(gallery, f"p{number}").is_public) == (False, True)
        change(gallery, f"p{number}", {"isPublic": truthy})
        assert not stored(gallery, f"p{number}").is_visible


def test_writing_a_generation_twice_leaves_the_first(gallery: Gallery) -> None:
    write(gallery, generation("h1", document={"prompt": "first"}))
    write(gallery, generation("h1", document={"prompt": "second"}))
    assert stored(gallery).document["prompt"] == "first"


def test_an_update_changes_columns_and_the_document_and_keeps_the_rest(gallery: Gallery) -> None:
    write(gallery, generation(document={"style": "ink"}))
    before = stored(gallery)
    change(gallery, "h1", {"status": "failed", "error": "out of ink", "aestheticScore": 7.5, "nsfw": True})
    row = stored(gallery)
    assert (row.status, row.aesthetic_score, row.nsfw) == ("failed", 7.5, True)
    assert row.document == before.document | {"error": "out of ink"}
    assert row.updated_at > before.updated_at
    assert row.created_at == before.created_at


def test_an_update_of_images_merges_them_with_those_that_stand_there(gallery: Gallery) -> None:
    write(gallery, generation(document={"images": [image(1, thumbnailUrl="t"), image(2)]}))
    change(gallery, "h1", {"images": [{"id": "i1", "width": 8}, image(3)]})
    assert stored(gallery).document["images"] == [image(1, thumbnailUrl="t", width=8), image(3)]


def test_an_update_of_nothing_finds_nothing(gallery: Gallery) -> None:
    with gallery.database.begin() as connection:
        assert not history.update(connection, "h1", {"status": "failed"})


REFUSED: tuple[dict[str, Any], ...] = (
    {"uid": "u2"}, {"id": "h2"}, {"createdAt": 0}, {"status": "done"}, {"visibility": None}, {"nsfw": 1},
    {"isDeleted": "no"}, {"aestheticScore": 11}, {"aestheticScore": True}, {"generationType": 3},
)  # fmt: skip


def test_an_update_that_makes_no_sense_is_refused_by_name(gallery: Gallery) -> None:
    write(gallery, generation())
    before = stored(gallery)
    for changes in REFUSED:
        with (
            gallery.database.begin() as connection,
            pytest.raises(InvalidInputError, match=f"h1.*{next(iter(changes))}"),
        ):
            history.update(connection, "h1", changes)
    assert stored(gallery) == before


def test_a_broken_document_is_mended_by_the_next_update(gallery: Gallery) -> None:
    write(gallery, generation())
    with gallery.database.begin() as connection:
        connection.execute(sa.text("UPDATE generation_history SET document = '[1]'"))
    change(gallery, "h1", {"images": [image(2)]})
    assert stored(gallery).document == {"images": [image(2)]}


def test_visibility_and_deletion_are_set_for_many_at_once(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}", is_public=False) for n in range(3)))
    with gallery.database.begin() as connection:
        assert history.set_visibility(connection, ["h0", "h1", "h9"], Visibility.PUBLIC) == 2
        assert history.soft_delete(connection, ["h0"]) == 1
        assert history.hard_delete(connection, ["h2", "h9"]) == 1
    assert (stored(gallery, "h0").is_visible, stored(gallery, "h1").is_visible) == (False, True)
    with gallery.database.begin() as connection:
        history.set_visibility(connection, ["h1"], Visibility.UNLISTED)
    assert not stored(gallery, "h1").is_visible


def test_every_real_change_has_a_greater_revision_and_no_other_has(gallery: Gallery) -> None:
    write(gallery, generation("h1"), generation("h2"))
    first = stored(gallery).revision
    change(gallery, "h1", {"prompt": "a fox"})
    assert stored(gallery).revision == first
    change(gallery, "h2", {"prompt": "two foxes"})
    change(gallery, "h1", {"prompt": "a vixen"})
    assert stored(gallery).revision > stored(gallery, "h2").revision > first


def test_a_writer_cannot_choose_the_revision(gallery: Gallery) -> None:
    write(gallery, generation())
    first = stored(gallery).revision
    with gallery.database.begin() as connection:
        connection.execute(sa.text("UPDATE generation_history SET revision = 99, nsfw = true"))
    assert stored(gallery).revision == first + 1


def test_an_outside_writer_who_forgets_the_time_of_the_change_is_helped(gallery: Gallery) -> None:
    write(gallery, generation())
    before = stored(gallery).updated_at
    with gallery.database.begin() as connection:
        connection.execute(sa.text("UPDATE generation_history SET nsfw = true"))
    assert stored(gallery).updated_at > before


def test_users_are_written_and_written_over(gallery: Gallery) -> None:
    with gallery.database.begin() as connection:
        history.save_users(connection, [User("u1", "fox", email="fox@example.org"), User("u2")])
        history.save_users(connection, [User("u1", "vixen")])
        rows = connection.execute(sa.text("SELECT uid, username, email FROM app_user ORDER BY uid")).all()
    assert [tuple(row) for row in rows] == [("u1", "vixen", None), ("u2", None, None)]
