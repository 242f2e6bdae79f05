"""The dashboard for Grafana, as code: `python -m orchestration.metrics.dashboard > deploy/monitoring/dashboard.json`.

Which panels there are, and what each asks. Keep out: alerts, which are rules of Prometheus.

Several APIs show the same database, so figures from there are the maximum over them, and what a process counts is their
sum.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final, NamedTuple

WIDTH: Final = 24
STAT_WIDTH, STAT_HEIGHT = 4, 4
GRAPH_WIDTH, GRAPH_HEIGHT = 8, 8


class Panel(NamedTuple):
    """A panel: its title, what is asked, as (expression, legend), and the unit of Grafana that the answer has."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"


class Stat(NamedTuple):
    """One number; from `bad` on it is red."""

    title: str
    query: str
    bad: float
    unit: str = "short"


def _rate(metric: str, by: str, of: str = "max") -> str:
    return f"sum by ({by}) ({of} without (instance) (rate({metric}[$__rate_interval])))"


def _quantile(share: float, metric: str, by: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket[$__rate_interval])))"


def _latest(metric: str, by: str) -> str:
    return f"max by ({by}) ({metric})"


STATS = (
    Stat("Alerts", 'count(ALERTS{alertstate="firing", severity!="none"}) or vector(0)', 1),
    Stat("Databases away", "count(orchestration_database_up == 0) or vector(0)", 1),
    Stat("Tasks due", 'sum(max by (queue) (orchestration_queue_tasks{state="waiting"}))', 100_000),
    Stat("Dead letters", 'sum(max by (queue) (orchestration_queue_tasks{state="dead"}))', 1),
    Stat(
        "Oldest task of its promise",
        "max(orchestration_queue_oldest_task_seconds / orchestration_queue_promise_seconds)",
        1,
        "percentunit",
    ),
    Stat("Private items shown", "max(orchestration_gallery_private_visible_items)", 1),
)

ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Queues": (
        Panel("Tasks due", ((_latest('orchestration_queue_tasks{state="waiting"}', "queue"), "{{queue}}"),)),
        Panel(
            "Active and delayed",
            ((_latest('orchestration_queue_tasks{state=~"active|delayed"}', "queue, state"), "{{queue}} {{state}}"),),
        ),
        Panel("Dead letters", ((_latest('orchestration_queue_tasks{state="dead"}', "queue"), "{{queue}}"),)),
        Panel("Age of the oldest due task", ((_latest("orchestration_queue_oldest_task_seconds", "queue"), "{{queue}}"),
            (_latest("orchestration_queue_promise_seconds", "queue"), "{{queue}} promise")), "s"),
        Panel("Ended tasks", ((_rate("orchestration_queue_outcomes_total", "queue, outcome"),
            "{{queue}} {{outcome}}"),), "ops"),
        Panel("Share that fails for good", ((
            (f'{_rate("""orchestration_queue_outcomes_total{outcome="dead"}""", "queue")} / '
            f'({_rate("""orchestration_queue_outcomes_total{outcome=~"completed|dead"}""", "queue")} > 0) '
            "or max by (queue) (orchestration_queue_paused) * 0"), "{{queue}}"),), "percentunit"),
        Panel("Running time", tuple((_quantile(share, "orchestration_queue_run_seconds", "queue"),
            f"{{{{queue}}}} p{round(100 * share)}") for share in (0.5, 0.95, 0.99)), "s"),
        Panel("Waiting time", tuple((_quantile(share, "orchestration_queue_wait_seconds", "queue"),
            f"{{{{queue}}}} p{round(100 * share)}") for share in (0.5, 0.95, 0.99)), "s"),
        Panel("Attempts, retries, lost leases", (
            (_rate("orchestration_queue_attempts_total", "queue"), "{{queue}} attempts"),
            (_rate("orchestration_queue_retries_total", "queue"), "{{queue}} retries"),
            (_rate("orchestration_queue_leases_lost_total", "queue"), "{{queue}} lost")), "ops"),
        Panel("Workers", ((_latest("orchestration_queue_workers", "queue, state"), "{{queue}} {{state}}"),)),
        Panel("Longest running task", ((_latest("orchestration_queue_longest_run_seconds", "queue"), "{{queue}}"),),
            "s"),
        Panel("Room taken, paused", (
            (('max by (queue) (sum without (state) (orchestration_queue_tasks{state=~"waiting|delayed"}) '
             "/ orchestration_queue_limit_tasks)"), "{{queue}}"),
            (_latest("orchestration_queue_paused", "queue"), "{{queue}} paused")), "percentunit"),
    ),
    "Catalogue and files": (
        Panel("Since the last sync", ((("time() - max by (supplier) "
            "(orchestration_catalogue_last_sync_timestamp_seconds)"), "{{supplier}}"),), "s"),
        Panel("Syncs of a day", (("max by (supplier, result) (increase(orchestration_catalogue_syncs_total[1d]))",
            "{{supplier}} {{result}}"), (_latest("orchestration_catalogue_running_syncs", "supplier"),
            "{{supplier}} running"))),
        Panel("Families", ((_latest("orchestration_catalogue_families", "supplier, state"), "{{supplier}} {{state}}"),
            ("max(orchestration_catalogue_quarantined_documents)", "quarantined"))),
        Panel("Stored pictures", ((_latest("orchestration_media_objects", "kind"), "{{kind}}"),)),
        Panel("Their bytes", ((_latest("orchestration_media_size_bytes", "kind"), "{{kind}}"),), "bytes"),
        Panel("Prints", ((_latest("orchestration_prints_tasks", "state"), "{{state}}"),)),
        Panel("Mockups", ((_latest("orchestration_mockups_jobs", "state"), "{{state}}"),)),
        Panel("Notifications", ((_latest("orchestration_notifications_messages", "state"), "{{state}}"),)),
        Panel("Canvas media", (("max(orchestration_canvas_marked_media)", "marked"),
            ("max(orchestration_canvas_collection_refused)", "last collection refused"))),
    ),
    "Previews": (
        Panel("Jobs", (("max(preview_worker_queue_size)", "waiting"), ("max(preview_worker_active_jobs)", "active"))),
        Panel("Outcomes", ((_rate("preview_worker_job_outcomes_total", "outcome"), "{{outcome}}"),), "ops"),
        Panel("Rendering time", tuple((_quantile(share, "preview_worker_job_duration_seconds"),
            f"p{round(100 * share)}") for share in (0.5, 0.95)), "s"),
    ),
    "Dagster": (
        Panel("Runs", ((_latest('orchestration_dagster_runs{status!~"SUCCESS|CANCELED"}', "status"), "{{status}}"),)),
        Panel("Since the daemons' last sign of life", ((
            _latest("orchestration_dagster_heartbeat_age_seconds", "daemon"), "{{daemon}}"),), "s"),
        Panel("Ticks of ten minutes", ((_latest("orchestration_dagster_ticks", "kind, status"),
            "{{kind}} {{status}}"),)),
    ),
    "Ground": (
        Panel("Free disk", (("min by (place) (orchestration_disk_free_bytes / orchestration_disk_size_bytes)",
            "{{place}}"),), "percentunit"),
        Panel("Database", (("max(orchestration_database_size_bytes)", "size"),), "bytes"),
        Panel("Time of a scrape", ((_latest("orchestration_database_scrape_seconds", "database"), "{{database}}"),),
            "s"),
        Panel("Requests", ((_rate("orchestration_api_requests_total", "status", "sum"), "{{status}}"),), "reqps"),
        Panel("Time of requests", tuple((_quantile(share, "orchestration_api_request_seconds"),
            f"p{round(100 * share)}") for share in (0.5, 0.95)), "s"),
        Panel("Memory and CPU of the API", (("max by (instance) (process_resident_memory_bytes)", "{{instance}}"),),
            "bytes"),
        Panel("Errors of the object store", ((_rate("orchestration_store_errors_total", "verdict", "sum"),
            "{{verdict}}"),), "ops"),
        Panel("Certificate of the object store ends in", (
            ("min(orchestration_store_certificate_expiry_timestamp_seconds) - time()", "store"),), "s"),
        Panel("Schema", (("max(orchestration_database_schema_revision)", "revision"),
            ("max(orchestration_database_schema_expected_revision)", "expected"))),
    ),
}  # fmt: skip


