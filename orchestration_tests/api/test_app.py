"""The API as a whole: what surrounds every endpoint."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import structlog

from orchestration.api.app import build_api
from orchestration.api.models import cursor_of
from orchestration.api.punctual import PunctualProtocol
from orchestration.services import Services
from orchestration_tests.api.conftest import serving

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    import pytest

    from orchestration.settings import Settings


def test_an_unknown_address_is_one_problem(base_url: str) -> None:
    answer = requests.get(f"{base_url}/nothing", timeout=30)
    document = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (document["code"], document["detail"], document["type"]) == ("not_found", "Not Found", "/#problem-not_found")


def test_a_wrong_method_names_the_right_ones(base_url: str) -> None:
    answer = requests.delete(f"{base_url}/api/requests", timeout=30)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_building_it_touches_nothing(settings: Settings, tmp_path: Path) -> None:
    build_api(Services(settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/name"})))
    assert not (tmp_path / "home").exists()


def test_the_api_runs_without_dagster() -> None:
    program = (
        "import sys; from orchestration.api.app import build_api; from orchestration.services import Services; "
        "from orchestration.settings import load_settings; build_api(Services(load_settings())).openapi(); "
        "print([m for m in sys.modules if m.startswith('dagster')])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own program
    assert printed == "[]\n"


def test_answers_are_safe_and_carry_the_requests_id(base_url: str) -> None:
    answer = requests.get(f"{base_url}/healthz", headers={"X-Request-ID": "from-outside.1"}, timeout=30)
    assert answer.headers["x-request-id"] == "from-outside.1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "server" not in answer.headers
    odd = requests.get(f"{base_url}/healthz", headers={"X-Request-ID": "a b; c"}, timeout=30)
    assert odd.headers["x-request-id"] != "a b; c"


def test_the_page_shows_every_endpoint_and_loads_nothing_from_elsewhere(base_url: str) -> None:
    page, openapi = (requests.get(f"{base_url}/{path}", timeout=30) for path in ("", "openapi.json"))
    assert all(path in page.text for path in openapi.json()["paths"])
    assert "src=" not in page.text
    assert "<script" not in page.text
    assert "default-src 'none'; style-src 'sha256-" in page.headers["content-security-policy"]


def without_example(openapi: dict[str, Any]) -> list[str]:
    """The bodies and good answers that have none."""
    missing = []
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            good = {name: one for name, one in operation["responses"].items() if name.startswith("2")}
            for name, body in ({"body": operation["requestBody"]} if "requestBody" in operation else {} | good).items():
                for media, content in body.get("content", {}).items():
                    if media not in {"*/*", "text/html"} and not content.keys() & {"example", "examples"}:
                        missing.append(f"{method} {path} {name}")
    return missing


def test_every_body_and_answer_has_an_example(settings: Settings) -> None:
    assert without_example(build_api(Services(settings)).openapi()) == []


NOT_STRICT = [
    b"{",
    b'{"projects": [NaN]}',
    b'{"projects": ["\\ud800"]}',
    b'{"projects": ["\\u0000"]}',
    b'{"projects": ["\xff"]}',
    b'{"x": 1e999}',
    b"[" * 100_000,
]


def test_what_is_no_strict_json_is_refused(admin: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    answers = [admin.post("/api/canvas/snapshots", content=body, headers=headers) for body in NOT_STRICT]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(400, "invalid_json")}


def test_a_form_in_an_encoding_that_writes_what_cannot_be_stored_is_refused(admin: httpx.Client) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{"a": "+2AA- \\ud800"}\r\n--x--\r\n'
    for path in ("/api/mockups/jobs", "/admin/login"):
        for charset in ("utf-7", "unicode_escape"):
            headers = {"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
            answer = admin.post(path, content=part, headers=headers)
            assert (answer.status_code, "not in UTF-8" in answer.text) == (400, True), (path, charset)


def test_every_fault_of_a_body_is_named_by_its_place(admin: httpx.Client) -> None:
    answer = admin.post("/api/gallery/takedowns", json={"ids": [], "reason": 7, "other": 1})
    assert answer.status_code == 422
    assert {fault["path"] for fault in answer.json()["errors"]} == {"body.ids", "body.reason", "body.other"}


ODD = [
    ("/generations/%00", 404),
    ("/media/%00", 404),
    ("/media/a%00b", 404),
    ("/generations/%ED%A0%80", 404),
    (f"/generations/{'a' * 5_000}", 404),
    ("/api/requests/99999999999999999999999999", 404),
    ("/api/requests/0", 404),
    ("/api/requests/x", 404),
    ("/api/requests?kind=%00", 400),
    ("/api/requests?after=99999999999999999999999999", 422),
    ("/api/requests?limit=501", 422),
    ("/api/catalogue/variants?after=AAAA", 422),
    (f"/api/catalogue/variants?after={cursor_of('a', 'b')}", 200),
    ("/api/canvas/projects/none?at=-2", 422),
    ("/api/queues/none", 404),
]


def test_odd_parameters_are_refused_and_never_a_crash(admin: httpx.Client) -> None:
    assert [(path, admin.get(path).status_code) for path, _ in ODD] == ODD


def test_a_body_that_is_too_large_is_refused_before_it_is_read(settings: Settings) -> None:
    small = settings.model_copy(update={"api_max_body_bytes": 1_024})
    with serving(Services(small)) as base_url:
        announced = requests.post(f"{base_url}/api/canvas/snapshots", data=b"x" * 2_000, timeout=30)
        streamed = requests.post(f"{base_url}/api/canvas/snapshots", data=iter([b"x" * 600] * 4), timeout=30)
        larger = requests.post(f"{base_url}/api/prints/orders/csv", data=b"x" * 2_000, timeout=30)
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert larger.status_code == HTTPStatus.BAD_REQUEST, "an upload has a limit of its own"


def test_a_body_that_does_not_arrive_is_not_waited_for(settings: Settings) -> None:
    with serving(Services(settings.model_copy(update={"api_body_seconds": 0.2}))) as base_url:
        where = urlsplit(base_url)
        with socket.create_connection((str(where.hostname), int(where.port or 0)), 30) as caller:
            caller.sendall(b"POST /api/canvas/snapshots HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n"
                           b"Content-Type: application/json\r\n\r\n{")  # fmt: skip
            assert b" 408 " in caller.recv(100)


def test_a_connection_that_says_nothing_more_is_closed(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PunctualProtocol, "HEAD_SECONDS", 0.2)
    where = urlsplit(base_url)
    for said in (b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: "):
        with socket.create_connection((str(where.hostname), int(where.port or 0)), 30) as caller:
            caller.sendall(said)
            assert (said, caller.recv(100)) == (said, b"")


def test_an_address_with_a_name_in_it_is_documented_to_lead_nowhere_at_times(settings: Settings) -> None:
    paths = build_api(Services(settings)).openapi()["paths"]
    named = [(path, method, one) for path, methods in paths.items() if "{" in path for method, one in methods.items()]
    assert [(path, method) for path, method, one in named if "404" not in one["responses"]] == []


def test_more_requests_than_allowed_are_asked_to_wait(settings: Settings) -> None:
    limited = settings.model_copy(update={"api_requests_per_second": 0.1, "api_burst": 2})
    with serving(Services(limited)) as base_url:
        statuses = [requests.get(f"{base_url}/api/queues", timeout=30) for _ in range(3)]
    assert [answer.status_code for answer in statuses] == [200, 200, 429]
    assert int(statuses[2].headers["retry-after"]) == 10


def test_an_error_that_nobody_foresaw_shows_an_id_and_the_log_says_more(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise RuntimeError("the secret is hunter2")

    monkeypatch.setattr("orchestration.api.queues.pauses", broken)
    with serving(services) as base_url, structlog.testing.capture_logs() as lines:
        answer = requests.get(f"{base_url}/api/queues", headers={"X-Request-ID": "odd-1"}, timeout=30)
    assert (answer.status_code, answer.json()["code"], answer.json()["requestId"]) == (500, "internal", "odd-1")
    assert "hunter2" not in answer.text
    assert [line["event"] for line in lines] == ["request failed", "request"]


def test_the_log_names_the_route_and_never_the_link(base_url: str) -> None:
    with structlog.testing.capture_logs() as lines:
        requests.get(f"{base_url}/objects/prints/secret.stl?signature=verysecret", timeout=30)
        requests.get(f"{base_url}/n/verysecrettoken", timeout=30)
    assert [line["route"] for line in lines] == ["/objects/{key:path}", "/n/{token}"]
    assert "verysecret" not in json.dumps(lines)
