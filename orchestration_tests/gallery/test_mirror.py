"""What the mirror shows after a drain, whatever was written and enqueued before it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.gallery import history
from orchestration.gallery.history import Visibility
from orchestration.gallery.mirror import MirrorHandler, MirrorResult
from orchestration.gallery.takedowns import lift, takedown
from orchestration.work_queue.model import NewTask, StaleClaimError
from orchestration_tests.gallery.mirroring import (
    change,
    claim,
    drain,
    effects,
    execute,
    generation,
    held,
    image,
    rename,
    shown,
    wait_until,
    waiting,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.gallery.gallery import Gallery
    from orchestration.gallery.mirror import Follow
    from orchestration.work_queue.claim import Claim


def enqueue(gallery: Gallery, key: str, payload: object) -> None:
    """What an outside writer asks for."""
    with gallery.database.begin() as connection:
        gallery.mirror_queue.enqueue(connection, [NewTask(key, payload, order_key=key)])


def handle(gallery: Gallery, claim: Claim[MirrorResult], follow: Follow | None = None) -> None:
    """What a drain does with a claim."""
    asyncio.run(
        MirrorHandler(gallery.database, gallery.mirror_queue, base_url=gallery.media_url, follow=follow).handle(claim)
    )


def test_a_public_generation_is_shown_whole_with_its_creator(gallery: Gallery) -> None:
    rename(gallery, "u1", "fox")
    drain(gallery)
    write(gallery, generation(generation_type="logo", aesthetic_score=8.5, document={"style": "ink"}))
    (done,) = drain(gallery)
    assert (done.history_id, done.op, done.effect, done.problem) == ("h1", "upsert", "added", None)
    assert 0 <= done.seconds < 30
    document = shown(gallery.database)["h1"]
    expected = {
        "id": "h1", "uid": "u1", "prompt": "a fox", "style": "ink", "images": [image(1)], "generationType": "logo",
        "aestheticScore": 8.5, "isPublic": True, "status": "completed",
        "createdBy": {
            "uid": "u1", "username": "fox", "displayName": "Fox", "photoURL": "https://photos/fox.jpg",
        },
    }  # fmt: skip
    assert {name: document[name] for name in expected} == expected
    with gallery.database.begin() as connection:
        row = connection.execute(sa.text("SELECT * FROM public_generation")).one()
        source = connection.execute(sa.text("SELECT * FROM generation_history")).one()
    assert (row.uid, row.generation_type, row.nsfw, row.aesthetic_score) == ("u1", "logo", False, 8.5)
    assert (row.source_revision, row.created_at, row.updated_at) == (
        source.revision, source.created_at, source.updated_at,
    )  # fmt: skip


def test_a_private_item_is_never_visible(gallery: Gallery) -> None:
    hidden: dict[str, dict[str, Any]] = {
        "private": {"visibility": Visibility.PRIVATE},
        "unlisted": {"visibility": Visibility.UNLISTED},
        "deleted": {"is_deleted": True},
        "not-public": {"is_public": False, "visibility": Visibility.PUBLIC},
    }
    write(gallery, *(generation(key, **fields) for key, fields in hidden.items()), generation("shown"))
    for key in hidden:
        enqueue(gallery, key, {"op": "upsert", "itemSnapshot": {"isPublic": True, "visibility": "public"}})
    reported = drain(gallery)
    assert set(shown(gallery.database)) == {"shown"}
    assert effects(reported) == dict.fromkeys(hidden, "unchanged") | {"shown": "added"}


@pytest.mark.parametrize("way", ["private", "unlisted", "deleted", "not public", "gone", "taken down"])
def test_what_is_taken_back_disappears(gallery: Gallery, way: str) -> None:
    write(gallery, generation("h1"), generation("h2"))
    drain(gallery)
    with gallery.database.begin() as connection:
        if way in {"private", "unlisted"}:
            history.set_visibility(connection, ["h1"], Visibility(way))
        elif way == "deleted":
            history.soft_delete(connection, ["h1"])
        elif way == "gone":
            history.hard_delete(connection, ["h1"])
        elif way == "taken down":
            takedown(connection, ["h1"], "asked for by its subject")
        else:
            history.update(connection, "h1", {"isPublic": False})
    assert effects(drain(gallery)) == {"h1": "removed"}
    assert set(shown(gallery.database)) == {"h2"}


def test_what_is_taken_down_stays_down_until_it_is_lifted(gallery: Gallery) -> None:
    write(gallery, generation())
    with gallery.database.begin() as connection:
        assert takedown(connection, ["h1"], "asked for") == 1
        assert takedown(connection, ["h1"], "asked for again") == 0
        assert takedown(connection, [], "nothing") == 0
    drain(gallery)
    change(gallery, "h1", {"prompt": "a vixen"})
    drain(gallery)
    assert shown(gallery.database) == {}
    with gallery.database.begin() as connection:
        assert lift(connection, ["h1", "h9"]) == 1
    drain(gallery)
    assert shown(gallery.database)["h1"]["prompt"] == "a vixen"


def test_the_order_and_the_number_of_tasks_do_not_matter(gallery: Gallery) -> None:
    write(gallery, generation())
    change(gallery, "h1", {"isDeleted": True})
    drain(gallery)
    for payload in ({"op": "upsert"}, {"op": "update", "updates": {"prompt": "forged", "isDeleted": False}}):
        enqueue(gallery, "h1", payload)
        drain(gallery)
        assert shown(gallery.database) == {}
    change(gallery, "h1", {"isDeleted": False})
    enqueue(gallery, "h1", {"op": "remove"})  # late: it was restored since
    assert effects(drain(gallery)) == {"h1": "added"}


def test_an_update_of_what_is_not_shown_yet_shows_all_of_it(gallery: Gallery) -> None:
    write(gallery, generation(document={"style": "ink"}))
    execute(gallery.database, "DELETE FROM task")
    enqueue(gallery, "h1", {"op": "update", "updates": {"status": "failed"}})
    assert effects(drain(gallery)) == {"h1": "added"}
    document = shown(gallery.database)["h1"]
    assert (document["style"], document["status"]) == ("ink", "completed")


def test_removing_what_is_not_there_is_no_error(gallery: Gallery) -> None:
    enqueue(gallery, "h1", {"op": "remove"})
    assert effects(drain(gallery)) == {"h1": "unchanged"}


def test_an_unknown_operation_is_refused_and_yet_leaves_nothing_visible(gallery: Gallery) -> None:
    write(gallery, generation())
    drain(gallery)
    change(gallery, "h1", {"isDeleted": True})
    enqueue(gallery, "h1", {"op": "explode"})  # in place of the removal
    (refused,) = drain(gallery)
    assert (refused.effect, refused.is_final) == ("failed", True)
    assert "'explode' is no operation" in str(refused.problem)
    assert shown(gallery.database) == {}


@pytest.mark.parametrize("payload", [None, "upsert", [], {}, {"op": None}])
def test_a_payload_without_an_operation_is_refused(gallery: Gallery, payload: object) -> None:
    enqueue(gallery, "h1", payload)
    assert effects(drain(gallery)) == {"h1": "failed"}


def test_one_bad_item_fails_alone(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}") for n in range(6)))
    execute(gallery.database, "UPDATE generation_history SET document = '[]' WHERE history_id = 'h1'")
    execute(gallery.database, "UPDATE generation_history SET document = '{\"x\": 1e9000}' WHERE history_id = 'h2'")
    too_long = "UPDATE generation_history SET generation_type = repeat(md5(random()::text), 1) WHERE history_id = 'h3'"
    execute(gallery.database, too_long.replace("repeat(md5(random()::text), 1)", _NOISE))
    reported = {one.history_id: one for one in drain(gallery)}
    failed = {key: str(one.problem) for key, one in reported.items() if one.effect == "failed"}
    assert set(failed) == {"h1", "h2", "h3"}
    assert "h1: the document in the history is not an object" in failed["h1"]
    assert "h2: the document in the history is not" in failed["h2"]
    assert "The database refuses h3" in failed["h3"]
    assert set(shown(gallery.database)) == {"h0", "h4", "h5"}


# Longer than an index entry can be, and too random to be compressed.
_NOISE = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 300) AS n)"


def test_a_bad_item_that_is_taken_back_disappears_all_the_same(gallery: Gallery) -> None:
    write(gallery, generation())
    drain(gallery)
    execute(gallery.database, "UPDATE generation_history SET document = '[]'")
    assert effects(drain(gallery)) == {"h1": "failed"}
    change(gallery, "h1", {"isPublic": False})
    assert effects(drain(gallery)) == {"h1": "removed"}


def test_content_that_is_the_same_writes_no_row(gallery: Gallery) -> None:
    write(gallery, generation())
    drain(gallery)
    row = "SELECT xmin::text, source_revision, mirrored_at FROM public_generation"
    with gallery.database.begin() as connection:
        before = connection.execute(sa.text(row)).one()
    enqueue(gallery, "h1", {"op": "upsert"})
    assert effects(drain(gallery)) == {"h1": "unchanged"}
    with gallery.database.begin() as connection:
        assert connection.execute(sa.text(row)).one() == before


def test_a_user_who_is_called_otherwise_is_so_on_all_items(gallery: Gallery) -> None:
    write(gallery, *(generation(f"h{n}", uid=f"u{n % 2}") for n in range(6)))
    drain(gallery)
    rename(gallery, "u1", "fox")
    assert effects(drain(gallery)) == dict.fromkeys(("h1", "h3", "h5"), "changed")
    names = {key: document["createdBy"]["username"] for key, document in shown(gallery.database).items()}
    assert names == {"h0": None, "h1": "fox", "h2": None, "h3": "fox", "h4": None, "h5": "fox"}


def test_variants_of_stored_images_are_shown_and_stay_while_the_address_does(gallery: Gallery) -> None:
    url = str(image(1)["url"])
    execute(gallery.database, _STORED, url=url)
    write(gallery, generation())
    drain(gallery)
    made = {
        "thumbnailUrl": f"{gallery.media_url}/media/thumbnail/t.jpg",
        "avifUrl": f"{gallery.media_url}/media/avif/a.avif",
        "blurDataUrl": "data:blur", "width": 800, "height": 600, "optimized": True,
    }  # fmt: skip
    assert shown(gallery.database)["h1"]["images"] == [image(1, **made)]
    change(gallery, "h1", {"images": [image(1, prompt="x")]})
    execute(gallery.database, "TRUNCATE media_variant, media_source, media CASCADE")
    drain(gallery)
    kept = {name: value for name, value in made.items() if name not in {"width", "height"}}
    assert shown(gallery.database)["h1"]["images"] == [image(1, prompt="x", **kept)]
    moved = image(1, prompt="x") | {"url": "https://images/other.png"}
    change(gallery, "h1", {"images": [moved]})
    drain(gallery)
    assert shown(gallery.database)["h1"]["images"] == [moved]


_STORED = """
WITH one AS (
    INSERT INTO media (content_hash, key, bytes, mime, width, height, blur)
    VALUES ('aa', 'media/aa.png', 3, 'image/png', 800, 600, 'data:blur') RETURNING content_hash
), two AS (
    INSERT INTO media_source (url, content_hash) SELECT :url, content_hash FROM one
)
INSERT INTO media_variant (content_hash, name, key, bytes, mime, width, height)
SELECT content_hash, name, key, 2, 'image/x', 1, 1 FROM one CROSS JOIN (
    VALUES ('thumbnail', 'media/thumbnail/t.jpg'), ('avif', 'media/avif/a.avif'), ('other', 'media/other')
) AS v (name, key)
"""


def test_what_follows_from_a_shown_document_is_in_its_transaction(gallery: Gallery) -> None:
    followed: list[str] = []

    def follow(connection: sa.Connection, documents: Sequence[Mapping[str, object]]) -> None:
        followed.extend(str(document["id"]) for document in documents)
        if len(followed) == 1:
            connection.execute(sa.text("INSERT INTO app_user (uid) VALUES ('u9')"))
            raise ZeroDivisionError

    write(gallery, generation())
    mine = held(gallery, claim(gallery))
    with pytest.raises(ZeroDivisionError):
        handle(gallery, mine, follow)
    assert (shown(gallery.database), waiting(gallery.database)) == ({}, {"h1": "upsert"})
    handle(gallery, mine, follow)
    assert followed == ["h1", "h1"]
    assert set(shown(gallery.database)) == {"h1"}


def test_keys_are_mirrored_whether_or_not_they_changed(gallery: Gallery) -> None:
    write(gallery, generation("h1"), generation("h2"))
    drain(gallery)
    execute(gallery.database, "DELETE FROM public_generation")
    assert effects(drain(gallery, ["h1", "h9"])) == {"h1": "added", "h9": "unchanged"}
    assert set(shown(gallery.database)) == {"h1"}


def test_a_worker_that_lost_its_claim_leaves_the_mirror_alone(gallery: Gallery) -> None:
    write(gallery, generation())
    late = held(gallery, claim(gallery))
    execute(gallery.database, "UPDATE task SET lease_until = now() - interval '1 second'")
    with gallery.database.begin() as connection:
        gallery.mirror_queue.reap(connection)
    execute(gallery.database, "UPDATE task SET run_at = now()")
    drain(gallery)
    execute(gallery.database, "DELETE FROM public_generation")
    with pytest.raises(StaleClaimError):
        handle(gallery, late)
    assert shown(gallery.database) == {}


def test_an_item_that_is_being_changed_does_not_hold_up_its_batch(gallery: Gallery) -> None:
    """And the change that commits while its item is claimed is mirrored by the task that it brings."""
    write(gallery, generation("h1"), generation("h2"))
    reported: list[MirrorResult] = []
    mine = held(gallery, claim(gallery), reported)
    with gallery.database.begin() as connection:
        history.update(connection, "h1", {"isPublic": False})
        worker = threading.Thread(target=handle, args=(gallery, mine))
        worker.start()
        wait_until(lambda: effects(reported) == {"h2": "added"})
        assert set(shown(gallery.database)) == {"h2"}
    worker.join(10)
    assert effects(mine.take_results()) == {"h1": "unchanged"}
    assert waiting(gallery.database) == {"h1": "remove"}
    assert effects(drain(gallery)) == {"h1": "unchanged"}


def test_a_change_waits_for_the_batch_that_has_claimed_its_item(gallery: Gallery) -> None:
    """So whatever the batch has read is still true when it commits."""
    write(gallery, generation())
    mine, reading, may_go_on = held(gallery, claim(gallery)), threading.Event(), threading.Event()

    def pause(_connection: sa.Connection, _documents: object) -> None:
        reading.set()
        assert may_go_on.wait(10)

    worker = threading.Thread(target=handle, args=(gallery, mine, pause))
    worker.start()
    assert reading.wait(10)
    writer = threading.Thread(target=change, args=(gallery, "h1", {"isPublic": False}))
    writer.start()
    writer.join(0.3)
    assert writer.is_alive()
    may_go_on.set()
    for thread in (worker, writer):
        thread.join(10)
    assert effects(drain(gallery)) == {"h1": "removed"}


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740993",
        "1234567890123456789012345",
        "0.1234567890123456789012",
        "1e-400",
        "1.0",
        "100000000.00000001",
    ],
)
def test_numbers_are_shown_with_every_digit_that_the_history_has(gallery: Gallery, number: str) -> None:
    document = f'{{"duration": {number}, "images": [{{"url": "https://x/1.png", "width": {number}}}]}}'
    execute(gallery.database, _NUMBERED, document=document)
    drain(gallery)
    with gallery.database.connect() as connection:
        pairs = connection.execute(_DURATIONS).one()
    assert pairs[0] == pairs[1]
    assert pairs[2] == pairs[3]


_NUMBERED = """
    INSERT INTO generation_history (history_id, uid, status, is_public, document)
    VALUES ('n', 'u', 'completed', true, CAST(:document AS jsonb))
"""
_DURATIONS = sa.text("""
    SELECT h.document ->> 'duration', p.document ->> 'duration', h.document #>> '{images,0,width}',
        p.document #>> '{images,0,width}' FROM generation_history AS h JOIN public_generation AS p USING (history_id)
""")
