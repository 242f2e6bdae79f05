"""Every metric: its name, its kind, its labels and its meaning.

The list that the exporter, the documentation and the tests read. Keep out: where the figures come from (`reading`).

Names are `orchestration_<domain>_<what>_<unit>`. Those of previews are the former system's, so that its dashboards go
on; the process's own are those of Prometheus's client library.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["gauge", "counter", "histogram"]


class Metric(NamedTuple):
    """One metric; a counter's samples end with `_total`, which is part of its name here."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str


METRICS = (
    Metric("orchestration_database_up", "gauge", ("database",), "1 while the database answers: `domain` or `dagster`"),
    Metric("orchestration_database_schema_revision", "gauge", (), "Revision of the domain's schema"),
    Metric("orchestration_database_schema_expected_revision", "gauge", (), "Revision that this version needs"),
    Metric("orchestration_database_size_bytes", "gauge", (), "Size of the domain's database"),
    Metric("orchestration_database_scrape_seconds", "gauge", ("database",), "How long the query of this scrape took"),
    Metric("orchestration_queue_tasks", "gauge", ("queue", "state"), "Tasks by state; `dead` are the dead letters"),
    Metric("orchestration_queue_limit_tasks", "gauge", ("queue",), "How many tasks may wait; +Inf without a limit"),
    Metric("orchestration_queue_oldest_task_seconds", "gauge", ("queue",), "How long the oldest due task has waited"),
    Metric("orchestration_queue_promise_seconds", "gauge", ("queue",), "How long a due task may wait"),
    Metric("orchestration_queue_longest_run_seconds", "gauge", ("queue",), "Since when the longest active one runs"),
    Metric("orchestration_queue_paused", "gauge", ("queue",), "1 while no task of the queue is claimed"),
    Metric("orchestration_queue_workers", "gauge", ("queue", "state"), "Workers: `alive`, or `lost` and not forgotten"),
    Metric(
        "orchestration_queue_outcomes_total",
        "counter",
        ("queue", "outcome"),
        "How tasks ended: `completed`, `dead` or `cancelled`",
    ),
    Metric("orchestration_queue_attempts_total", "counter", ("queue",), "Attempts that ended, however they did"),
    Metric("orchestration_queue_retries_total", "counter", ("queue",), "Attempts that failed and are tried again"),
    Metric("orchestration_queue_leases_lost_total", "counter", ("queue",), "Attempts that ended with their worker"),
    Metric("orchestration_queue_wait_seconds", "histogram", ("queue",), "From when a task was due until its claim"),
    Metric("orchestration_queue_run_seconds", "histogram", ("queue",), "From the claim until the attempt's end"),
    Metric("orchestration_catalogue_syncs_total", "counter", ("supplier", "result"), "Syncs that ended, by result"),
    Metric("orchestration_catalogue_running_syncs", "gauge", ("supplier",), "1 while a sync of the supplier runs"),
    Metric(
        "orchestration_catalogue_last_sync_timestamp_seconds",
        "gauge",
        ("supplier",),
        "When the last completed sync ended, or when the supplier was discovered, in Unix time",
    ),
    Metric("orchestration_catalogue_watched_suppliers", "gauge", ("supplier",), "1 if the supplier is to be synced"),
    Metric("orchestration_catalogue_families", "gauge", ("supplier", "state"), "Product families: `listed`, `removed`"),
    Metric("orchestration_catalogue_quarantined_documents", "gauge", (), "Documents that cannot be used"),
    Metric("orchestration_media_objects", "gauge", ("kind",), "Stored pictures: `original` and `variant`"),
    Metric("orchestration_media_size_bytes", "gauge", ("kind",), "Their bytes"),
    Metric("orchestration_prints_tasks", "gauge", ("state",), "Print tasks of orders by state"),
    Metric("orchestration_mockups_jobs", "gauge", ("state",), "Render jobs by state"),
    Metric("orchestration_gallery_private_visible_items", "gauge", (), "Items shown that are private, deleted or down"),
    Metric("orchestration_canvas_collection_refused", "gauge", (), "1 if the last collection of media was refused"),
    Metric("orchestration_canvas_last_collection_timestamp_seconds", "gauge", (), "When it began; 0 never"),
    Metric("orchestration_canvas_marked_media", "gauge", (), "Media that are marked to be deleted"),
    Metric("orchestration_notifications_messages", "gauge", ("state",), "Notifications by state"),
    Metric("preview_worker_job_outcomes_total", "counter", ("outcome",), "What became of preview jobs"),
    Metric("preview_worker_job_duration_seconds", "histogram", (), "How long completed preview jobs were rendered"),
    Metric("preview_worker_queue_size", "gauge", (), "Preview jobs that wait"),
    Metric("preview_worker_active_jobs", "gauge", (), "Preview jobs that are being rendered"),
    Metric("preview_worker_jobs_total", "counter", ("outcome",), "Preview jobs that ended"),
    Metric("orchestration_store_errors_total", "counter", ("verdict",), "Errors of the object store in this process"),
    Metric(
        "orchestration_store_certificate_expiry_timestamp_seconds",
        "gauge",
        (),
        "When the certificate of the object store ends, in Unix time; +Inf for a store without one",
    ),
    Metric("orchestration_disk_free_bytes", "gauge", ("place",), "Free bytes where the `home` or the `objects` are"),
    Metric("orchestration_disk_size_bytes", "gauge", ("place",), "All bytes there"),
    Metric("orchestration_dagster_runs", "gauge", ("status",), "Dagster's runs by status, those that are kept"),
    Metric(
        "orchestration_dagster_heartbeat_age_seconds",
        "gauge",
        ("daemon",),
        "Since when the daemon has shown no life; +Inf if it never did",
    ),
    Metric("orchestration_dagster_ticks", "gauge", ("kind", "status"), "Ticks of the last ten minutes"),
    Metric("orchestration_api_requests_total", "counter", ("status",), "Requests to this process, by class of status"),
    Metric("orchestration_api_request_seconds", "histogram", (), "How long they took"),
)
