"""Which keys a run is about: by tag, by range, by config, or none for a drain."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import dagster as dg
import pytest

from orchestration.runtime.drains import DrainConfig, requested_keys
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.partitions import add_partitions

SET = "page"
NAMES = ["a b", "é,1", "plain", "z"]
pages = dg.DynamicPartitionsDefinition(name=SET)
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dg.asset(partitions_def=pages, output_required=False)
def site(
    context: dg.AssetExecutionContext, config: DrainConfig, seen: dg.ResourceParam[list[Sequence[str] | None]]
) -> Iterator[dg.AssetMaterialization]:
    """Note what was selected."""
    seen.append(requested_keys(context, config))
    yield from ()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory that knows the pages."""
    with dg.DagsterInstance.ephemeral() as instance:
        add_partitions(instance, SET, NAMES)
        yield instance


class Selected(NamedTuple):
    """What the asset took its selection for, unless the step failed."""

    names: list[Sequence[str] | None]
    failure: str


def selected(
    instance: dg.DagsterInstance,
    *,
    keys: Sequence[str] = (),
    partition: str | None = None,
    tags: dict[str, str] | None = None,
) -> Selected:
    """Run the asset once."""
    seen: list[Sequence[str] | None] = []
    definitions = dg.Definitions([site], jobs=[dg.define_asset_job("make", [site])], resources={"seen": seen})
    config = {
        "ops": {"site": {"config": {"keys": list(keys)}}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    result = definitions.resolve_job_def("make").execute_in_process(
        config, instance, partition_key=partition, tags=tags, raise_on_error=False
    )
    failures = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    return Selected(seen, "".join(failures))


def test_a_run_without_keys_is_a_drain(instance: dg.DagsterInstance) -> None:
    assert selected(instance) == ([None], "")


def test_scattered_keys_come_from_the_config_in_order_and_once(instance: dg.DagsterInstance) -> None:
    keys = [encode_key(name) for name in ("z", "a b", "z", "not a partition yet")]
    assert selected(instance, keys=keys).names == [["z", "a b", "not a partition yet"]]


def test_a_partition_that_was_chosen_in_the_ui_comes_from_its_tag(instance: dg.DagsterInstance) -> None:
    assert selected(instance, partition=encode_key("é,1")).names == [["é,1"]]


def test_a_range_is_all_keys_between_its_ends(instance: dg.DagsterInstance) -> None:
    tags = {RANGE_START: encode_key("é,1"), RANGE_END: encode_key("z")}
    assert selected(instance, tags=tags).names == [["é,1", "plain", "z"]]


def test_a_chosen_partition_wins_over_the_config(instance: dg.DagsterInstance) -> None:
    assert selected(instance, keys=[encode_key("z")], partition=encode_key("a b")).names == [["a b"]]


def test_a_key_that_is_none_fails_the_run_and_says_so(instance: dg.DagsterInstance) -> None:
    found = selected(instance, keys=["a b"])
    assert found.names == []
    assert "'a b' is no partition key" in found.failure
