"""The sensor of requests: launches once, follows, writes back, and lets no request harm another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import msgspec
import pytest
import sqlalchemy as sa

from orchestration.requests.requests import RequestKind, RequestState, WorkRequest, ask, list_requests
from orchestration.runtime.assets import Pool, asset_job, domain_asset
from orchestration.runtime.requests import REQUEST_TAG, RequestHandler, request_sensor
from orchestration_tests.runtime.ticks import Tick, tick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestration.services import Services


class Wash(msgspec.Struct, forbid_unknown_fields=True):
    """Wash some shirts."""

    shirts: list[str]


WASH = RequestKind("laundry.wash", Wash, "Wash shirts, by a run.")
FOLD = RequestKind("laundry.fold", Wash, "Fold shirts, at once.")


@domain_asset("laundry/shirts", description="Shirts.", pool=Pool("laundry", 1), kinds={"cotton"}, max_runtime=60)
def shirts() -> dg.MaterializeResult[None]:
    """Wash them."""
    return dg.MaterializeResult(metadata={"washed": 2, "table": dg.MetadataValue.md("| a |")})


@domain_asset("laundry/torn", description="Torn shirts.", pool=Pool("laundry", 1), kinds={"cotton"}, max_runtime=60)
def torn() -> None:
    """Cannot be washed."""
    raise dg.Failure("The shirts are torn")


def fold(connection: sa.Connection, asked: Wash) -> Mapping[str, Any]:
    if "poison" in asked.shirts:
        connection.execute(sa.text("SELECT 1 / 0"))
    return {"folded": len(asked.shirts)}


PART = dg.Definitions(
    [shirts, torn],
    jobs=[
        asset_job("laundry_wash", shirts, description="Wash."),
        asset_job("laundry_tear", torn, description="Tear."),
    ],
)


@pytest.fixture
def ephemeral() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def product(services: Services, job: str = "laundry_wash") -> dg.Definitions:
    handlers = [RequestHandler(WASH, job), RequestHandler(FOLD, act=fold)]
    return dg.Definitions.merge(PART, dg.Definitions(sensors=[request_sensor(services, handlers, [PART])]))


def look(services: Services, instance: dg.DagsterInstance, job: str = "laundry_wash") -> Tick:
    return tick(product(services, job), "requests_sensor", instance)


def ask_for(services: Services, kind: RequestKind[Wash], *names: str) -> int:
    with services.database.begin() as connection:
        return ask(connection, kind, {"shirts": list(names)}, requested_by="ada").id


def requests(services: Services) -> dict[int, WorkRequest]:
    with services.database.connect() as connection:
        return {one.id: one for one in list_requests(connection)}


def run(services: Services, instance: dg.DagsterInstance, ticked: Tick) -> str:
    """Execute the run that a tick asked for."""
    (request,) = ticked.requests
    assert request.job_name is not None
    job = product(services).resolve_job_def(request.job_name)
    return job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False).run_id


def test_a_request_is_launched_under_a_key_that_dagster_takes_once(
    services: Services, ephemeral: dg.DagsterInstance
) -> None:
    number = ask_for(services, WASH, "blue")
    for _ in range(2):  # until a run exists, since the launch may have been lost
        (request,) = look(services, ephemeral).requests
        assert (request.run_key, request.job_name) == (f"request:{number}", "laundry_wash")
        assert request.tags[REQUEST_TAG] == str(number)
    assert requests(services)[number].state is RequestState.WAITING


def test_the_ids_by_which_a_caller_knows_a_request_go_along_to_its_run(
    services: Services, ephemeral: dg.DagsterInstance
) -> None:
    with services.database.begin() as connection:
        ask(connection, WASH, {"shirts": []}, requested_by="ada", request_id="job-7", http_request_id="http-7")
    (request,) = look(services, ephemeral).requests
    assert request.tags["orchestration/request_id"] == "job-7"
    assert request.tags["orchestration/http_request_id"] == "http-7"


def test_what_a_run_reports_is_written_into_its_request(services: Services, ephemeral: dg.DagsterInstance) -> None:
    number = ask_for(services, WASH, "blue")
    run_id = run(services, ephemeral, look(services, ephemeral))
    assert look(services, ephemeral).requests == []
    request = requests(services)[number]
    assert (request.state, request.run_id) == (RequestState.COMPLETED, run_id)
    assert request.result is not None
    assert request.result["washed"] == 2


def test_why_a_run_failed_is_written_into_its_request(services: Services, ephemeral: dg.DagsterInstance) -> None:
    number = ask_for(services, WASH, "blue")
    run(services, ephemeral, look(services, ephemeral, "laundry_tear"))
    look(services, ephemeral, "laundry_tear")
    request = requests(services)[number]
    assert (request.state, request.error) == (RequestState.FAILED, "The shirts are torn")


def test_a_request_without_a_run_is_done_at_once_and_a_broken_one_fails_alone(
    services: Services, ephemeral: dg.DagsterInstance
) -> None:
    first, broken, last = (ask_for(services, FOLD, name) for name in ("blue", "poison", "red"))
    with services.database.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO work_request (kind, arguments, requested_by) VALUES ('laundry.iron', '{}', 'bob')")
        )
        connection.execute(
            sa.text("""INSERT INTO work_request (kind, arguments, requested_by)
                VALUES ('laundry.fold', '{"shirts": 7}', 'bob')""")
        )
    look(services, ephemeral)
    found = requests(services)
    assert [found[number].state.value for number in (first, broken, last)] == ["completed", "failed", "completed"]
    assert found[first].result == {"folded": 1}
    assert "DivisionByZero" in (found[broken].error or "")
    assert "no kind of request 'laundry.iron'" in (found[last + 1].error or "")
    assert "$.shirts" in (found[last + 2].error or "")