def build_dashboard() -> dict[str, Any]:
    """The dashboard in Grafana's own form, for any data source of the kind Prometheus."""
    panels = [_stat(number, stat) for number, stat in enumerate(STATS)]
    top = STAT_HEIGHT
    for title, row in ROWS.items():
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": _place(0, top, WIDTH, 1)})
        per_line = WIDTH // GRAPH_WIDTH
        for number, panel in enumerate(row):
            left, line = GRAPH_WIDTH * (number % per_line), number // per_line
            panels.append(_graph(panel, _place(left, top + 1 + GRAPH_HEIGHT * line, GRAPH_WIDTH, GRAPH_HEIGHT)))
        top += 1 + GRAPH_HEIGHT * -(-len(row) // per_line)
    return {
        "title": "Orchestration",
        "uid": "orchestration",
        "schemaVersion": 39,
        "tags": ["orchestration"],
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [panel | {"id": number} for number, panel in enumerate(panels, 1)],
    }


def _place(left: int, top: int, width: int, height: int) -> dict[str, int]:
    return {"x": left, "y": top, "w": width, "h": height}


def _stat(number: int, stat: Stat) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}, {"color": "red", "value": stat.bad}]
    return {
        **_panel("stat", stat.title, ((stat.query, ""),)),
        "gridPos": _place(STAT_WIDTH * number, 0, STAT_WIDTH, STAT_HEIGHT),
        "fieldConfig": {"defaults": {"unit": stat.unit, "thresholds": {"mode": "absolute", "steps": steps}}},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"},
    }


def _graph(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        **_panel("timeseries", panel.title, panel.queries),
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": {"fillOpacity": 8, "showPoints": "never"}}
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }


def _panel(kind: str, title: str, queries: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "type": kind,
        "title": title,
        "datasource": source,
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": source, "expr": expression, "legendFormat": legend}
            for number, (expression, legend) in enumerate(queries)
        ],
    }


if __name__ == "__main__":
    json.dump(build_dashboard(), sys.stdout, indent=1)
    sys.stdout.write("\n")
