"""The HTTP API and its admin pages as a whole: any request to any address, answered over a database of its own."""

from __future__ import annotations

import asyncio
import atexit
import json
import re
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx

from orchestration.admin import (
    canvas_pages,
    catalogue_actions,
    gallery_pages,
    mockup_pages,
    preview_pages,
    print_pages,
    queue_actions,
)
from orchestration.api.app import build_api
from orchestration.domains import Domains
from orchestration.observability.logs import configure_logging
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.admin.samples import FAMILY, fill
from orchestration_tests.conftest import migrate_database
from orchestration_tests.fuzz.mutation import of_json
from orchestration_tests.fuzz.target import Target, expect, json_of
from orchestration_tests.server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MORE_THAN_ANYBODY_ASKS: Final = 1_000_000
_HOST: Final = "127.0.0.1"
_VERBS: Final = ("get", "post", "put", "patch", "delete")
_SERVER_ERROR: Final = 500
# What waits for something to happen would wait through the whole run.
_WAITING: Final = ("wait",)
# Values of parameters of addresses that name something, else 1.
_KNOWN: Final = {
    "a_number": FAMILY, "code": "A23", "supplier": "A23", "name": "product-family", "rest": "aa/aa.png",
    "project_id": "p-1", "history_id": "g1",
}  # fmt: skip
_PAGES: Final = (
    "/admin", "/admin/queues", "/admin/queues/{name}", "/admin/families", "/admin/families/{a_number}",
    "/admin/explain/{a_number}", "/admin/suppliers/{supplier}", "/admin/syncs", "/admin/changes", "/admin/quarantine",
    "/admin/gallery", "/admin/signup", "/admin/takedowns", "/admin/mockups", "/admin/previews", "/admin/prints",
    "/admin/prints/{number}", "/admin/prints/skus", "/admin/canvas", "/admin/collections", "/admin/search",
    "/admin/trouble", "/admin/requests", "/admin/runs", "/docs", "/metrics", "/healthz", "/s/{token}",
)  # fmt: skip
_ACTIONS: Final = (
    canvas_pages, catalogue_actions, gallery_pages, mockup_pages, preview_pages, print_pages, queue_actions,
)  # fmt: skip
_FORM: Final = "application/x-www-form-urlencoded"
_HEADERS: Final = (
    "host", "origin", "authorization", "range", "if-range", "if-none-match", "x-request-id", "accept", "sec-fetch-site",
    "x-forwarded-for", "cookie", "idempotency-key", "content-encoding",
)  # fmt: skip
_TOKEN: Final = re.compile(r'name="form_token" value="([^"]+)"')


class Door:
    """The API over services, for a caller of the machine itself; forms are taken where the services have a factory."""

    def __init__(self, services: Services) -> None:
        app = build_api(services)
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, client=(_HOST, 50_000), raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=f"http://{_HOST}:3001")
        page = self._runner.run(self._client.get(f"/admin/families/{FAMILY}"))
        found = _TOKEN.search(page.text)
        self._form_token = found[1] if found else ""

    def ask(self, data: bytes) -> None:
        """Send a request, which is JSON of its parts: it is answered, and never by an error of the server."""
        wanted = json_of(data)
        if isinstance(wanted, dict):
            try:
                answer = self._runner.run(self._send(wanted))
            except httpx.InvalidURL:  # no client sends it
                return
            expect(answer.status_code < _SERVER_ERROR, f"{answer.status_code}: {answer.text[:500]}")

    def close(self) -> None:
        """End the loop that it ran in."""
        self._runner.close()

    async def _send(self, wanted: dict[str, Any]) -> httpx.Response:
        query, names, given = (_flat(wanted.get(part)) for part in ("query", "names", "headers"))
        body = wanted.get("body")
        path = re.sub(r"\{(\w+)\}", lambda name: quote(names.get(name[1], ""), safe=""), _text(wanted.get("path")))
        method = _text(wanted.get("method")).lower()
        content = body.replace("{token}", self._form_token) if isinstance(body, str) else json.dumps(body)
        return await self._client.request(
            method.upper() if method in _VERBS else "GET",
            f"/{path.lstrip('/')}",
            params={name: value for name, value in query.items() if name not in _WAITING},
            headers={name: _sent(given[name]) for name in _HEADERS if name in given}
            | {"content-type": _sent(_text(wanted.get("type")))},
            content=content.encode(),
        )


def _sent(header: str) -> str:
    """What a client can send as a header."""
    return re.sub("[^ -~]", "", header)[:200]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _flat(value: object) -> dict[str, str]:
    return {name: _text(one) for name, one in value.items()} if isinstance(value, dict) else {}


def ask_api(data: bytes) -> None:
    """Send a request to an API of this process's own."""
    _own_door().ask(data)


@cache
def _own_door() -> Door:
    held = ExitStack()
    atexit.register(held.close)
    configure_logging("ERROR")
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-api-")))
    url = held.enter_context(running_server())
    migrate_database(url)
    services = Services(settings_of(url, folder))
    held.callback(services.close)
    fill(Domains(services))
    return Door(services)


def settings_of(database_url: str, folder: Path) -> Settings:
    """Settings that set no bounds to the number of requests."""
    return Settings(
        home=folder / "home", database_url=database_url, object_store=(folder / "objects").as_uri(),
        api_requests_per_second=_MORE_THAN_ANYBODY_ASKS, api_burst=_MORE_THAN_ANYBODY_ASKS,
    )  # fmt: skip


def requests() -> Iterable[bytes]:
    """One request of each endpoint with the example of its body, each page, and each form."""
    document = build_api(Services(Settings(home=Path("unused")))).openapi()
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            if verb in _VERBS:
                yield _request(verb, path, **_asked(operation, document["components"]["schemas"]))
    for name in _HEADERS:
        yield _request("get", "/objects/{key}", headers={name: "bytes=0-1"}, query={"expires": "1", "signature": "2"})
    for path in _PAGES:
        yield _request("get", path, query={"q": "a", "after": "1", "state": "dead"})
    for action in (one for module in _ACTIONS for one in module.ACTIONS):
        body = f"form_token={{token}}&confirmed=yes&back=/admin&key=1&{action.name.split('.')[0]}=1"
        yield _request("post", "/admin/do/{action}", names={"action": action.name}, body=body, type=_FORM)


def _request(method: str, path: str, **parts: Any) -> bytes:  # noqa: ANN401 - as JSON
    path = re.sub(r"\{(\w+)[^}]*\}", r"{\1}", path)
    names = {name: _KNOWN.get(name, "1") for name in re.findall(r"\{(\w+)\}", path)}
    usual = {"method": method, "path": path, "names": names, "query": {}, "type": "application/json", "body": None,
             "headers": {}}  # fmt: skip
    return json.dumps(usual | parts).encode()


def _asked(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The query and the body that an operation's documentation shows."""
    parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    query = {one["name"]: one["schema"]["default"] for one in parameters if "default" in one["schema"]}
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return {"query": query}
    kind, form = next(iter(content.items()))
    return {"query": query, "type": kind, "body": next(_examples(form, schemas))}


def _examples(form: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Any]:
    if "example" in form:
        yield form["example"]
    schema = form.get("schema", {})
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    yield from (schema[name] for name in ("example",) if name in schema)
    yield from schema.get("examples", ())
    yield dict.fromkeys(schema.get("properties", ()))


TARGETS = (Target("api", ask_api, requests, mutation=of_json, longest=8192),)
