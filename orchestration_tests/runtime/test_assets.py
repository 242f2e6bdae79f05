"""Assets under policy: what a declaration of ours always brings along."""

import dagster as dg
import pytest

from orchestration.runtime.assets import asset_job, governed_asset, queue_asset
from orchestration.runtime.policy import MAX_RUNTIME_TAG, POLICIES

FAMILIES = "catalogue/product_families"
IMAGES = "catalogue/image_variants"


@governed_asset(FAMILIES, description="Families.", partitions=dg.DynamicPartitionsDefinition(name="a_number"))
def families() -> None:
    """A partitioned asset that yields nothing."""


@governed_asset(IMAGES, description="Images.")
def images() -> None:
    """An asset without partitions."""


def test_an_asset_carries_its_policy() -> None:
    (spec,) = families.specs
    policy = POLICIES[FAMILIES]
    assert spec.key == dg.AssetKey(["catalogue", "product_families"])
    assert spec.group_name == "catalogue"
    assert spec.owners == [policy.owner]
    assert spec.kinds == policy.kinds
    assert spec.code_version == policy.code_version
    assert families.op.pool == policy.pool
    assert families.op.tags[MAX_RUNTIME_TAG] == str(policy.max_runtime)


def test_a_partitioned_asset_may_make_nothing_and_is_backfilled_in_one_run() -> None:
    (output,) = families.op.output_defs
    assert not output.is_required
    assert families.backfill_policy == dg.BackfillPolicy.single_run()
    (output,) = images.op.output_defs
    assert output.is_required
    assert images.backfill_policy is None


def test_an_asset_without_a_policy_cannot_be_declared() -> None:
    with pytest.raises(KeyError, match="catalogue/unknown"):
        governed_asset("catalogue/unknown", description="Unknown.")


def test_a_queue_is_an_asset_that_nobody_materializes_between_two_that_are() -> None:
    queue = queue_asset("catalogue/tasks", description="Tasks.", deps=[families])
    assert [dep.asset_key for dep in queue.deps] == [families.key]
    assert queue.group_name == "catalogue"
    assert queue.owners == ["team:catalogue"]
    definitions = dg.Definitions(assets=[families, queue])
    assert not definitions.resolve_asset_graph().get(queue.key).is_materializable


def test_a_job_takes_as_long_as_its_longest_asset_may() -> None:
    job = asset_job("both", families, images, description="Both.")
    assert job.tags == {MAX_RUNTIME_TAG: str(max(POLICIES[key].max_runtime for key in (FAMILIES, IMAGES)))}
    assert asset_job("short", families, description="Short.", max_runtime=60).tags == {MAX_RUNTIME_TAG: "60"}


def test_a_job_runs_its_assets_and_no_check_in_one_process() -> None:
    @dg.asset_check(asset=images)
    def looks_good() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    job = asset_job("both", families, images, description="Both.")
    definitions = dg.Definitions(assets=[families, images], asset_checks=[looks_good], jobs=[job])
    resolved = definitions.resolve_job_def("both")
    assert resolved.asset_layer.selected_asset_keys == {families.key, images.key}
    assert {node.name for node in resolved.nodes} == {"catalogue__product_families", "catalogue__image_variants"}
    assert resolved.executor_def is dg.in_process_executor
