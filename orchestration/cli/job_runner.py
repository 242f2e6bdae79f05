"""Running jobs through Dagster in this process, on the instance that the UI sees too.

It runs a job and reports how it ended. Keep out: which jobs a command runs; that stands with each domain's commands.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

from orchestration.assembly import build_definitions
from orchestration.cli.failures import step_failure
from orchestration.domains import DOMAINS, Domains
from orchestration.errors import ConfigurationError, StoppedError
from orchestration.imports import lasting
from orchestration.runtime.assets import op_config, pool_limits
from orchestration.runtime.drains import DrainConfig
from orchestration.runtime.instance import open_instance
from orchestration.runtime.orphans import end_killed_runs, process_tags
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.recording import REASONS
from orchestration.runtime.shutdown import GracefulShutdown
from orchestration.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestration.settings import Settings
    from orchestration.work_queue.queue import TaskQueue

# A run that leaves nothing queued behind.
UNTIL_EMPTY = DrainConfig(idle_seconds=None)
# The command prints its own summary; the run's events are in the UI.
_QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


class FailedCheck(NamedTuple):
    """An asset check that found something: how much, and what to do about it."""

    name: str
    found: int
    remedy: str


class RunOutcome(NamedTuple):
    """How a run ended: `failed` are the reasons by partition key, `problems` those of steps that failed as a whole.

    `metadata` is what stands beside the materializations of whole assets, their plain values by name; `checks` are the
    asset checks that found something.
    """

    run_id: str
    success: bool
    failed: Mapping[str, str]
    problems: Sequence[str]
    metadata: Mapping[str, Any]
    checks: Sequence[FailedCheck] = ()


NOTHING_DONE = RunOutcome("", success=True, failed={}, problems=(), metadata={})
"""The outcome of a run that was not needed."""


class JobRunner:
    """Runs the product's jobs; `problems` collects what went wrong beside single items."""

    def __init__(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, domains: Domains, shutdown: GracefulShutdown
    ) -> None:
        self._definitions = definitions
        self.shutdown = shutdown
        self.instance = instance
        self.domains = domains
        self.problems: list[str] = []

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
        made = self._definitions.resolve_assets_def(key)
        op = made.op.name
        config: DrainConfig | None = None
        if names is not None:
            config = DrainConfig(keys=self._partition_keys(key, names))
        elif self._definitions.resolve_job_def(makers[key]).graph.node_named(op).definition.has_config_field:
            config = UNTIL_EMPTY
        # Assets that one step makes are made together: their lineage among each other asks a run for its partition tag.
        only = key if len(made.keys) == 1 else None
        return self.run(makers[key], op_config(op, config) if config else None, only=only)

    def _partition_keys(self, asset: dg.AssetKey, names: Sequence[str]) -> list[str]:
        """Each name's partition key: itself when it is one, else its encoding."""
        partitions = self._definitions.resolve_asset_graph().get(asset).partitions_def
        if partitions is None:
            raise ConfigurationError(f"{asset.to_user_string()} has no partitions; leave --keys out")
        known = set(partitions.get_partition_keys(dynamic_partitions_store=self.instance))
        return [name if name in known else encode_key(name) for name in names]

    def run(self, job: str, config: dg.RunConfig | None = None, only: dg.AssetKey | None = None) -> RunOutcome:
        """Execute a job here, all of it or one asset.

        A termination signal ends the run in order, where its step has something to end; the runs after it are not
        begun. Raises `StoppedError` if a signal has ended a run before, or has interrupted this one.
        """
        if self.shutdown.is_requested:
            raise StoppedError("Stopped by a signal; what was not begun is still queued, run the command again")
        result = self._definitions.resolve_job_def(job).execute_in_process(
            {**_config_dict(config), "loggers": _QUIET},
            self.instance,
            asset_selection=[only] if only else None,
            raise_on_error=False,
            tags=process_tags(),
        )
        if _is_interrupted(result):
            self.shutdown.request()  # the signal went to Dagster's handler
            raise StoppedError(f"Stopped by a signal within {job}; run the command again")
        outcome = _outcome(result)
        self.count_problems(outcome)
        return outcome

    def count_problems(self, outcome: RunOutcome) -> None:
        """Add the problems of a run. Two steps that read one broken feed have one problem."""
        self.problems = list(dict.fromkeys([*self.problems, *outcome.problems]))

    def has_work(self, *queues: TaskQueue) -> bool:
        """Whether any of the queues holds a task that is not finished."""
        with self.domains.services.database.connect() as connection:
            counts = [queue.counts(connection) for queue in queues]
        return any(one.waiting or one.active or one.delayed for one in counts)

    def _makers(self) -> dict[dg.AssetKey, str]:
        """The job that makes each asset."""
        jobs = {job.name: self._definitions.resolve_job_def(job.name) for job in self._definitions.jobs or ()}
        return {key: name for name, job in jobs.items() for key in job.asset_layer.selected_asset_keys}


def _is_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Whether a signal broke a step off, as Dagster does while none of our own blocks waits for one."""
    errors = (event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    return any(error and error.cls_name == dg.DagsterExecutionInterruptedError.__name__ for error in errors)


def _outcome(result: dg.ExecuteInProcessResult) -> RunOutcome:
    failed: dict[str, str] = {}
    problems: list[str] = []
    metadata = _metadata(result)
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        data = event.step_failure_data.user_failure_data
        reasons = data.metadata.get(REASONS) if data else None
        metadata = {**(_plain(data.metadata) if data else {}), **metadata}
        if isinstance(reasons, dg.JsonMetadataValue):
            failed |= reasons.data if isinstance(reasons.data, dict) else {}
        else:
            problems.append(step_failure(event))
    return RunOutcome(result.run_id, result.success, failed, problems, metadata, _failed_checks(result))


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[FailedCheck]:
    evaluations = [one for one in result.get_asset_check_evaluations() if not one.passed]
    found = [(one.check_name, _plain(one.metadata)) for one in evaluations]
    return [FailedCheck(name, values["count"], values.get("remedy", "")) for name, values in found]


def _config_dict(config: dg.RunConfig | None) -> dict[str, Any]:
    return config.to_config_dict() if config else {}  # type: ignore[no-untyped-call]  # Dagster left it unannotated


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The values beside the run's materializations and observations of whole assets."""
    events: list[dg.AssetMaterialization | dg.AssetObservation] = [
        *(event.materialization for event in result.get_asset_materialization_events()),
        *(event.asset_observation_data.asset_observation for event in result.get_asset_observation_events()),
    ]
    whole = (one.metadata for one in events if one.partition is None)
    return {name: value for metadata in whole for name, value in _plain(metadata).items()}


def _plain(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[str, Any]:
    """The values that a command can print."""
    values = {name: value.value for name, value in metadata.items() if name != REASONS}
    return {name: value for name, value in values.items() if isinstance(value, str | int | float | list | dict)}


@contextmanager
def job_runner(settings: Settings, names: Sequence[str] = DOMAINS) -> Iterator[JobRunner]:
    """A runner over the instance and the services of these settings, for the jobs of the domains of these names."""
    services = Services(settings)
    domains = Domains(services)
    try:
        with ExitStack() as stack:
            with lasting():
                definitions = build_definitions(settings, domains, names)
                pools = pool_limits(definitions)
                instance = stack.enter_context(open_instance(services, pools, captures_output=False))
                end_killed_runs(instance)
            shutdown = stack.enter_context(GracefulShutdown())
            yield JobRunner(definitions, instance, domains, shutdown)
    finally:
        services.close()
