"""What Dagster's own tables say of a partition, read without Dagster."""

from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg

from orchestration.runtime.run_history import partition_events
from orchestration.storage.database import Database

if TYPE_CHECKING:
    from sqlalchemy.engine import URL


@dg.asset(key=["catalogue", "things"], partitions_def=dg.StaticPartitionsDefinition(["a~20b", "c"]))
def things(context: dg.AssetExecutionContext) -> None:
    """Fails for one of them."""
    if context.partition_key == "c":
        raise dg.Failure("broken")


def test_the_runs_of_a_partition_are_those_that_dagster_shows(instance: dg.DagsterInstance, dagster_url: str) -> None:
    good = dg.materialize([things], instance=instance, partition_key="a~20b")
    bad = dg.materialize([things], instance=instance, partition_key="c", raise_on_error=False)
    with closing(Database(dagster_url)) as database:
        found = partition_events(database, "catalogue/things", "a~20b", limit=10)
        assert {one.run_id for one in found} == {good.run_id}
        assert found[0].what == "materialized"
        assert found[0].run_status == "SUCCESS"
        failed = partition_events(database, "catalogue/things", "c", limit=10)
        assert {(one.run_id, one.run_status) for one in failed} == {(bad.run_id, "FAILURE")}
        assert partition_events(database, "catalogue/other", "c", limit=10) == []


def test_without_dagsters_tables_or_its_database_there_is_no_history(server_url: "URL") -> None:
    for name in ("postgres", "none_of_that_name"):
        with closing(Database(server_url.set(database=name).render_as_string(hide_password=False))) as database:
            assert partition_events(database, "catalogue/things", "c", limit=10) == []
