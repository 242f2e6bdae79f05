"""What a scrape shows, and that it never fails, forgets or goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import requests
import sqlalchemy as sa

from orchestration.api.keys import Role, create_key
from orchestration.domains import Domains
from orchestration.errors import InvalidInputError
from orchestration.metrics import probes
from orchestration.metrics.catalogue import METRICS
from orchestration.metrics.exporter import Exporter
from orchestration.metrics.reading import MOST_SUPPLIERS
from orchestration.metrics.statements import DOMAIN
from orchestration.metrics.traffic import Traffic
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.migrate import head_revision
from orchestration.storage.row_counts import read_row_counts
from orchestration.work_queue.model import NewTask, Outcome
from orchestration.work_queue.queue import LOCK_CLASS
from orchestration_tests.api.test_outage import refuse_connections
from orchestration_tests.conftest import dagster_storage
from orchestration_tests.metrics.scraping import counters, scrape
from orchestration_tests.work_queue.queues import make_queue

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy.engine import URL

SERIES_BUDGET = 4_000
"""How many series one scrape may have, with all queues, and as many suppliers as are shown by name."""

QUEUE = make_queue("image-upload", attempts=2)


def enqueue(services: Services, *keys: str) -> None:
    with services.database.begin() as connection:
        QUEUE.enqueue(connection, [NewTask(key) for key in keys])


def settle(services: Services, count: int, error: Exception | None = None) -> None:
    with services.database.begin() as connection:
        QUEUE.settle(connection, [Outcome(task, error) for task in QUEUE.claim(connection, worker=1, limit=count)])


def test_every_metric_has_its_series_at_zero_before_anything_has_happened(base_url: str) -> None:
    first = scrape(base_url)
    known = {metric.name for metric in METRICS if "supplier" not in metric.labels}
    shown = {name.partition("{")[0] for name in first}
    assert known - {name for name in known if name in shown or f"{name}_bucket" in shown} == set()
    assert {name for name in shown if name.startswith("orchestration")} <= {
        name + end for name in (metric.name for metric in METRICS) for end in ("", "_bucket", "_count", "_sum")
    }
    assert first['orchestration_queue_outcomes_total{outcome="dead",queue="print"}'] == 0
    assert first['orchestration_queue_run_seconds_bucket{le="+Inf",queue="mirror"}'] == 0
    assert first['preview_worker_job_duration_seconds_bucket{le="30.0"}'] == 0
    assert first['orchestration_dagster_heartbeat_age_seconds{daemon="SENSOR"}'] == float("inf")
    assert first["orchestration_database_schema_revision"] == int(head_revision())
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= first.keys()
    assert len(first) < SERIES_BUDGET / 2
    assert scrape(base_url, "/api/metrics").keys() == first.keys(), "the same later and under the former name"


def test_counters_never_go_back_over_retries_deaths_replays_pruning_and_a_new_process(
    services: Services, base_url: str
) -> None:
    states = [scrape(base_url)]

    def check() -> None:
        states.append(scrape(base_url))
        before, after = map(counters, states[-2:])
        assert {name for name in before if before[name] > after.get(name, -1.0)} == set()

    enqueue(services, *"abcdef")
    settle(services, 2)
    check()
    settle(services, 1, ValueError("again"))
    settle(services, 1, InvalidInputError("never"))
    check()
    with services.database.begin() as connection:
        connection.execute(sa.text("UPDATE task SET finished_at = now() - interval '1 year' WHERE state = 'completed'"))
        QUEUE.replay(connection)
        QUEUE.prune(connection)
    check()
    with services.database.begin() as connection:
        QUEUE.reap(connection)
        QUEUE.prune(connection)
        QUEUE.prune(connection)
    check()
    last = states[-1]
    assert last['orchestration_queue_outcomes_total{outcome="completed",queue="image-upload"}'] == 2
    assert last['orchestration_queue_outcomes_total{outcome="dead",queue="image-upload"}'] == 1
    assert last['orchestration_queue_attempts_total{queue="image-upload"}'] == 4
    assert last['orchestration_queue_run_seconds_count{queue="image-upload"}'] == 4
    assert last['orchestration_queue_tasks{queue="image-upload",state="completed"}'] == 0, "pruned"
    assert last['orchestration_queue_tasks{queue="image-upload",state="waiting"}'] == 3, "and one is delayed"
    assert last['orchestration_queue_oldest_task_seconds{queue="image-upload"}'] > 0
    assert last['orchestration_api_requests_total{status="2xx"}'] == len(states) - 1


def test_what_triggers_count_is_what_stands_whatever_is_done_by_hand(services: Services) -> None:
    enqueue(services, *map(str, range(50)))
    for statement in (
        "UPDATE task SET queue = 'mirror' WHERE key < '3'",
        "UPDATE task SET state = 'dead', reason = 'x', finished_at = now() WHERE key LIKE '%1'",
        "DELETE FROM task WHERE key LIKE '%2'",
        "INSERT INTO supplier (code, name) VALUES ('A1', 'A')",
        "INSERT INTO media SELECT h, h, 7, 'x', 1, 1 FROM unnest(ARRAY['a', 'b']) AS h",
        "UPDATE media SET bytes = 5 WHERE key = 'b'",
        "UPDATE media SET bytes = bytes + 1",
        "DELETE FROM media WHERE key = 'a'",
    ):
        with services.database.begin() as connection:
            connection.execute(sa.text(statement))
            QUEUE.prune(connection)
    with services.database.connect() as connection:
        counted = {key: count.rows for key, count in read_row_counts(connection, "task").items() if count.rows}
        counts = connection.execute(sa.text("SELECT queue, state, count(*) FROM task GROUP BY queue, state"))
        assert counted == {(queue, state): number for queue, state, number in counts}
        assert read_row_counts(connection, "media")["original", "stored"] == (1, 6.0)
    services.close()


_MANY = sa.text("""
INSERT INTO supplier (code, name, auto_import)
SELECT 'S' || lpad(CAST(n AS text), 4, '0'), 'S', n <> 1 FROM generate_series(1, :suppliers) AS n""")
_SYNCS = sa.text("""
INSERT INTO sync (supplier, status, finished_at) SELECT code, 'completed', '2020-01-01 00:00Z' FROM supplier""")
_RUNNING = sa.text("INSERT INTO sync (supplier) SELECT code FROM supplier")
_FAILED = sa.text("UPDATE sync SET status = 'failed' WHERE status = 'running' AND supplier <> 'S0002'")


def test_more_suppliers_than_have_a_name_are_one_and_stay_within_the_budget(services: Services, base_url: str) -> None:
    with services.database.begin() as connection:
        connection.execute(_MANY, {"suppliers": MOST_SUPPLIERS + 50})
        connection.execute(_SYNCS)
        connection.execute(_RUNNING)
        connection.execute(_FAILED)
    found = scrape(base_url)
    assert len(found) < SERIES_BUDGET
    assert found['orchestration_catalogue_syncs_total{result="failed",supplier="other"}'] == 50
    assert found['orchestration_catalogue_syncs_total{result="completed",supplier="S0001"}'] == 1
    assert found['orchestration_catalogue_running_syncs{supplier="S0002"}'] == 1
    assert found['orchestration_catalogue_watched_suppliers{supplier="S0001"}'] == 0
    assert found['orchestration_catalogue_last_sync_timestamp_seconds{supplier="S0003"}'] == 1577836800


def test_dagster_is_seen_from_outside(services: Services, base_url: str, dagster_url: str) -> None:
    with dg.instance_for_test(overrides=dagster_storage(dagster_url)) as instance:

        @dg.job
        def nothing() -> None:
            pass

        assert nothing.execute_in_process(instance=instance).success
        with services.database.connect() as connection:
            now = connection.execute(sa.text("SELECT extract(epoch FROM now())::float8")).scalar_one()
        heartbeat = dg._daemon.types.DaemonHeartbeat(now - 100, "SENSOR", "1", [])
        instance.add_daemon_heartbeat(heartbeat)
    found = scrape(base_url)
    assert found['orchestration_dagster_runs{status="SUCCESS"}'] == 1
    assert 90 < found['orchestration_dagster_heartbeat_age_seconds{daemon="SENSOR"}'] < 200
    assert found['orchestration_database_up{database="dagster"}'] == 1


def test_while_the_database_is_away_a_scrape_says_so_and_shows_the_process(
    base_url: str, server_url: URL, database_url: str
) -> None:
    before = scrape(base_url)
    refuse_connections(server_url, database_url, refuse=True)
    try:
        away = scrape(base_url)
    finally:
        refuse_connections(server_url, database_url, refuse=False)
    assert away['orchestration_database_up{database="domain"}'] == 0
    assert away['orchestration_database_up{database="dagster"}'] == 1
    assert away["process_resident_memory_bytes"] > 0
    assert not any(name.startswith(("orchestration_queue", "preview")) for name in away), "no old values"
    back = scrape(base_url)
    assert back.keys() == before.keys()
    assert back['orchestration_database_up{database="domain"}'] == 1


def test_a_scrape_does_not_fail_for_a_folder_or_a_server_that_is_not_there(tmp_path: Path) -> None:
    nowhere = Settings(
        home=tmp_path / "home",
        database_url="postgresql://nobody@127.0.0.1:9/none",
        object_store=(tmp_path / "gone" / "objects").as_uri(),
    )
    text = Exporter(Domains(Services(nowhere)), Traffic()).scrape().decode()
    assert 'orchestration_database_up{database="domain"} 0.0' in text
    assert 'orchestration_disk_free_bytes{place="home"}' in text
    assert 'place="objects"' not in text


def test_a_probe_that_cannot_look_leaves_its_figure_out_and_the_others_go_on(
    services: Services, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "EVERY_SECONDS", 0.0)
    shown, size = "orchestration_gallery_private_visible_items", "orchestration_database_size_bytes"
    assert scrape(base_url)[shown] == 0
    with services.database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE gallery_takedown RENAME TO elsewhere"))
    # The look is beside the scrapes, each of which begins another when the last is over.
    assert any(shown not in (series := scrape(base_url)) for _ in range(100))
    assert size in series
    assert size in scrape(base_url)


def test_only_readers_may_scrape_once_there_are_keys(services: Services, base_url: str) -> None:
    with services.database.begin() as connection:
        _, key = create_key(connection, "prometheus", Role.READ)
    assert requests.get(f"{base_url}/metrics", timeout=30).status_code == 401
    answer = requests.get(f"{base_url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_no_part_of_a_scrape_walks_the_tasks(services: Services) -> None:
    """With a million rows it takes as long as with none: each is found by an index, or was counted before."""
    with services.database.begin() as connection:
        connection.execute(
            sa.text("""
            INSERT INTO task (queue, key) SELECT 'image-upload', CAST(n AS text) FROM generate_series(1, 3000) AS n""")
        )
    with services.database.connect() as connection:
        connection.execute(sa.text("VACUUM ANALYZE task"))
        plan = connection.execute(
            sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {DOMAIN.text}"),
            {"queues": ["image-upload"], "lock_class": LOCK_CLASS},
        ).scalar_one()
    services.close()
    read_rows = [step["Actual Rows"] for step in steps(plan[0]["Plan"]) if step.get("Relation Name") == "task"]
    assert read_rows, "the plan looks at tasks"
    assert max(read_rows) <= 1


def steps(plan: dict) -> list[dict]:  # type: ignore[type-arg]  # PostgreSQL's own
    """A plan's steps."""
    return [plan, *(step for child in plan.get("Plans", ()) for step in steps(child))]
