"""Assets and jobs: one way to declare each, so that none is without owner, kinds, pool and limits.

What an asset's policy is stands beside the asset, as arguments of its decorator. Keep out: any asset.
"""

from __future__ import annotations

import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import dagster as dg

# Dagster has no public name for what `define_asset_job` returns.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence


AssetJob = UnresolvedAssetJobDefinition

MAX_RUNTIME_TAG = "dagster/max_runtime"
POOL_LIMIT_TAG = "orchestration/pool_limit"
CHECKS_TAG = "orchestration/checks"
_SHORTEST_WINDOW = timedelta(minutes=1)  # that Dagster allows


class Pool(NamedTuple):
    """A shared system: at most `limit` steps use it at the same time."""

    name: str
    limit: int


def domain_asset(
    key: str,
    *,
    description: str,
    pool: Pool,
    kinds: Collection[str],
    max_runtime: int,
    deps: Sequence[dg.AssetSpec | dg.AssetsDefinition | dg.AssetKey] = (),
    partitions: dg.PartitionsDefinition[str] | None = None,
    code_version: str = "1",
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare the asset `domain/noun`; its group is its domain, and its owner the domain's team.

    `max_runtime` is in seconds, for a whole run. `code_version` is raised by hand when the asset's output would differ
    for the same input. A partitioned asset records its partitions itself, any number of them in one run, so its output
    is not required, and a backfill is one run for each contiguous range.
    """
    domain, noun = key.split("/")

    def declare(compute: Callable[..., Any]) -> dg.AssetsDefinition:
        with warnings.catch_warnings():
            # `backfill_policy` is in beta; the pinned version and the tests of backfills stand for it.
            warnings.simplefilter("ignore", dg.BetaWarning)
            return dg.asset(
                key=[domain, noun],
                group_name=domain,
                description=description,
                deps=deps,
                partitions_def=partitions,
                output_required=partitions is None,
                backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
                owners=[f"team:{domain}"],
                kinds=set(kinds),
                pool=pool.name,
                code_version=code_version,
                op_tags={MAX_RUNTIME_TAG: str(max_runtime), POOL_LIMIT_TAG: str(pool.limit)},
            )(compute)

    return declare


def with_freshness(
    asset: dg.AssetsDefinition, fail: timedelta, *, warn: timedelta | None = None
) -> dg.AssetsDefinition:
    """The asset with how old its latest materialization may be, at least a minute, which Dagster's UI shows.

    Settings decide it, so it is no argument of the decorator. Of a partitioned asset, the latest of any partition
    counts: Dagster 1.13 knows no freshness of a partition.
    """
    policy = dg.FreshnessPolicy.time_window(max(_SHORTEST_WINDOW, fail), warn)
    return asset.map_asset_specs(lambda spec: spec.replace_attributes(freshness_policy=policy))


class AssetOutline(NamedTuple):
    """One of several assets that a step makes together: `domain/noun`, what it is, and what it depends on."""

    key: str
    description: str
    kinds: Collection[str]
    deps: Sequence[dg.AssetSpec | dg.AssetsDefinition | dg.AssetKey] = ()


def domain_assets(
    name: str,
    *outlines: AssetOutline,
    pool: Pool,
    max_runtime: int,
    partitions: dg.PartitionsDefinition[str],
    code_version: str = "1",
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare partitioned assets of one domain that one step makes, each of which it records if it is selected.

    As `domain_asset` otherwise.
    """

    def declare(compute: Callable[..., Any]) -> dg.AssetsDefinition:
        specs = [_spec(one, partitions, code_version) for one in outlines]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            return dg.multi_asset(
                specs=specs,
                name=name,
                can_subset=True,
                backfill_policy=dg.BackfillPolicy.single_run(),
                pool=pool.name,
                op_tags={MAX_RUNTIME_TAG: str(max_runtime), POOL_LIMIT_TAG: str(pool.limit)},
            )(compute)

    return declare


def _spec(one: AssetOutline, partitions: dg.PartitionsDefinition[str], code_version: str) -> dg.AssetSpec:
    domain, noun = one.key.split("/")
    return dg.AssetSpec(
        [domain, noun],
        deps=one.deps,
        description=one.description,
        skippable=True,
        group_name=domain,
        code_version=code_version,
        owners=[f"team:{domain}"],
        kinds=set(one.kinds),
        partitions_def=partitions,
    )


def queue_spec(
    key: str, *, description: str, deps: Sequence[dg.AssetSpec | dg.AssetsDefinition | dg.AssetKey]
) -> dg.AssetSpec:
    """A work queue as an external asset between the asset that fills it and the one that drains it.

    It is what the drained asset really depends on. Beyond that, a run that is not tagged with partitions cannot depend
    on a partitioned asset: Dagster 1.13 asks such a run for its partitions before the step begins.
    """
    domain, noun = key.split("/")
    return dg.AssetSpec(
        [domain, noun],
        deps=deps,
        group_name=domain,
        description=description,
        owners=[f"team:{domain}"],
        kinds={"postgres"},
    )


def asset_job(
    name: str,
    *assets: dg.AssetsDefinition,
    description: str,
    checks: AssetJob | None = None,
    max_runtime: int | None = None,
) -> AssetJob:
    """A job of these assets, in one process, after whose runs the job `checks` runs.

    A run takes at most `max_runtime` seconds, by default the longest that the assets allow.
    """
    seconds = max_runtime or max(int(asset.op.tags[MAX_RUNTIME_TAG]) for asset in assets)
    tags = {MAX_RUNTIME_TAG: str(seconds)}
    return dg.define_asset_job(
        name,
        dg.AssetSelection.assets(*assets).without_checks(),
        executor_def=dg.in_process_executor,
        tags=tags | ({CHECKS_TAG: checks.name} if checks else {}),
        description=description,
    )


def run_config(asset: dg.AssetsDefinition, config: dg.Config) -> dg.RunConfig:
    """The run config of a job that makes `asset` with `config`."""
    return op_config(asset.op.name, config)


def op_config(name: str, config: dg.Config) -> dg.RunConfig:
    """The run config that gives `config` to the op of that name.

    Dumped here: a config class with a field `keys`, as those of drains, looks like a mapping to Dagster's own dump.
    """
    return dg.RunConfig(ops={name: {"config": config.model_dump()}})


def pool_limits(definitions: dg.Definitions) -> dict[str, int]:
    """The limits of all pools, by name."""
    ops = [
        asset.op for asset in definitions.assets or () if isinstance(asset, dg.AssetsDefinition) and asset.is_executable
    ]
    return {pool: int(op.tags[POOL_LIMIT_TAG]) for op in ops if POOL_LIMIT_TAG in op.tags for pool in op.pools}
