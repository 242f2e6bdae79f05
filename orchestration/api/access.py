"""Who may call: the role that each endpoint names, and the key that the caller gives.

    @router.get("/api/suppliers", dependencies=[READS])
    def start_sync(caller: Enqueuer) -> ...:

A key comes as `Authorization: Bearer orc_...`. As long as no key was ever made, callers from this machine itself are
admitted with every right, and nobody else: not through a proxy, nor by a web page of another origin in a browser here.
Keep out: the keys (`keys`), and how many requests a caller may make (`rates`).
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from orchestration.api.keys import ApiKey, Role, find_key, has_keys
from orchestration.api.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi.dependencies.models import Dependant

    from orchestration.services import Services

LOCAL = "loopback"
# What proxies add, by the beginnings of the names.
_FORWARDED = ("forwarded", "x-forwarded-", "x-real-ip", "x-client-ip", "true-client-ip", "cf-", "via")
# The version of HTTP that nginx speaks by default; it adds no header, and writes the API's own address into Host.
_OF_A_PROXY = "1.0"
SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="key",
    description="An API key of `orchestration api-keys create`. Without any key, callers from the machine itself.",
)


class Caller(NamedTuple):
    """Who calls: a key's name, or `LOCAL` without keys."""

    name: str
    role: Role


def admit(request: Request, roles: Sequence[Role]) -> Caller:
    """Find out who calls, before anything of the body is read; 401 without a valid key, 403 without one of `roles`."""
    services: Services = request.app.state.services
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    caller = _caller(request, services, key.strip() if scheme.lower() == "bearer" else None)
    request.app.state.rates.take(caller.name)
    request.scope["caller"] = caller
    if not all(caller.role.includes(role) for role in roles):
        detail = f"The key {caller.name} has the role {caller.role}, and this needs {max(roles, key=list(Role).index)}"
        raise ProblemError(HTTPStatus.FORBIDDEN, "role_missing", detail)
    return caller


async def authenticate(
    request: Request, _given: Annotated[HTTPAuthorizationCredentials | None, Depends(SCHEME)]
) -> Caller:
    """The caller, whom the route has admitted; here for endpoints to name their role, and for the documentation."""
    caller: Caller = request.scope["caller"]
    return caller


def required_roles(dependant: Dependant) -> tuple[Role, ...]:
    """The roles that an endpoint and what it depends on name; none for a public one."""
    own = dependant.own_oauth_scopes or ()
    named = {Role(scope) for scope in own} if dependant.call is authenticate else set()
    return tuple(named.union(*map(required_roles, dependant.dependencies)))


READS = Security(authenticate, scopes=[Role.READ.value])
ENQUEUES = Security(authenticate, scopes=[Role.ENQUEUE.value])
ADMINISTERS = Security(authenticate, scopes=[Role.ADMIN.value])
Enqueuer = Annotated[Caller, ENQUEUES]
Admin = Annotated[Caller, ADMINISTERS]


def _caller(request: Request, services: Services, key: str | None) -> Caller:
    with services.database.connect() as connection:
        found: ApiKey | None = find_key(connection, key) if key else None
        if found is not None:
            return Caller(found.name, found.role)
        if key is None and not has_keys(connection):
            require_local(request)
            return Caller(LOCAL, Role.ADMIN)
    request.app.state.rates.take(_address(request))
    detail = "This needs an API key: Authorization: Bearer KEY; `orchestration api-keys create` makes one"
    if key is not None:
        detail = "This API key is wrong or revoked; `orchestration api-keys list` shows the valid ones"
    raise ProblemError(HTTPStatus.UNAUTHORIZED, "key_missing", detail, headers={"WWW-Authenticate": "Bearer"})


def require_local(request: Request) -> None:
    """Pass for a program on this machine; a browser here may be led by a page from elsewhere, which says so."""
    is_forwarded = any(name.startswith(_FORWARDED) for name in request.headers)
    is_forwarded = is_forwarded or request.scope["http_version"] == _OF_A_PROXY
    names = (request.headers.get("host"), request.headers.get("origin"))
    hosts = [_host_of(name) for name in names if name]
    if is_forwarded or not all(map(is_loopback, (_address(request), *hosts))):
        detail = "Without API keys only programs on this machine may call; make one: `orchestration api-keys create`"
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "key_missing", detail, headers={"WWW-Authenticate": "Bearer"})


def _host_of(name: str) -> str | None:
    """The host in a Host or Origin header; None in what is neither."""
    try:
        return urlsplit(name if "//" in name else f"//{name}").hostname
    except ValueError:
        return None


def count_address(request: Request) -> None:
    """Count a request of somebody who needs no key."""
    request.app.state.rates.take(_address(request))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
