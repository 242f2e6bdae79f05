"""Who may call: each endpoint names its role, and nobody gets further than that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import sqlalchemy as sa

from orchestration.api.app import build_api
from orchestration.api.keys import Role, create_key, find_key, list_keys, revoke_key
from orchestration.api.tables import api_key
from orchestration.errors import ConflictError, InvalidInputError, NotFoundError
from orchestration.services import Services
from orchestration.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from orchestration.storage.database import Database

PUBLIC = {
    "GET /healthz",
    "GET /n/{token}",
    "GET /prints/{token}",
    "GET /objects/{key}",
    "GET /generations/{history_id}",
    "GET /media/{rest}",
    "GET /signup/image",
}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every endpoint: method, path, and its documentation."""
    paths = build_api(Services(Settings())).openapi()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def role_of(operation: dict[str, Any]) -> Role | None:
    roles = [role for scheme in operation.get("security", ()) for one in scheme.values() for role in one]
    return Role(roles[0]) if roles else None


OPERATIONS = list(operations())
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]


def test_every_endpoint_names_its_role_or_is_known_to_be_public() -> None:
    without = {name for name, (_, _, one) in zip(NAMES, OPERATIONS, strict=True) if role_of(one) is None}
    assert without == PUBLIC


def test_what_changes_something_is_never_for_readers() -> None:
    readable = {name for name, (_, _, one) in zip(NAMES, OPERATIONS, strict=True) if role_of(one) is Role.READ}
    assert {name.partition(" ")[0] for name in readable} == {"GET"}


def test_no_endpoint_lets_in_whom_its_role_excludes(as_role: Callable[[Role], httpx.Client]) -> None:
    clients = {role: as_role(role) for role in Role}
    wrong = []
    for method, path, operation in OPERATIONS:
        needed = role_of(operation)
        if needed is None:
            continue
        statuses = {role: client.request(method, path, json={}).status_code for role, client in clients.items()}
        wrong += [
            (method, path, str(role), status)
            for role, status in statuses.items()
            if (status == 403) == role.includes(needed) or status in {401, 500}
        ]
        anonymous = clients[Role.READ].request(method, path, json={}, headers={"Authorization": ""}).status_code
        wrong += [(method, path, "nobody", anonymous)] if anonymous != 401 else []
    assert wrong == []


def test_a_wrong_key_is_refused(admin: httpx.Client) -> None:
    for key in ("orc_1_wrong", "orc_99_" + "a" * 43, "Bearer", "orc_0_" + "a" * 43, "x" * 5_000):
        answer = admin.get("/api/queues", headers={"Authorization": f"Bearer {key}"})
        assert (key, answer.status_code, answer.json()["code"]) == (key, 401, "key_missing")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert key not in answer.text.replace("Authorization: Bearer KEY", "")


def test_a_key_is_kept_as_a_hash_ends_when_it_is_revoked_and_shows_its_last_use(
    services: Services, admin: httpx.Client
) -> None:
    key = admin.headers["authorization"].removeprefix("Bearer ")
    assert admin.get("/api/queues").status_code == 200
    with services.database.begin() as connection:
        (listed,) = list_keys(connection)
        stored = connection.execute(sa.select(sa.cast(api_key.c.secret_hash, sa.Text))).scalar_one()
        assert listed.last_used_at is not None
        assert key.rpartition("_")[2] not in stored
        revoke_key(connection, listed.name)
    assert admin.get("/api/queues").status_code == 401
    no_key = admin.get("/api/queues", headers={"Authorization": ""})
    assert no_key.status_code == 401, "revoking the last key opens nothing"


def test_keys_have_one_name_each(database: Database) -> None:
    with database.begin() as connection:
        key, text = create_key(connection, "shop", Role.READ)
        assert find_key(connection, text) == key
        with pytest.raises(ConflictError, match="shop"):
            create_key(connection, "shop", Role.ADMIN)
        with pytest.raises(InvalidInputError, match="printable"):
            create_key(connection, "a\nb", Role.READ)
        with pytest.raises(NotFoundError, match="nobody"):
            revoke_key(connection, "nobody")


HERE, LOCAL = "http://127.0.0.1:3001", "127.0.0.1"


def client_from(app: ASGIApp, address: str = LOCAL, url: str = HERE) -> httpx.AsyncClient:
    """A caller from that address who calls the API by that URL."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(address, 50_000)), base_url=url)


async def test_without_keys_only_programs_on_this_machine_are_let_in(services: Services) -> None:
    app = build_api(services)
    for address, url, headers, status in (
        (LOCAL, HERE, {}, 200),
        (LOCAL, "http://localhost", {"Origin": "http://localhost:3001"}, 200),
        ("::1", HERE, {}, 200),
        ("10.0.0.7", HERE, {}, 401),
        (LOCAL, HERE, {"X-Forwarded-For": "203.0.113.9"}, 401),
        (LOCAL, HERE, {"X-Forwarded-Proto": "https"}, 401),
        (LOCAL, HERE, {"Via": "1.1 proxy"}, 401),
        (LOCAL, HERE, {"Origin": "https://evil.example"}, 401),
        (LOCAL, HERE, {"Origin": "null"}, 401),
        (LOCAL, "http://rebound.example", {}, 401),
        (LOCAL, HERE, {"Authorization": "Bearer orc_1_" + "a" * 43}, 401),
    ):
        async with client_from(app, address, url) as client:
            answer = await client.get("/api/queues", headers=headers)
            assert (address, url, headers, answer.status_code) == (address, url, headers, status)


async def test_without_keys_a_proxy_that_hides_itself_is_known_by_its_old_protocol(services: Services) -> None:
    """So does nginx by default: no header of its own, the API's address as Host, HTTP/1.0."""
    app = build_api(services)

    async def proxied(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "http_version": "1.0"}, receive, send)

    async with client_from(proxied) as client:
        answers = [await client.get(path) for path in ("/api/queues", "/admin", "/healthz")]
    assert [answer.status_code for answer in answers] == [401, 401, 200]


async def test_the_page_says_who_may_call(services: Services) -> None:
    async with client_from(build_api(services)) as client:
        assert "There are no API keys, so only programs on this machine may call" in (await client.get("/")).text
        with services.database.begin() as connection:
            create_key(connection, "shop", Role.READ)
        assert "Callers give an API key" in (await client.get("/docs")).text


def test_whoever_has_no_right_is_told_so_before_their_body_is_read(as_role: Callable[[Role], httpx.Client]) -> None:
    reader, sent = as_role(Role.READ), {"content": b"{no json", "headers": {"Content-Type": "application/json"}}
    nobody = {**sent, "headers": {**sent["headers"], "Authorization": ""}}  # type: ignore[dict-item]
    answers = [reader.post("/api/preview/job", **one) for one in (nobody, sent)]  # type: ignore[arg-type]
    assert [answer.status_code for answer in answers] == [401, 403]
    assert as_role(Role.ENQUEUE).post("/api/preview/job", **sent).json()["code"] == "invalid_json"  # type: ignore[arg-type]
