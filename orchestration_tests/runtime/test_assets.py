"""Assets and jobs: what a declaration always brings along."""

import dagster as dg

from orchestration.runtime.assets import (
    CHECKS_TAG,
    MAX_RUNTIME_TAG,
    Pool,
    asset_job,
    domain_asset,
    pool_limits,
    queue_spec,
    run_config,
)
from orchestration.runtime.drains import DrainConfig

FAMILIES = "catalogue/product_families"
IMAGES = "catalogue/image_variants"


@domain_asset(
    FAMILIES,
    description="Families.",
    partitions=dg.DynamicPartitionsDefinition(name="a_number"),
    pool=Pool("catalogue_import", limit=2),
    kinds={"json", "postgres"},
    max_runtime=7_200,
    code_version="3",
)
def families() -> None:
    """A partitioned asset that yields nothing."""


@domain_asset(IMAGES, description="Images.", pool=Pool("catalogue_render", limit=1), kinds={"image"}, max_runtime=600)
def images() -> None:
    """An asset without partitions."""


def test_an_asset_carries_its_policy() -> None:
    (spec,) = families.specs
    assert spec.key == dg.AssetKey(["catalogue", "product_families"])
    assert spec.group_name == "catalogue"
    assert spec.owners == ["team:catalogue"]
    assert spec.kinds == {"json", "postgres"}
    assert spec.code_version == "3"
    assert families.op.pool == "catalogue_import"
    assert families.op.tags[MAX_RUNTIME_TAG] == "7200"


def test_a_partitioned_asset_may_make_nothing_and_is_backfilled_in_one_run() -> None:
    (output,) = families.op.output_defs
    assert not output.is_required
    assert families.backfill_policy == dg.BackfillPolicy.single_run()
    (output,) = images.op.output_defs
    assert output.is_required
    assert images.backfill_policy is None


def test_the_limits_of_the_pools_stand_beside_the_assets() -> None:
    definitions = dg.Definitions(assets=[families, images, dg.AssetSpec("elsewhere")])
    assert pool_limits(definitions) == {"catalogue_import": 2, "catalogue_render": 1}


def test_a_run_config_is_written_with_the_config_of_the_asset() -> None:
    config = run_config(families, DrainConfig(keys=["a"], idle_seconds=None))
    written = config.to_config_dict()["ops"]["catalogue__product_families"]["config"]  # type: ignore[no-untyped-call]
    assert (written["keys"], written["idle_seconds"]) == (["a"], None)


def test_a_queue_is_an_asset_that_nobody_materializes_between_two_that_are() -> None:
    queue = queue_spec("catalogue/tasks", description="Tasks.", deps=[families])
    assert [dep.asset_key for dep in queue.deps] == [families.key]
    assert queue.group_name == "catalogue"
    assert queue.owners == ["team:catalogue"]
    definitions = dg.Definitions(assets=[families, queue])
    assert not definitions.resolve_asset_graph().get(queue.key).is_materializable


def test_a_job_takes_as_long_as_its_longest_asset_may() -> None:
    job = asset_job("both", families, images, description="Both.")
    assert job.tags == {MAX_RUNTIME_TAG: "7200"}
    assert asset_job("short", families, description="Short.", max_runtime=60).tags == {MAX_RUNTIME_TAG: "60"}


def test_a_job_names_the_checks_that_follow_it() -> None:
    checks = asset_job("check", images, description="Check.")
    job = asset_job("both", families, description="Both.", checks=checks)
    assert job.tags is not None
    assert job.tags[CHECKS_TAG] == "check"


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
