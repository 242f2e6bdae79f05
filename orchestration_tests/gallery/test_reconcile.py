"""MirrorDiff between the mirror and the history is found, reported and repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import User
from orchestration.gallery.reconcile import MirrorDiff, drifted_items, find_drift, repair
from orchestration.gallery.takedowns import takedown
from orchestration_tests.gallery.mirroring import change, drain, effects, execute, generation, rename, shown, write

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery

COUNT = 40


@pytest.fixture
def mirrored(gallery: Gallery) -> Gallery:
    """A gallery in step, and some items that nobody may see."""
    rename(gallery, "u1", "fox")
    write(gallery, *(generation(f"h{n}", f"u{n % 3}", aesthetic_score=n / 8) for n in range(COUNT)))
    write(gallery, *(generation(f"private{n}", is_public=False) for n in range(COUNT)))
    with gallery.database.begin() as connection:
        takedown(connection, ["h9"], "asked for")
    drain(gallery)
    return gallery


def drift_of(gallery: Gallery) -> MirrorDiff:
    with gallery.database.begin() as connection:
        return find_drift(connection)


def repaired(gallery: Gallery) -> dict[str, str]:
    """Ask for what differs, and drain."""
    with gallery.database.begin() as connection:
        repair(connection, gallery.mirror_queue, find_drift(connection))
    return effects(drain(gallery))


def without_triggers(gallery: Gallery, statement: str) -> None:
    """What somebody does who goes around everything."""
    execute(gallery.database, f"SET LOCAL session_replication_role = replica; {statement}")


def test_a_mirror_in_step_has_no_drift(mirrored: Gallery) -> None:
    assert drift_of(mirrored) == MirrorDiff(COUNT - 1, COUNT - 1, 0, (), (), ())
    with mirrored.database.begin() as connection:
        assert drifted_items(connection).total == 0


def test_an_empty_gallery_has_no_drift(gallery: Gallery) -> None:
    assert drift_of(gallery) == MirrorDiff(0, 0, 0, (), (), ())


EXTRA = {
    "made private behind our back": "UPDATE generation_history SET is_public = false, visibility = 'private' "
    "WHERE history_id = 'h3'",
    "deleted behind our back": "DELETE FROM generation_history WHERE history_id = 'h3'",
    "taken down behind our back": "INSERT INTO gallery_takedown (history_id, reason) VALUES ('h3', '')",
}
STALE = {
    "history": "UPDATE generation_history SET document = '{}', revision = 10000 WHERE history_id = 'h3'",
    "document": "UPDATE public_generation SET document = '{\"prompt\": \"forged\"}' WHERE history_id = 'h3'",
    "score": "UPDATE public_generation SET aesthetic_score = 10 WHERE history_id = 'h3'",
    "type": "UPDATE public_generation SET generation_type = 'logo' WHERE history_id = 'h3'",
    "nsfw": "UPDATE public_generation SET nsfw = true WHERE history_id = 'h3'",
    "time": "UPDATE public_generation SET created_at = '2020-01-01' WHERE history_id = 'h3'",
    "hash": "UPDATE public_generation SET content_hash = '' WHERE history_id = 'h3'",
}


def test_every_leak_is_found_and_closed(mirrored: Gallery) -> None:
    for number, (name, statement) in enumerate(EXTRA.items()):
        key = f"h{number}"
        without_triggers(mirrored, statement.replace("h3", key))
        assert drift_of(mirrored).extra == (key,), name
        assert repaired(mirrored) == {key: "removed"}, name
        assert key not in shown(mirrored.database)
    assert drift_of(mirrored).total == 0


def test_every_stale_row_is_found_and_rewritten(mirrored: Gallery) -> None:
    for number, (name, statement) in enumerate(STALE.items()):
        key = f"h{number}"
        without_triggers(mirrored, statement.replace("h3", key))
        assert drift_of(mirrored).stale == (key,), name
        assert repaired(mirrored) == {key: "changed"}, name
    assert drift_of(mirrored).total == 0


def test_a_missing_item_is_found_and_shown(mirrored: Gallery) -> None:
    execute(mirrored.database, "DELETE FROM public_generation WHERE history_id = 'h3'")
    found = drift_of(mirrored)
    assert (found.missing, found.source - found.mirror, found.ranges) == (("h3",), 1, 1)
    assert repaired(mirrored) == {"h3": "added"}
    assert drift_of(mirrored).total == 0


def test_a_user_renamed_behind_our_back_makes_their_items_stale(mirrored: Gallery) -> None:
    without_triggers(mirrored, "UPDATE app_user SET display_name = 'Vixen' WHERE uid = 'u1'")
    mine = {f"h{n}" for n in range(COUNT) if n % 3 == 1}
    assert set(drift_of(mirrored).stale) == mine
    assert repaired(mirrored) == dict.fromkeys(mine, "changed")
    assert drift_of(mirrored).total == 0


def test_what_is_only_behind_is_no_drift(mirrored: Gallery) -> None:
    change(mirrored, "h3", {"isPublic": False})
    change(mirrored, "h4", {"prompt": "a vixen"})
    rename(mirrored, "u2", "badger")
    found = drift_of(mirrored)
    assert (found.total, found.ranges > 0) == (0, True)


def test_an_item_whose_task_was_given_up_is_drift(mirrored: Gallery) -> None:
    execute(mirrored.database, "UPDATE generation_history SET document = '[]' WHERE history_id = 'h3'")
    drain(mirrored)
    assert drift_of(mirrored).stale == ("h3",)


def test_a_lost_mirror_is_made_anew(mirrored: Gallery) -> None:
    before = shown(mirrored.database)
    execute(mirrored.database, "TRUNCATE public_generation CASCADE")
    assert len(drift_of(mirrored).missing) == COUNT - 1
    repaired(mirrored)
    assert shown(mirrored.database) == before


def test_the_finding_names_leaks_first_and_says_what_to_do(mirrored: Gallery) -> None:
    without_triggers(mirrored, "DELETE FROM generation_history WHERE history_id = 'h5'")
    execute(mirrored.database, "DELETE FROM public_generation WHERE history_id = 'h3'")
    with mirrored.database.begin() as connection:
        finding = drifted_items(connection)
    assert finding.total == 2
    assert finding.examples == [("h5", "shown, and must not be"), ("h3", "missing")]
    assert "Shown and must not be: 1." in finding.remedy


WRITTEN = """
    INSERT INTO generation_history (history_id, uid, is_public, status, document)
    VALUES ('odd', :uid, true, 'completed', CAST(:document AS jsonb))
