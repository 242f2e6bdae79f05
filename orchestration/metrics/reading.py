"""From the rows of the two statements to metrics: every label set from the start, at 0.

Names for figures. Keep out: the statements, and asking the database.

Labels come from closed sets: the product's queues, the states of its machines, Dagster's statuses. Suppliers are the
only open one, so those beyond `MOST_SUPPLIERS` are shown together as `other`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from orchestration.metrics.sheet import Durations
from orchestration.mockups.statuses import JobStatus
from orchestration.notifications.tables import NotificationState
from orchestration.previews.jobs.states import Counted
from orchestration.prints.statuses import RenderState
from orchestration.work_queue.statistics import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    import sqlalchemy as sa

    from orchestration.metrics.sheet import Sheet
    from orchestration.work_queue.queue import TaskQueue

MOST_SUPPLIERS = 100
OTHER = "other"

SYNC_RESULTS = ("completed", "failed", "stopped")
# What the former system called the ends of its attempts, beside the outcomes that both have.
PREVIEW_SAME = {"success": Counted.COMPLETED, "failure": Counted.FAILED}
PREVIEW_ENDS = (Counted.COMPLETED, Counted.FAILED, Counted.CANCELLED, Counted.DRYRUN, Counted.INVALID)
PREVIEW_BOUNDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
RUN_STATUSES = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "SUCCESS", "FAILURE", "CANCELING", "CANCELED")
DAEMONS = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING", "BACKFILL")
TICK_KINDS = ("SENSOR", "SCHEDULE")
TICK_STATUSES = ("STARTED", "SUCCESS", "SKIPPED", "FAILURE")


class Figure(NamedTuple):
    """A number, and a second one where there is one: bytes, seconds, or a flag."""

    value: float = 0.0
    amount: float = 0.0


class Figures:
    """The rows of a statement, by figure, label and state; what is not there is zero."""

    def __init__(self, rows: Iterable[sa.Row[Any]]) -> None:
        self._found: defaultdict[str, dict[tuple[str, str], Figure]] = defaultdict(dict)
        for row in rows:
            amount = row.amount if "amount" in row._fields else 0.0
            self._found[row.figure][row.label, row.state] = Figure(float(row.value or 0.0), float(amount or 0.0))

    def of(self, figure: str, label: str = "", state: str = "") -> Figure:
        """One of them."""
        return self._found[figure].get((label, state), Figure())

    def has(self, figure: str, label: str = "", state: str = "") -> bool:
        """Whether there is such a row."""
        return (label, state) in self._found[figure]

    def labels(self, figure: str) -> list[str]:
        """The labels that a figure has, in order."""
        return sorted({label for label, _ in self._found[figure]})

    def durations(self, figure: str, label: str, bounds: Sequence[float]) -> Durations:
        """Those whose states are classes, as a histogram."""
        classes = [self.of(figure, label, str(number)) for number in range(len(bounds) + 1)]
        return Durations(bounds, [one.value for one in classes], sum(one.amount for one in classes))


def fill_domain(sheet: Sheet, found: Figures, queues: Sequence[TaskQueue], preview_queue: str) -> None:
    """Everything of the domain's database."""
    sheet.set("orchestration_database_schema_revision", found.of("revision").value)
    for queue in queues:
        _fill_queue(sheet, found, queue)
    _fill_suppliers(sheet, found)
    sheet.set("orchestration_catalogue_quarantined_documents", found.of("quarantine").value)
    for kind, counted in (("original", "media"), ("variant", "media_variant")):
        stored = found.of(counted, kind, "stored")
        sheet.set("orchestration_media_objects", stored.value, kind)
        sheet.set("orchestration_media_size_bytes", stored.amount, kind)
    for metric, counted, states in (
        ("orchestration_prints_tasks", "print_task", RenderState),
        ("orchestration_mockups_jobs", "render_job", (*JobStatus, "deleted")),
        ("orchestration_notifications_messages", "notification", NotificationState),
    ):
        for state in states:
            sheet.set(metric, found.of(counted, "", state).value, state)
    sheet.set("orchestration_canvas_collection_refused", found.of("collection").amount)
    sheet.set("orchestration_canvas_last_collection_timestamp_seconds", found.of("collection").value)
    sheet.set("orchestration_canvas_marked_media", found.of("marked").value)
    _fill_previews(sheet, found, preview_queue)


