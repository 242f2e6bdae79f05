"""Assets under policy: one way to declare an asset, so that none is without owner, kinds, pool and limits.

Belongs here: what every asset of ours has in common. Does not: the table of policies (`policy`), or any asset.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dagster as dg

# Dagster has no public name for what `define_asset_job` gives.
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.runtime.policy import MAX_RUNTIME_TAG, POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


AssetJob = UnresolvedAssetJobDefinition


def governed_asset(
    key: str,
    *,
    description: str,
    deps: Sequence[dg.AssetSpec | dg.AssetsDefinition] = (),
    partitions: dg.PartitionsDefinition[str] | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare the asset `domain/noun` under its policy; its group is its domain.

    A partitioned asset records its partitions itself, any number of them in one run, so its output is not required,
    and a backfill is one run for each contiguous range.
    """
    policy = POLICIES[key]
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
                owners=[policy.owner],
                kinds=set(policy.kinds),
                pool=policy.pool,
                code_version=policy.code_version,
                op_tags=policy.tags,
            )(compute)

    return declare


def queue_asset(key: str, *, description: str, deps: Sequence[dg.AssetSpec | dg.AssetsDefinition]) -> dg.AssetSpec:
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


def asset_job(name: str, *assets: dg.AssetsDefinition, description: str, max_runtime: int | None = None) -> AssetJob:
    """A job of these assets, in one process.

    A run takes at most `max_runtime` seconds, by default the longest that the assets' policies allow.
    """
    runtimes = [POLICIES[key.to_user_string()].max_runtime for asset in assets for key in asset.keys]
    return dg.define_asset_job(
        name,
        dg.AssetSelection.assets(*assets).without_checks(),
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME_TAG: str(max_runtime or max(runtimes))},
        description=description,
    )
