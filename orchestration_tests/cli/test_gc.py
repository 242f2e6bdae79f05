"""`orchestration gc`: collect, rehearse, undo, reconcile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import sqlalchemy as sa

from orchestration.canvas.media_gc.uploads import Upload, store_media
from orchestration.storage.objects import ObjectStore
from orchestration_tests.conftest import dagster_storage

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.storage.database import Database
    from orchestration_tests.cli.conftest import Command


@pytest.fixture
def objects(variables: Path) -> ObjectStore:
    """The command's object store."""
    return ObjectStore((variables / "objects").as_uri())


@pytest.fixture
def media(database: Database, objects: ObjectStore) -> list[str]:
    """Nine media in use, and one, sixty days old, that nothing refers to."""
    names = [f"used-{number}" for number in range(9)]
    at = datetime.now(UTC) - timedelta(days=60)
    with database.begin() as connection:
        connection.execute(sa.text("INSERT INTO canvas_project (project_id, name, owner_uid) VALUES ('p', 'P', 'ada')"))
        for name in [*names, "dead"]:
            store_media(connection, objects, Upload(name, name.encode(), "bin"), at)
        element = sa.text("""
            INSERT INTO canvas_element (project_id, element_id, type, meta)
            VALUES ('p', CAST(:id AS text), 'image', jsonb_build_object('mediaId', CAST(:id AS text)))
        """)
        connection.execute(element, [{"id": name} for name in names])
    return names


def let_the_grace_pass(database: Database) -> None:
    """Make every mark due."""
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE media_gc_mark SET marked_at = '2020-01-01', delete_after = '2020-01-04'"))


@pytest.mark.usefixtures("media")
def test_a_medium_is_marked_and_later_deleted_and_dagster_sees_both(
    orchestration: Command, database: Database, objects: ObjectStore, shared_dagster_url: str
) -> None:
    rehearsed = orchestration("gc", "--dry-run", "--json")
    assert (rehearsed.code, rehearsed.json["dry_run"], rehearsed.json["marked"]) == (0, True, ["dead"])
    assert orchestration("gc", "--json").json["marked"] == ["dead"]
    let_the_grace_pass(database)

    rehearsed = orchestration("gc", "--dry-run", "--json")
    ended = orchestration("gc", "--json")
    for told in (rehearsed.json, ended.json):
        assert (told["deleted"], told["bytes"], told["media"], told["failed"]) == (["dead"], 4, 10, {})
    assert len(objects.sizes("canvas/media")) == 9
    with dg.instance_for_test(overrides=dagster_storage(shared_dagster_url)) as instance:
        events = instance.fetch_materializations(dg.AssetKey(["canvas", "media_gc"]), limit=4).records
    told = [event.asset_materialization.metadata["deleted"].value for event in events if event.asset_materialization]
    assert told == [1, 1, 0, 0]


@pytest.mark.usefixtures("media")
def test_people_read_a_table(orchestration: Command) -> None:
    ended = orchestration("gc", "--dry-run")
    assert ended.code == 0
    assert "Collection, as it would be" in ended.out
    assert "counts repaired" in ended.out


@pytest.mark.usefixtures("media")
def test_an_undone_collection_deletes_nothing(orchestration: Command, database: Database) -> None:
    number = orchestration("gc", "--json").json["collection"]
    undone = orchestration("gc", "--undo", number, "--json")
    assert (undone.code, undone.json) == (0, {"run_id": number, "kept": ["dead"], "deleted": []})
    let_the_grace_pass(database)
    assert orchestration("gc", "--json").json["deleted"] == []
    ended = orchestration("gc", "--undo", 4711)
    assert (ended.code, ended.out) == (1, "")
    assert "There was no collection 4711" in ended.err


def test_a_refused_collection_is_a_failure_with_its_reason(
    orchestration: Command, database: Database, media: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_GC_GUARD_MINIMUM", "5")
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM canvas_element WHERE element_id <> :kept"), {"kept": media[0]})
        connection.execute(sa.text("UPDATE canvas_media SET referenced_by_count = 0"))
    ended = orchestration("gc", "--json")
    assert ended.code == 1
    assert (ended.json["marked"], ended.json["refused"] in ended.err) == ([], True)
    assert "9 of 10 media (90 %) would go" in ended.err
    assert "use --allow share if that is meant" in ended.err
    assert orchestration("gc", "--allow", "orphans", "--json").code == 1
    assert len(orchestration("gc", "--allow", "share", "--json").json["marked"]) == 9


@pytest.mark.usefixtures("media")
def test_database_and_bucket_are_compared_to_the_byte(orchestration: Command, objects: ObjectStore) -> None:
    ended = orchestration("gc", "--reconcile", "--json")
    assert (ended.code, ended.json["difference"], ended.json["objects"]) == (0, 0, 10)
    key = min(objects.sizes("canvas/media"))
    size = objects.sizes("canvas/media")[key]
    assert objects.delete(key)
    ended = orchestration("gc", "--reconcile", "--json")
    assert (ended.code, ended.json["difference"], ended.json["missing"]) == (1, -size, {key: size})
    assert "missing" in orchestration("gc", "--reconcile").out


def test_media_younger_than_asked_for_are_left_alone(orchestration: Command, media: list[str]) -> None:
    assert orchestration("gc", "--ttl-days", 90, "--json").json["marked"] == []
    assert len(media) == 9


@pytest.mark.parametrize(
    "options", [("--undo", "1", "--force"), ("--reconcile", "--dry-run"), ("--undo", "one"), ("--ttl-days", "soon")]
)
def test_options_that_exclude_each_other_are_bad_usage(disconnected: Command, options: tuple[str, ...]) -> None:
    assert disconnected("gc", *options).code == 2
