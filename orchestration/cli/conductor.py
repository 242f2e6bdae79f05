"""Running jobs through Dagster in this process, on the instance that the UI sees too.

Belongs here: which jobs run, in what order, and why one failed. Does not: what they do.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from orchestration.assembly import build_definitions
from orchestration.domains import Domains
from orchestration.errors import ConfigurationError
from orchestration.runtime.instance import open_instance
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.recording import REASONS
from orchestration.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestration.settings import Settings
    from orchestration.work_queue.queue import TaskQueue

# A run that leaves nothing queued behind.
_UNTIL_EMPTY = {"idle_seconds": None}
# The command prints its own summary; the run's events are in the UI.
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class SyncOptions(NamedTuple):
    """What `orchestration sync` was asked for."""

    suppliers: Sequence[str] = ()
    full: bool = False
    allow_mass_removal: bool = False


class RunOutcome(NamedTuple):
    """How a run ended: `failed` are the reasons by partition key, `problems` those of steps that failed as a whole.

    `metadata` is what stands beside the materializations of whole assets, their plain values by name.
    """

    run_id: str
    success: bool
    failed: Mapping[str, str]
    problems: Sequence[str]
    metadata: Mapping[str, Any]


class Conductor:
    """Runs the product's jobs one after another; `problems` collects what went wrong beside single items."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance, domains: Domains) -> None:
        self._definitions = definitions
        self.instance = instance
        self.domains = domains
        self.catalogue = domains.catalogue
        self.gallery = domains.gallery
        self.prints = domains.prints
        self.problems: list[str] = []

    def sync(self, options: SyncOptions) -> None:
        """Plan the feed, and do all the work that it asks for; `catalogue.tally` counts it."""
        feed_config = {
            "keys": [encode_key(code) for code in options.suppliers],
            "full": options.full,
            "allow_mass_removal": options.allow_mass_removal,
        }
        planned = self.run("catalogue_sync", {"catalogue__supplier_feed": feed_config})
        self.problems += planned.failed.values()
        if self._has_work(self.catalogue.families):
            self.run("catalogue_import", {"catalogue__product_families": _UNTIL_EMPTY})
        if self._has_work(self.catalogue.images):
            self.run("catalogue_mirror", {"catalogue__family_images": _UNTIL_EMPTY})

    def render(self) -> None:
        """Make the variants that are queued."""
        self.run("catalogue_render", {"catalogue__image_variants": _UNTIL_EMPTY})

    def render_prints(self, **config: object) -> RunOutcome:
        """Render print tasks, as the run config of `prints/stl` has it; `prints.tally` counts them."""
        return self.run("prints_render", {"prints__stl": {**_UNTIL_EMPTY, **config}})

    def notify(self) -> None:
        """Tell the shop of finished prints, if there is anybody to be told."""
        if self._has_work(self.prints.outbox.queue):
            self.run("prints_notify", {"prints__order_updates": _UNTIL_EMPTY})

    def check_prints(self) -> None:
        """Look at what is standing wrong with prints."""
        self.run("prints_check", {})

    def drain_gallery(self) -> RunOutcome:
        """Bring the gallery's mirror in step with the history, and show it with its images' smaller forms."""
        outcome = self.run("gallery_mirror", {"gallery__public_generations": _UNTIL_EMPTY})
        if self._has_work(self.gallery.images) or self._has_work(self.gallery.variants):
            self.run("gallery_render", {"gallery__image_variants": _UNTIL_EMPTY})
            if self._has_work(self.gallery.mirror):
                self.run("gallery_mirror", {"gallery__public_generations": _UNTIL_EMPTY})
        return outcome

    def refresh_signup(self) -> RunOutcome:
        """Choose the signup images anew."""
        return self.run("gallery_signup", {})

    def check_gallery(self) -> None:
        """Look at what is standing wrong in the gallery."""
        self.run("gallery_check", {})

    def save_canvas(self) -> RunOutcome:
        """Save the canvas projects that are due."""
        return self.run("canvas_snapshot", {})

    def collect_media(self, **config: object) -> RunOutcome:
        """Mark and delete canvas media that nothing refers to; `domains.media.last` tells what came of it."""
        return self.run("canvas_collect", {"canvas__media_gc": config})

    def check_canvas(self) -> None:
        """Look at what is standing wrong with canvas projects and their media."""
        self.run("canvas_check", {})
        self.run("canvas_media_check", {})

    def check(self) -> None:
        """Look at what is standing wrong in the catalogue."""
        self.run("catalogue_check", {})

    def materialize(self, asset: str, names: Sequence[str] | None) -> RunOutcome:
        """Materialize `domain/noun` in one run: the partitions of `names`, or what its queue holds.

        A name is a partition key or what one stands for. Raises `ConfigurationError` for an asset that no job makes,
        and for names where it has no partitions.
        """
        key = dg.AssetKey(asset.split("/"))
        makers = self._makers()
        if key not in makers:
            known = ", ".join(sorted(made.to_user_string() for made in makers))
            raise ConfigurationError(f"No job makes {asset}; there are {known}")
        op = key.to_python_identifier()
        config: dict[str, Any] = {}
        if names is not None:
            config = {"keys": self._partition_keys(key, names)}
        elif self._definitions.resolve_job_def(makers[key]).graph.node_named(op).definition.has_config_field:
            config = _UNTIL_EMPTY
        return self.run(makers[key], {op: config}, only=key)

    def _partition_keys(self, asset: dg.AssetKey, names: Sequence[str]) -> list[str]:
        """Each name's partition key: itself when it is one, else its encoding."""
        partitions = self._definitions.resolve_asset_graph().get(asset).partitions_def
        if partitions is None:
            raise ConfigurationError(f"{asset.to_user_string()} has no partitions; leave --keys out")
        known = set(partitions.get_partition_keys(dynamic_partitions_store=self.instance))
        return [name if name in known else encode_key(name) for name in names]

    def run(self, job: str, config: Mapping[str, Mapping[str, Any]], only: dg.AssetKey | None = None) -> RunOutcome:
        """Execute a job here, all of it or one asset; `config` by op."""
        ops = {op: {"config": dict(values)} for op, values in config.items()}
        result = self._definitions.resolve_job_def(job).execute_in_process(
            {"ops": ops, "loggers": _QUIET},
            self.instance,
            asset_selection=[only] if only else None,
            raise_on_error=False,
        )
        outcome = _outcome(result)
        # Two steps that read one broken feed have one problem.
        self.problems = list(dict.fromkeys([*self.problems, *outcome.problems]))
        return outcome

    def _has_work(self, queue: TaskQueue) -> bool:
        with self.catalogue.database.connect() as connection:
            counts = queue.counts(connection)
        return bool(counts.waiting or counts.active or counts.delayed)

    def _makers(self) -> dict[dg.AssetKey, str]:
        """The job that makes each asset."""
        jobs = {job.name: self._definitions.resolve_job_def(job.name) for job in self._definitions.jobs or ()}
        return {key: name for name, job in jobs.items() for key in job.asset_layer.selected_asset_keys}


def _outcome(result: dg.ExecuteInProcessResult) -> RunOutcome:
    failed: dict[str, str] = {}
    problems = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data.user_failure_data
        reasons = data.metadata.get(REASONS) if data else None
        if isinstance(reasons, dg.JsonMetadataValue):
            failed |= reasons.data if isinstance(reasons.data, dict) else {}
        else:
            problems.append(_failure_reason(event))
    return RunOutcome(result.run_id, result.success, failed, problems, _metadata(result))


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The numbers and texts beside the run's materializations of whole assets."""
    made = (event.materialization for event in result.get_asset_materialization_events())
    whole = (one.metadata for one in made if one.partition is None)
    values = {name: value.value for metadata in whole for name, value in metadata.items()}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float)}


def _failure_reason(event: dg.DagsterEvent) -> str:
    """Why a step failed, in the words of whoever raised it."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else f"{event.step_key} failed"


@contextmanager
def conductor(settings: Settings) -> Iterator[Conductor]:
    """A conductor over the instance and the services of these settings."""
    services = Services(settings)
    domains = Domains(services)
    try:
        with open_instance(services) as instance:
            yield Conductor(build_definitions(settings, domains), instance, domains)
    finally:
        services.close()