def _fill_queue(sheet: Sheet, found: Figures, queue: TaskQueue) -> None:
    name, delayed = queue.name, found.of("delayed", queue.name).value
    for state in ("active", "completed", "dead", "cancelled"):
        sheet.set("orchestration_queue_tasks", found.of("task", name, state).value, name, state)
    # Triggers count what stands; what is due is a question of the moment.
    waiting = found.of("task", name, "waiting").value
    sheet.set("orchestration_queue_tasks", max(0.0, waiting - delayed), name, "waiting")
    sheet.set("orchestration_queue_tasks", delayed, name, "delayed")
    limit = queue.policy.most_waiting
    sheet.set("orchestration_queue_limit_tasks", math.inf if limit is None else limit, name)
    sheet.set("orchestration_queue_promise_seconds", queue.policy.promise_seconds, name)
    sheet.set("orchestration_queue_oldest_task_seconds", max(0.0, found.of("oldest", name).value), name)
    sheet.set("orchestration_queue_longest_run_seconds", max(0.0, found.of("longest", name).value), name)
    sheet.set("orchestration_queue_paused", found.of("paused", name).value, name)
    for state in ("alive", "lost"):
        sheet.set("orchestration_queue_workers", found.of("workers", name, state).value, name, state)
    ended = {end: found.of("outcome", name, end).value for end in ("completed", "dead", "cancelled", "retried", "lost")}
    for end in ("completed", "dead", "cancelled"):
        sheet.set("orchestration_queue_outcomes_total", ended[end], name, end)
    sheet.set("orchestration_queue_attempts_total", sum(ended.values()) - ended["cancelled"], name)
    sheet.set("orchestration_queue_retries_total", ended["retried"], name)
    sheet.set("orchestration_queue_leases_lost_total", ended["lost"], name)
    sheet.set("orchestration_queue_wait_seconds", found.durations("waited", name, BOUNDS), name)
    sheet.set("orchestration_queue_run_seconds", found.durations("ran", name, BOUNDS), name)


def _fill_suppliers(sheet: Sheet, found: Figures) -> None:
    suppliers = found.labels("synced")
    shown, others = suppliers[:MOST_SUPPLIERS], suppliers[MOST_SUPPLIERS:]
    for label, codes in [(code, [code]) for code in shown] + ([(OTHER, others)] if others else []):
        for result in SYNC_RESULTS:
            ended = sum(found.of("sync_end", code, result).value for code in codes)
            sheet.set("orchestration_catalogue_syncs_total", ended, label, result)
        for state in ("listed", "removed"):
            families = sum(found.of("product_family", code, state).value for code in codes)
            sheet.set("orchestration_catalogue_families", families, label, state)
        watched = [found.of("synced", code) for code in codes if found.of("synced", code).amount]
        oldest = min((one.value for one in watched), default=found.of("synced", codes[0]).value)
        sheet.set("orchestration_catalogue_last_sync_timestamp_seconds", oldest, label)
        sheet.set("orchestration_catalogue_watched_suppliers", len(watched), label)
        sheet.set("orchestration_catalogue_running_syncs", sum(found.has("syncing", code) for code in codes), label)


def _fill_previews(sheet: Sheet, found: Figures, queue: str) -> None:
    for outcome in Counted:
        sheet.set("preview_worker_job_outcomes_total", found.of("preview", "", outcome).value, outcome)
    for word, same in PREVIEW_SAME.items():
        sheet.set("preview_worker_job_outcomes_total", found.of("preview", "", same).value, word)
    for outcome in PREVIEW_ENDS:
        sheet.set("preview_worker_jobs_total", found.of("preview", "", outcome).value, outcome)
    classes = [found.of("preview_end", str(number)) for number in range(len(PREVIEW_BOUNDS) + 1)]
    durations = Durations(PREVIEW_BOUNDS, [one.value for one in classes], sum(one.amount for one in classes))
    sheet.set("preview_worker_job_duration_seconds", durations)
    sheet.set("preview_worker_queue_size", found.of("task", queue, "waiting").value)
    sheet.set("preview_worker_active_jobs", found.of("task", queue, "active").value)


def fill_dagster(sheet: Sheet, found: Figures) -> None:
    """Everything of Dagster's own database."""
    for status in RUN_STATUSES:
        sheet.set("orchestration_dagster_runs", found.of("runs", "", status).value, status)
    for daemon in DAEMONS:
        age = max(0.0, found.of("heartbeat", daemon).value) if found.has("heartbeat", daemon) else math.inf
        sheet.set("orchestration_dagster_heartbeat_age_seconds", age, daemon)
    for kind in TICK_KINDS:
        for status in TICK_STATUSES:
            sheet.set("orchestration_dagster_ticks", found.of("ticks", kind, status).value, kind, status)
