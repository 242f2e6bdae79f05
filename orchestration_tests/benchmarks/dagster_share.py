"""What Dagster costs beside the work: partitions recorded in one run, good and bad, and read as the UI reads them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.runtime.drains import DrainConfig, requested_keys
from orchestration.runtime.partitions import add_partitions
from orchestration.runtime.recording import PartitionRecorder
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.benchmarks.timing import Timing, median, report, timed

ROUNDS = 3
KEYS = 10_000
BAD_KEYS = 300


@dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="bench"), output_required=False)
def recorded(context: dg.AssetExecutionContext, config: DrainConfig) -> Iterator[dg.AssetMaterialization]:
    """Partitions without work, some of them bad."""
    recorder = PartitionRecorder(context)
    for number, name in enumerate(requested_keys(context, config) or ()):
        if number < BAD_KEYS:
            recorder.failed(name, "bad on purpose")
        else:
            recorder.materialized(name, {"number": number})
    yield from recorder.finish()


def main() -> None:
    """10,000 partitions with 300 bad: added, recorded, and their status read as the UI reads it."""
    print(f"\nDagster's share: {KEYS} partitions, {BAD_KEYS} of them bad")
    found: list[Timing] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="orchestration-bench-") as folder:
            services = Services(Settings(home=Path(folder)))
            url = services.database_urls.dagster
            with dg.instance_for_test(overrides={"storage": {"postgres": {"postgres_url": url}}}) as instance:
                job = dg.Definitions(assets=[recorded], jobs=[dg.define_asset_job("record", [recorded])])
                keys = [f"A23-{number:05}" for number in range(KEYS)]
                with timed(found):
                    add_partitions(instance, "bench", keys)
                    config = {
                        "ops": {"recorded": {"config": {"keys": keys}}},
                        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    }
                    job.resolve_job_def("record").execute_in_process(config, instance, raise_on_error=False)
                    partitions = dg.DynamicPartitionsDefinition(name="bench")
                    statuses = instance.get_status_by_partition(recorded.key, keys, partitions) or {}
                failed = sum(status is not None and status.value == "FAILED" for status in statuses.values())
                assert (len(statuses), failed) == (KEYS, BAD_KEYS)
    report("recorded in one run", median(found), items=KEYS, what="partitions")


if __name__ == "__main__":
    main()
