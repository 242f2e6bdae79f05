"""Each partition of one run has a status of its own, in the terms of the UI: the test of what `recording` relies on."""

import re
from collections.abc import Iterator, Sequence

import dagster as dg
import pytest
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from orchestration.runtime.drains import DrainConfig, requested_keys
from orchestration.runtime.partition_keys import encode_key
from orchestration.runtime.partitions import add_partitions
from orchestration.runtime.recording import BATCH, REASONS, PartitionRecorder, asset_results, failure_table

SET = "page"
pages = dg.DynamicPartitionsDefinition(name=SET)
PAGES = dg.AssetKey(["site", "pages"])


@dg.asset(key=PAGES, partitions_def=pages, output_required=False)
def site_pages(
    context: dg.AssetExecutionContext, config: DrainConfig, broken: dg.ResourceParam[set[str]]
) -> Iterator[dg.AssetMaterialization]:
    """A page for each name."""
    recorder = PartitionRecorder(context)
    for name in requested_keys(context, config) or ():
        if name in broken:
            recorder.failed(name, f"no source for {name}")
        else:
            recorder.materialized(name, {"length": len(name)})
    yield from recorder.finish()


def run(
    instance: dg.DagsterInstance,
    names: Sequence[str],
    *,
    broken: Sequence[str] = (),
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Make these pages in one run; with `tags`, those that the tags select."""
    definitions = dg.Definitions(
        assets=[site_pages], jobs=[dg.define_asset_job("make", [site_pages])], resources={"broken": set(broken)}
    )
    keys = [] if tags else [encode_key(name) for name in names]
    return definitions.resolve_job_def("make").execute_in_process(
        {
            "ops": {"site__pages": {"config": {"keys": keys}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        },
        instance,
        tags=tags,
        raise_on_error=False,
    )


def names_by_status(instance: dg.DagsterInstance) -> dict[str, set[str]]:
    """What the UI's partition view shows, by status."""
    keys = pages.get_partition_keys(dynamic_partitions_store=instance)
    statuses = instance.get_status_by_partition(PAGES, keys, pages) or {}
    shown: dict[str, set[str]] = {}
    for key, status in statuses.items():
        shown.setdefault(status.value if isinstance(status, AssetPartitionStatus) else "MISSING", set()).add(key)
    return shown


def test_a_run_with_broken_keys_shows_each_key_with_its_own_status(instance: dg.DagsterInstance) -> None:
    names = [f"page {number}" for number in range(100)]
    add_partitions(instance, SET, names)

    result = run(instance, names, broken=names[:3])

    broken = {encode_key(name) for name in names[:3]}
    assert not result.success
    assert names_by_status(instance) == {"FAILED": broken, "MATERIALIZED": {encode_key(n) for n in names} - broken}


def test_making_only_the_failed_keys_again_turns_them_green(instance: dg.DagsterInstance) -> None:
    names = [f"page{number}" for number in range(10)]
    add_partitions(instance, SET, names)
    run(instance, names, broken=names[:3])

    result = run(instance, names[:3])

    assert result.success
    assert names_by_status(instance) == {"MATERIALIZED": set(names)}


def test_a_key_that_breaks_later_turns_red_and_keeps_its_metadata(instance: dg.DagsterInstance) -> None:
    add_partitions(instance, SET, ["a", "b"])
    run(instance, ["a", "b"])

    run(instance, ["a", "b"], broken=["b"])

    assert names_by_status(instance) == {"MATERIALIZED": {"a"}, "FAILED": {"b"}}


def test_each_good_key_has_a_materialization_with_metadata(instance: dg.DagsterInstance) -> None:
    add_partitions(instance, SET, ["one", "three"])
    run(instance, ["one", "three"])

    events = instance.fetch_materializations(PAGES, limit=10).records

    found = {record.partition_key: record.asset_materialization for record in events}
    assert {key: event and event.metadata["length"].value for key, event in found.items()} == {"one": 3, "three": 5}


def test_each_bad_key_has_its_reason_in_an_observation_and_in_the_failure(instance: dg.DagsterInstance) -> None:
    add_partitions(instance, SET, ["good", "bad"])

    result = run(instance, ["good", "bad"], broken=["bad"])

    [observation] = instance.fetch_observations(PAGES, limit=10).records
    assert observation.partition_key == "bad"
    assert observation.asset_observation is not None
    assert observation.asset_observation.metadata["reason"].value == "no source for bad"
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.metadata[REASONS].value == {"bad": "no source for bad"}


def test_the_words_of_strangers_in_a_table_of_failures_are_words_and_nothing_else() -> None:
    table = failure_table({"a`b": "begins with ![x](http://evil.example/i.png) | <img src=x>\rand ~more~"})
    assert table.count("\n") == 2
    shown = table.splitlines()[2]
    assert shown.count("|") == 3
    assert not re.search(r"(?<!\\)[\[\]<>`~]", shown)


def test_keys_beyond_one_batch_are_all_recorded(instance: dg.DagsterInstance) -> None:
    names = [f"n{number:04}" for number in range(2 * BATCH + 7)]
    add_partitions(instance, SET, names)

    run(instance, names, broken=names[::10])

    shown = names_by_status(instance)
    assert shown["FAILED"] == set(names[::10])
    assert shown["MATERIALIZED"] == set(names) - set(names[::10])


def test_a_backfill_of_a_range_records_each_key_of_it(instance: dg.DagsterInstance) -> None:
    names = ["a", "b", "c", "d"]
    add_partitions(instance, SET, names)

    run(
        instance,
        names,
        broken=["c"],
        tags={"dagster/asset_partition_range_start": "b", "dagster/asset_partition_range_end": "d"},
    )

    shown = names_by_status(instance)
    assert (shown["MATERIALIZED"], shown["FAILED"]) == ({"b", "d"}, {"c"})


def test_a_single_partition_from_the_ui_can_fail(instance: dg.DagsterInstance) -> None:
    add_partitions(instance, SET, ["a", "b"])

    run(instance, [], broken=["b"], tags={"dagster/partition": "b"})

    assert names_by_status(instance)["FAILED"] == {"b"}


@pytest.mark.parametrize("names", [["A23-100", "a23-100"], ["MUG & SPOON", "Café, grand", '50%"']])
def test_keys_of_the_outside_world_are_recorded_as_they_are(instance: dg.DagsterInstance, names: list[str]) -> None:
    add_partitions(instance, SET, names)

    run(instance, names)

    assert names_by_status(instance) == {"MATERIALIZED": {encode_key(name) for name in names}}


def test_the_words_of_a_failed_step_count_its_items_and_name_the_first() -> None:
    results = asset_results({}, {"job-7": "127.0.0.1 is not a public address"})
    next(results)
    with pytest.raises(dg.Failure) as caught:
        next(results)
    assert str(caught.value.description).startswith("1 item failed; the others are done. ")
    assert str(caught.value.description).endswith(" The first is job-7: 127.0.0.1 is not a public address")
