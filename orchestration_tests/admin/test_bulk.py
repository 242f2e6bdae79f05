"""Bulk actions: a frozen set, a result for each item, stopped in between, and gone on with by another process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import pytest
import sqlalchemy as sa

from orchestration.admin import bulk, revival
from orchestration.admin.bulk import BulkRunner, NewBulk, create_bulk, list_items, read_bulk, states_now, stop_bulk
from orchestration.errors import LockTimeoutError, NotFoundError
from orchestration.runtime.requests import request_sensor
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestration.domains import Domains
    from orchestration.work_queue.queue import TaskQueue


def outcomes(factory: Domains, number: int) -> dict[str, str | None]:
    with factory.services.database.connect() as connection:
        return {one["key"]: one["outcome"] for one in list_items(connection, number)}


def test_a_set_is_frozen_and_each_item_has_its_result(factory: Domains, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "ITEMS_AT_ONCE", 4)
    queue, database = factory.catalogue.image_queue, factory.services.database
    runner = BulkRunner(factory)
    with database.begin() as connection:
        keys = [one.key for one in queue.dead(connection)]
        number, total = create_bulk(connection, NewBulk(queue.name, "ada", "the host is back"))
        assert total == len(keys) == 10
        queue.replay(connection, keys[:1])
        # One item that PostgreSQL refuses to touch, as a trigger of somebody's might.
        connection.execute(
            sa.text(f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN IF NEW.key = '{keys[1]}' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END$$;
            CREATE TRIGGER refuse BEFORE UPDATE ON task FOR EACH ROW EXECUTE FUNCTION refuse()""")
        )
    assert runner.step()
    assert list(outcomes(factory, number).values()).count(None) == 6, "four at a time"
    with database.begin() as connection:
        assert stop_bulk(connection, number, "grace")
        assert not stop_bulk(connection, number, "grace")
    assert not runner.step(), "a stopped set is left alone"
    with database.begin() as connection:
        found = read_bulk(connection, number)
        assert (found["state"], found["replayed"], found["gone"], found["failed"], found["open"]) == (
            "stopped",
            2,
            1,
            1,
            6,
        )
        assert states_now(connection, number) == {"waiting": 2}
        rest, left = create_bulk(connection, NewBulk(queue.name, "ada"))
        assert left == 7
    while BulkRunner(factory).step():
        pass
    assert sorted(map(str, outcomes(factory, rest).values())) == ["failed", *["replayed"] * 6]
    with database.begin() as connection:
        assert read_bulk(connection, rest)["state"] == "completed"
        with pytest.raises(NotFoundError, match="Nothing of that is dead"):
            create_bulk(connection, NewBulk("mirror", "ada"))


def test_an_item_that_somebody_has_locked_stays_open_and_the_others_go_on(
    factory: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LOCK_SECONDS", 0.05)
    with factory.services.database.begin() as connection:
        tasks = connection.execute(sa.text("SELECT id FROM print_task WHERE stl_render_state = 'failed'")).scalars()
        locked, free = map(str, tasks)
        for key in (locked, free):
            connection.execute(_DEAD, {"queue": "print", "key": key})
        number, _ = create_bulk(connection, NewBulk("print", "ada"))
    runner = BulkRunner(factory)
    with factory.services.database.begin() as stranger:
        stranger.execute(sa.text("SELECT FROM print_task WHERE id = :id FOR UPDATE"), {"id": int(locked)})
        assert runner.step()
        assert outcomes(factory, number) == {locked: None, free: "replayed"}
        with pytest.raises(LockTimeoutError, match="locked by others"):
            runner.step()
    while runner.step():
        pass
    assert outcomes(factory, number) == {locked: "replayed", free: "replayed"}


def test_a_stranger_who_has_locked_all_items_holds_a_set_up_for_one_wait(
    factory: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One wait for each of two hundred items would hold up the sensor of all requests, and stopping the set."""
    waits: list[str] = []

    def revive(domains: Domains, connection: sa.Connection, queue: TaskQueue, keys: Sequence[str]) -> Mapping[str, str]:
        waits.append(connection.execute(sa.text("SHOW lock_timeout")).scalar_one())
        return revival.revive(domains, connection, queue, keys)

    monkeypatch.setattr(bulk, "revive", revive)
    monkeypatch.setattr(bulk, "LOCK_SECONDS", 0.1)
    queue = factory.catalogue.image_queue
    with factory.services.database.begin() as connection:
        _, total = create_bulk(connection, NewBulk(queue.name, "ada"))
    with factory.services.database.begin() as stranger:
        stranger.execute(sa.text("SELECT FROM task WHERE state = 'dead' FOR UPDATE"))
        with pytest.raises(LockTimeoutError, match="locked by others"):
            BulkRunner(factory).step()
    assert waits == ["100ms", *["20ms"] * total]


def test_two_processes_do_not_work_on_one_set(factory: Domains) -> None:
    with factory.services.database.begin() as connection:
        create_bulk(connection, NewBulk("image-upload", "ada"))
    with factory.services.database.begin() as other:
        other.execute(sa.text("SELECT FROM bulk_action FOR UPDATE"))
        assert not BulkRunner(factory).step()
    assert BulkRunner(factory).step()


def test_prints_and_mockups_begin_again_as_their_domains_retry_them_and_a_tick_goes_on(factory: Domains) -> None:
    with factory.services.database.begin() as connection:
        done, failed = connection.execute(sa.text("SELECT id FROM print_task ORDER BY id LIMIT 2")).scalars()
        job = connection.execute(sa.text("SELECT id FROM render_job WHERE status = 'failed'")).scalar_one()
        for queue, key in (("print", str(done)), ("print", str(failed)), ("render-engine", job)):
            connection.execute(_DEAD, {"queue": queue, "key": key})
        prints, _ = create_bulk(connection, NewBulk("print", "ada"))
        mockups, _ = create_bulk(connection, NewBulk("render-engine", "ada"))
    # Nobody looks at a page: the sensor of requests finds what was left.
    sensor = request_sensor(factory.services, (), (), partial(BulkRunner(factory).resume, 60.0))
    with dg.DagsterInstance.ephemeral() as instance:
        tick(dg.Definitions(sensors=[sensor]), "requests_sensor", instance)
    with factory.services.database.connect() as connection:
        items = {one["key"]: one for number in (prints, mockups) for one in list_items(connection, number)}
        again = factory.mockups.render_queue.task(connection, items[job]["message"])
        states = [read_bulk(connection, number)["state"] for number in (prints, mockups)]
        assert factory.mockups.render_queue.dead(connection) == [], "another job does its work now"
    assert states == ["completed", "completed"]
    assert (items[str(done)]["outcome"], items[str(done)]["task_state"]) == ("failed", "dead")
    assert "has not failed" in items[str(done)]["message"]
    assert (items[str(failed)]["outcome"], items[str(failed)]["task_state"]) == ("replayed", "waiting")
    assert again is not None
    assert (again.key, items[job]["task_state"]) == (items[job]["message"], "waiting")


_DEAD = sa.text("""
INSERT INTO task (queue, key, state, reason, error, finished_at)
VALUES (:queue, :key, 'dead', 'permanent error', 'no', now())
ON CONFLICT (queue, key) WHERE state NOT IN ('completed', 'cancelled')
DO UPDATE SET state = 'dead', reason = excluded.reason, error = excluded.error, finished_at = now()""")