"""
CREATORS = {
    "names that are addresses": ("u8", '{"createdBy": {"uid": "u8", "username": "x"}}'),
    "known to the item alone": ("u9", '{"createdBy": {"uid": "u9", "username": "fox", "photoURL": "https://p/f.jpg"}}'),
    "somebody else's": ("u9", '{"createdBy": {"uid": "u1", "username": "fox"}}'),
    "addresses in the item": ("u9", '{"createdBy": {"uid": "u9", "username": "fox@example.org", "photoURL": "x"}}'),
}


@pytest.mark.parametrize("case", CREATORS)
def test_the_comparison_knows_what_of_a_creator_is_shown(gallery: Gallery, case: str) -> None:
    uid, document = CREATORS[case]
    user = User("u8", "ada@example.org", "Ada\uff20example.org", "a@b", "https://photos/ada%40example.org.jpg")
    with gallery.database.begin() as connection:
        history.save_users(connection, [user])
    execute(gallery.database, WRITTEN, uid=uid, document=document)
    drain(gallery)
    assert drift_of(gallery).total == 0
    creator = shown(gallery.database)["odd"]["createdBy"]
    known = {"known to the item alone": ("fox", "https://p/f.jpg")}.get(case, (None, None))
    assert creator == {"uid": uid, "username": known[0], "displayName": None, "photoURL": known[1]}


def test_a_dead_task_of_an_item_that_is_still_the_same_is_left_with_its_history(mirrored: Gallery) -> None:
    execute(mirrored.database, WRITTEN, uid="u1", document='{"images": "no list"}')
    drain(mirrored)
    assert dead(mirrored) == {"odd"}
    for _ in range(2):
        assert drift_of(mirrored).missing == ("odd",)
        assert repaired(mirrored) == {}
    assert dead(mirrored) == {"odd"}
    execute(mirrored.database, "UPDATE generation_history SET document = '{}' WHERE history_id = 'odd'")
    drain(mirrored)
    assert "odd" in shown(mirrored.database)


def test_what_must_not_be_shown_is_tried_again_whatever_became_of_it(mirrored: Gallery) -> None:
    execute(
        mirrored.database,
        "INSERT INTO task (queue, key, payload, state, finished_at, reason)"
        " VALUES ('mirror', 'h3', 'null', 'dead', now(), 'x')",
    )
    without_triggers(mirrored, "DELETE FROM generation_history WHERE history_id = 'h3'")
    assert repaired(mirrored) == {"h3": "removed"}


def dead(gallery: Gallery) -> set[str]:
    """The dead letters of the mirror."""
    with gallery.database.connect() as connection:
        rows = connection.execute(sa.text("SELECT key FROM task WHERE queue = 'mirror' AND state = 'dead'"))
        return set(rows.scalars())
