"""The sensor that picks up requests: it launches their runs, follows them, and writes the results back.

A request is launched until a run with its number exists, so a crash between two steps repeats a step and loses none:
Dagster launches a run key once. Keep out: the kinds of request, which each domain declares.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import msgspec
import sqlalchemy as sa

from orchestration.observability.logs import get_logger
from orchestration.requests.requests import (
    RequestKind,
    RequestState,
    WorkRequest,
    mark_completed,
    mark_failed,
    mark_started,
    take,
)
from orchestration.runtime.assets import AssetJob
from orchestration.runtime.partitions import UNFINISHED
from orchestration.services import Services
from orchestration.storage.database import is_database_error

REQUEST_TAG = "orchestration/request"
# The ids by which the caller and the API's log know the request.
_ID_TAGS = {"request_id": "orchestration/request_id", "http_request_id": "orchestration/http_request_id"}
INTERVAL_SECONDS = 5
_REPORTS = {
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}
# Runs that one tick launches at most; the next follows within seconds.
LAUNCHES_PER_TICK = 20

log = get_logger()


@dataclass(frozen=True, slots=True)
class RequestHandler:
    """How a kind of request is done: by a run of the job named `job`, or by `act` in one transaction.

    `run` returns the run's config for the arguments, `act` what is to be reported.
    """

    kind: RequestKind[Any]
    job: str | None = None
    run: Callable[[Any], dg.RunConfig] | None = None
    act: Callable[[sa.Connection, Any], Mapping[str, Any]] | None = None


def request_sensor(
    services: Services,
    handlers: Sequence[RequestHandler],
    parts: Sequence[dg.Definitions],
    resume: Callable[[], None] = lambda: None,
) -> dg.SensorDefinition:
    """The sensor that does what is asked for, by these handlers, whose jobs are among those of `parts`.

    `resume` is called at each tick: it goes on for a while with what another process has begun and left.
    """
    by_kind = {handler.kind.name: handler for handler in handlers}
    names = {handler.job for handler in handlers}
    jobs = [job for part in parts for job in part.jobs or () if isinstance(job, AssetJob) and job.name in names]

    @dg.sensor(
        name="requests_sensor",
        jobs=jobs,
        minimum_interval_seconds=INTERVAL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Does what commands and the API ask for, and writes the results into the requests.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        launches = list(_tick(context.instance, services, by_kind))
        _try(resume)
        return launches or dg.SkipReason("Nothing to launch")

    return sensor


def _try(resume: Callable[[], None]) -> None:
    """What goes wrong there is no reason to launch nothing; the next tick tries again."""
    try:
        resume()
    except Exception:
        log.exception("could not resume what was left; the next tick tries again")


def _tick(
    instance: dg.DagsterInstance, services: Services, handlers: Mapping[str, RequestHandler]
) -> Iterator[dg.RunRequest]:
    """Take every unfinished request one step further, each in a transaction of its own."""
    after, launches = 0, 0
    while launches < LAUNCHES_PER_TICK:
        with services.database.begin() as connection:
            request = take(connection, (RequestState.WAITING, RequestState.STARTED), after)
            if request is None:
                return
            after = request.id
            launch = _step(connection, instance, request, handlers.get(request.kind))
        if launch is not None:
            launches += 1
            yield launch


def _step(
    connection: sa.Connection, instance: dg.DagsterInstance, request: WorkRequest, handler: RequestHandler | None
) -> dg.RunRequest | None:
    try:
        with connection.begin_nested():
            if handler is None:
                mark_failed(connection, request.id, f"There is no kind of request {request.kind!r}", {})
                return None
            return _do(connection, instance, request, handler)
    except Exception as error:
        if is_database_error(error):
            raise
        log.exception("request failed", request=request.id, kind=request.kind)
        mark_failed(connection, request.id, f"{type(error).__name__}: {error}", {})
        return None


def _do(
    connection: sa.Connection, instance: dg.DagsterInstance, request: WorkRequest, handler: RequestHandler
) -> dg.RunRequest | None:
    arguments = handler.kind.parse(request.arguments)
    if handler.act is not None:
        mark_completed(connection, request.id, handler.act(connection, arguments))
        return None
    tags = {REQUEST_TAG: str(request.id)}
    runs = instance.get_runs(dg.RunsFilter(tags=tags), limit=1)
    if runs:
        _follow(connection, instance, request, runs[0])
        return None
    config = handler.run(arguments) if handler.run else None
    key = f"request:{request.id}"
    ids = {tag: value for name, tag in _ID_TAGS.items() if (value := getattr(request, name))}
    return dg.RunRequest(run_key=key, job_name=handler.job, run_config=config, tags=tags | ids)


def _follow(connection: sa.Connection, instance: dg.DagsterInstance, request: WorkRequest, run: dg.DagsterRun) -> None:
    if request.state is RequestState.WAITING:
        mark_started(connection, request.id, run.run_id)
    if run.status in UNFINISHED:
        return
    result = run_result(instance, run.run_id)
    if run.status is dg.DagsterRunStatus.SUCCESS:
        mark_completed(connection, request.id, result)
    else:
        mark_failed(connection, request.id, _failure(instance, run), result)


def run_result(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """The plain values beside the run's materializations and observations of whole assets, and those of its checks."""
    found: dict[str, Any] = {}
    for entry in instance.all_logs(run_id, of_type=_REPORTS):
        if entry.dagster_event is not None:
            found |= _reported(entry.dagster_event)
    plain = {name: value for name, value in found.items() if isinstance(value, str | int | float | list | dict | None)}
    result: dict[str, Any] = msgspec.to_builtins(plain)
    return result


def _reported(event: dg.DagsterEvent) -> dict[str, Any]:
    if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        found = event.asset_check_evaluation_data
        tables = dg.MarkdownMetadataValue  # of examples, and pictures: they are seen in Dagster
        plain = {name: one.value for name, one in found.metadata.items() if not isinstance(one, tables)}
        return {found.check_name: {"passed": found.passed, **plain}}
    one = (
        event.step_materialization_data.materialization
        if event.is_step_materialization
        else event.asset_observation_data.asset_observation
    )
    return {name: value.value for name, value in one.metadata.items()} if one.partition is None else {}


def _failure(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Why the run failed, in the words of the step that did."""
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        data = event.step_failure_data if event else None
        if data and data.user_failure_data and data.user_failure_data.description:
            return data.user_failure_data.description
        if data and data.error:
            return data.error.message.strip()
    return f"The run ended as {run.status.value}"
