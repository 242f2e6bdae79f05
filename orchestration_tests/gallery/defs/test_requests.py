"""What is asked of the gallery, from the row to its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from orchestration.gallery.defs.requests import request_handlers
from orchestration.gallery.requests import COMPARE
from orchestration.requests.requests import RequestState, ask, read_request
from orchestration.runtime.requests import request_sensor
from orchestration_tests.gallery.defs.running import QUIET, execute, write
from orchestration_tests.runtime.ticks import tick

if TYPE_CHECKING:
    from orchestration.gallery.gallery import Gallery


def test_a_comparison_reports_what_differs_and_changes_nothing(
    gallery: Gallery, loaded: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    write(gallery, "g1", "g2")
    execute(gallery, "DELETE FROM task")
    sensor = request_sensor(gallery.services, request_handlers(gallery), [loaded])
    product = dg.Definitions.merge(loaded, dg.Definitions(sensors=[sensor]))
    with gallery.database.begin() as connection:
        number = ask(connection, COMPARE, {}, requested_by="ada").id

    (launch,) = tick(product, "requests_sensor", instance).requests
    assert launch.job_name == "gallery_check"
    loaded.resolve_job_def(launch.job_name).execute_in_process({"loggers": QUIET}, instance, tags=launch.tags)
    tick(product, "requests_sensor", instance)

    with gallery.database.connect() as connection:
        request = read_request(connection, number)
    assert (request.state, request.error) == (RequestState.COMPLETED, None)
    assert request.result is not None
    found = request.result["mirror_equals_source"]
    assert (found["passed"], found["count"]) == (False, 2)
    assert found["remedy"].startswith("Of 2 items that should be shown, 2 are missing and 0 out of date.")
    assert request.result["no_stuck_tasks"] == {"passed": True, "count": 0}
