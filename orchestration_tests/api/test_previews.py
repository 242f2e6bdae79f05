"""Previews over HTTP: taken in once, followed, fetched, cancelled."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from orchestration.previews import queues
from orchestration.previews.drains import forget
from orchestration.previews.previews import Previews
from orchestration_tests.api.conftest import serving
from orchestration_tests.previews.draining import counts, drain
from orchestration_tests.previews.payloads import MINIMAL, small

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.services import Services

JOB = "/api/preview/job"


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


def post(client: httpx.Client, document: Any) -> httpx.Response:  # noqa: ANN401 - as JSON
    return client.post(JOB, json=document)


def test_a_job_is_accepted_followed_and_fetched(client: httpx.Client, services: Services) -> None:
    accepted = post(client, small("one"))
    assert (accepted.status_code, accepted.json()) == (202, {"jobId": "one", "status": "queued"})
    assert "idempotent-replayed" not in accepted.headers
    assert client.get(f"{JOB}/one/artifact").json()["code"] == "no_artifact"
    rendering = threading.Thread(target=drain, args=(Previews(services),))
    rendering.start()
    status = client.get(f"{JOB}/one/status", params={"wait": 60}).json()
    rendering.join()
    assert (status["status"], status["state"], status["progress"]) == ("success", "completed", 100)
    assert status["result"]["proof"]["passed"]
    found = client.get(f"{JOB}/one/artifact").json()
    assert found["url"].startswith(services.settings.public_url)
    assert [one["kind"] for one in found["artifacts"]] == ["video", "poster", "proof", "record", "container"]
    path = found["url"].removeprefix(services.settings.public_url)
    part = client.get(path, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"ftyp", "video/mp4")


def test_a_repeat_says_so_and_another_payload_names_what_differs(client: httpx.Client) -> None:
    post(client, small("one"))
    again = post(client, small("one") | {"requestId": "other"})
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    other = post(client, small("one", title="Other"))
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert [fault["path"] for fault in other.json()["errors"]] == ["$.previewRequest.title"]


def test_fifty_posts_of_one_job_are_one_rendering_which_a_late_repeat_finds(
    client: httpx.Client, base_url: str, services: Services
) -> None:
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: httpx.post(base_url + JOB, json=small("one"), timeout=60), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    previews = Previews(services)
    drain(previews)
    artifacts = [one["sha256"] for one in client.get(f"{JOB}/one/artifact").json()["artifacts"]]
    with services.database.begin() as connection:
        later = datetime.now(UTC) + timedelta(days=2)
        connection.execute(sa.text("UPDATE task SET finished_at = finished_at - interval '2 days'"))
        assert previews.preview_queue.prune(connection) == 1
    forget(previews, later)
    late = post(client, small("one"))
    assert (late.json(), late.headers["idempotent-replayed"]) == ({"jobId": "one", "status": "success"}, "true")
    assert drain(previews) == []
    assert [one["sha256"] for one in client.get(f"{JOB}/one/artifact").json()["artifacts"]] == artifacts
    assert counts(previews) == {"repeated": 50, "started": 1, "completed": 1}


def test_a_low_job_is_rendered_although_urgent_ones_never_cease(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "AGEING", timedelta(seconds=1))
    services.settings = services.settings.model_copy(update={"preview_concurrency": 1})
    draining = threading.Thread(target=drain, args=(Previews(services),))
    numbers, poster = itertools.count(), {"format": "png", "resolution": "64x64"}
    with serving(services) as base_url, httpx.Client(base_url=base_url, timeout=60) as client:
        post(client, small("low", priority="low", options=poster))
        while client.get(f"{JOB}/low/status").json()["status"] != "success":
            waiting = client.get("/api/preview/queue/metrics").json()["waiting"]
            for _ in range(waiting, 4):
                post(client, small(f"high-{next(numbers)}", priority="high", options=poster))
            if not draining.ident:
                draining.start()
        left = client.get("/api/preview/queue/metrics").json()
        draining.join()
    assert left["completed"] > 1, "urgent ones went first"
    assert left["waiting"] > 0, "and others still waited"


def test_a_full_queue_asks_for_patience(client: httpx.Client) -> None:
    for number in range(20):
        assert post(client, small(f"job-{number}")).status_code == 202
    full = post(client, small("late"))
    assert (full.status_code, full.json()["code"]) == (429, "queue_full")
    assert int(full.headers["retry-after"]) >= 1
    assert client.get(f"{JOB}/late/status").status_code == 404


def test_an_invalid_payload_is_refused_with_every_path(client: httpx.Client) -> None:
    refused = post(client, MINIMAL | {"jobId": "../x", "more": 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_payload")
    assert [fault["path"] for fault in refused.json()["errors"]] == ["$.jobId", "$.more"]
    assert "../x" not in refused.text
    health = client.get("/api/preview/worker/health").json()
    assert health["outcomes"]["invalid"] == 1


NO_PAYLOADS = (b"", b"[]", b"null", b"{", b'{"jobId": "\\ud800"}', b"1e999")
UNKNOWN = ("nobody/status", "nobody/artifact", "%00/status", "a%2Fb/status", "%F0%9F%98%80/artifact")


def test_what_is_no_payload_and_an_unknown_job_are_clean_refusals(client: httpx.Client) -> None:
    for body in NO_PAYLOADS:
        answer = client.post(JOB, content=body, headers={"content-type": "application/json"})
        assert (body, answer.status_code in (400, 422)) == (body, True)
    assert {path: client.get(f"{JOB}/{path}").status_code for path in UNKNOWN} == dict.fromkeys(UNKNOWN, 404)


def test_a_waiting_job_is_cancelled_and_listed(client: httpx.Client) -> None:
    post(client, small("one"))
    assert client.post(f"{JOB}/one/cancel").json()["status"] == "cancelled"
    assert client.post(f"{JOB}/none/cancel").status_code == 404
    [listed] = client.get("/api/preview/jobs", params={"state": "cancelled"}).json()
    assert (listed["jobId"], listed["percent"]) == ("one", 0)


def test_a_long_poll_answers_in_its_time(client: httpx.Client) -> None:
    post(client, small("one"))
    asked = time.monotonic()
    assert client.get(f"{JOB}/one/status", params={"wait": 0.6}).json()["status"] == "queued"
    assert time.monotonic() - asked >= 0.6


def test_health_and_figures_have_the_forms_of_old(client: httpx.Client) -> None:
    health = client.get("/api/preview/worker/health").json()
    assert (health["status"], health["redis"]["status"], health["workers"]) == ("healthy", "connected", 0)
    assert "@" not in health["redis"]["url"]
    expected = {"name", "waiting", "active", "completed", "failed", "delayed", "total"}
    assert set(health["queue"]) == set(client.get("/api/preview/queue/metrics").json()) == expected
    assert client.get("/api/preview/schema").json()["title"] == "PreviewJob"
