"""A real Prometheus scrapes the real API: the dashboard has data, and alerts follow what is done to the factory."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
import requests
import sqlalchemy as sa

from orchestration.metrics import probes
from orchestration.metrics.dashboard import build_dashboard
from orchestration.storage.database import Database
from orchestration_tests.metrics.prometheus import running_prometheus
from orchestration_tests.metrics.test_monitoring import MONITORING

if TYPE_CHECKING:
    from orchestration.services import Services

PROMETHEUS = shutil.which("prometheus")

PASSES = "SELECT 1"
# A series that begins with its fault has not risen, so its supplier is there before.
KNOWN = "INSERT INTO supplier (code, name) VALUES ('A1', 'A')"
# Each fault as it is done to the database, what takes it back, and the alerts that have to hear of it.
FAULTS = (
    (
        "INSERT INTO task (queue, key, run_at) VALUES ('image-upload', 'old', now() - interval '1 day')",
        "DELETE FROM task WHERE key = 'old'",
        {"QueueBehindPromise", "QueueHasNoWorker"},
    ),
    (
        "INSERT INTO task (queue, key, state, reason, finished_at) VALUES ('print', 'dead', 'dead', 'no', now())",
        "DELETE FROM task WHERE key = 'dead'",
        {"QueueHasDeadLetters"},
    ),
    (
        (
            "INSERT INTO task (queue, key, state, worker, lease_until, claimed_at) VALUES "
            "('mirror', 'stuck', 'active', 1, now(), now() - interval '1 hour')"
        ),
        "DELETE FROM task WHERE key = 'stuck'",
        {"QueueTaskStuck"},
    ),
    (
        "INSERT INTO task (queue, key) SELECT 'preview-jobs', n::text FROM generate_series(1, 22) AS n",
        "DELETE FROM task WHERE queue = 'preview-jobs'",
        {"QueueAlmostFull"},
    ),
    (
        "INSERT INTO task_pause (queue, paused_by) VALUES ('print', 'ada')",
        "DELETE FROM task_pause",
        {"QueuePaused"},
    ),
    (
        "UPDATE supplier SET discovered_at = now() - interval '3 days'",
        "UPDATE supplier SET auto_import = false",
        {"SupplierNotSynced"},
    ),
    (
        (
            "INSERT INTO public_generation (history_id, uid, nsfw, document, source_revision, content_hash, "
            "created_at, updated_at) VALUES ('h', 'u', false, '{}', 1, 'a', now(), now())"
        ),
        "DELETE FROM public_generation",
        {"MirrorShowsPrivateItems"},
    ),
    (
        (
            "INSERT INTO media_gc_run (started_at, is_dry_run, is_forced, ttl_days, grace_hours, refused_reason) "
            "VALUES (now() - interval '9 days', false, false, 30, 72, 'most of all')"
        ),
        (
            "INSERT INTO media_gc_run (started_at, is_dry_run, is_forced, ttl_days, grace_hours) "
            "VALUES (now(), false, false, 30, 72)"
        ),
        {"CanvasCollectionRefused", "CanvasCollectionLate"},
    ),
    (
        (
            "INSERT INTO task_statistic (queue, outcome, hour, waited_class, ran_class, tasks, waited_seconds, "
            "ran_seconds, is_folded) SELECT 'mirror', outcome, date_trunc('hour', now()), 0, 0, 200, 0, 0, false "
            "FROM unnest(ARRAY['completed', 'dead', 'lost']) AS outcome"
        ),
        PASSES,
        {"QueueFailureRateHigh", "QueueFailureRateRaised", "QueueWorkersDie"},
    ),
    (
        (
            "INSERT INTO preview_count AS c (outcome, total) VALUES ('started', 20), ('failed', 10) "
            "ON CONFLICT (outcome) DO UPDATE SET total = c.total + excluded.total"
        ),
        PASSES,
        {"PreviewJobHighFailureRate"},
    ),
    (
        (
            "INSERT INTO sync (supplier, status, step, finished_at) SELECT 'A1', 'failed', 'importing_families', now() "
            "FROM generate_series(1, 4)"
        ),
        PASSES,
        {"SupplierSyncsFail"},
    ),
    (
        "UPDATE alembic_version SET version_num = '0001'",
        "UPDATE alembic_version SET version_num = :head",
        {"SchemaRevisionWrong"},
    ),
)

# The same in Dagster's database; what is done to it also shows a daemon and its sensors alive.
DAGSTER_FAULTS = (
    (
        (
            "INSERT INTO daemon_heartbeats (daemon_type, timestamp) SELECT daemon, now() AT TIME ZONE 'UTC' "
            "FROM unnest(ARRAY['SENSOR', 'SCHEDULER', 'QUEUED_RUN_COORDINATOR', 'MONITORING', 'BACKFILL']) AS daemon"
        ),
        PASSES,
        set[str](),
    ),
    (
        (
            "INSERT INTO instigators (selector_id, instigator_type) VALUES ('s', 'SENSOR'); "
            "INSERT INTO job_ticks (selector_id, type, status, timestamp) "
            "SELECT 's', 'SENSOR', 'FAILURE', now() AT TIME ZONE 'UTC' FROM generate_series(1, 3)"
        ),
        "UPDATE job_ticks SET status = 'SUCCESS'",
        {"DagsterTicksFail"},
    ),
    (
        "INSERT INTO runs (run_id, status) SELECT n::text, 'QUEUED' FROM generate_series(1, 21) AS n",
        "DELETE FROM runs",
        {"DagsterRunsPileUp"},
    ),
)
NO_DAGSTER = {"DagsterDaemonSilent", "DagsterSensorsStopped"}
STORE_AWAY = {"ObjectStoreErrors", "ApiErrors"}


def run(database: Database, statements: list[str], head: str = "") -> None:
    with database.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), {"head": head} if ":head" in statement else {})


def ask_without_a_store(services: Services, base_url: str) -> None:
    """Ask for an object while the folder of the store is away."""
    link = services.links.sign("media/x", now=datetime.now(UTC)).url
    url = base_url + link.removeprefix(services.settings.public_url)
    folder = Path(url2pathname(urlsplit(services.settings.object_store_url).path))
    folder.rename(folder.with_name("away"))
    with requests.Session() as session:
        answers = {session.get(url, timeout=30).status_code for _ in range(70)}
    folder.with_name("away").rename(folder)
    assert answers == {503}


def expressions() -> list[str]:
    """Everything that the dashboard asks."""
    panels: list[dict[str, Any]] = build_dashboard()["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_the_dashboard_in_the_repository_is_that_of_the_code() -> None:
    assert json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8")) == build_dashboard()


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian: prometheus)")
def test_every_panel_has_data_and_alerts_fire_on_faults_and_clear(
    services: Services, base_url: str, tmp_path: Path, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "EVERY_SECONDS", 0.0)
    expected = {alert for *_, alerts in (*FAULTS, *DAGSTER_FAULTS) for alert in alerts} | STORE_AWAY
    run(services.database, [KNOWN])
    with services.database.connect() as connection:
        head = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    target, rules = urlsplit(base_url).netloc, MONITORING / "rules.yml"
    with (
        closing(Database(services.database_urls.dagster)) as dagster,
        running_prometheus(str(PROMETHEUS), tmp_path, target, rules, unused_tcp_port) as prometheus,
    ):
        prometheus.wait_until(fired={"OrchestrationWatchdog", *NO_DAGSTER})
        assert expected & prometheus.firing() == set(), "nothing but Dagster is away"
        run(services.database, [fault for fault, *_ in FAULTS], head)
        run(dagster, [fault for fault, *_ in DAGSTER_FAULTS])
        ask_without_a_store(services, base_url)
        prometheus.wait_until(fired=expected, silent=NO_DAGSTER)
        empty = [one for one in expressions() if not prometheus.query(one.replace("$__rate_interval", "1m"))]
        assert empty == []
        run(services.database, [cure for _, cure, _ in FAULTS], head)
        run(dagster, [cure for _, cure, _ in DAGSTER_FAULTS])
        prometheus.wait_until(silent=expected)
