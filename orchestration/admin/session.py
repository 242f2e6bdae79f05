"""Who looks at the pages: the session cookie of a browser, the key behind it, and what proves that a form is ours.

A session names an API key by number and holds no secret of it, so revoking the key ends the session with the next
request. Without any key, a browser on this machine has a session of its own with every right, as the API has it. Keep
out: keys and roles (`api.keys`), and the pages.
"""

from __future__ import annotations

import hmac
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer

from orchestration.api.access import LOCAL, Caller, require_local
from orchestration.api.keys import Role, find_key, has_keys, valid_key

if TYPE_CHECKING:
    import sqlalchemy as sa
    from starlette.requests import Request
    from starlette.responses import Response

    from orchestration.services import Services

COOKIE: Final = "orchestration_admin"
PATH: Final = "/admin"
SESSION_SECONDS: Final = 12 * 3600
_NO_KEY: Final = 0


class LoginNeededError(Exception):
    """Nobody is logged in, or no longer."""


class Visitor(NamedTuple):
    """Somebody who may look. `session` is random, and tells this browser from others; `is_new` asks for a cookie."""

    caller: Caller
    key_number: int
    session: str
    is_new: bool = False

    def may(self, role: Role) -> bool:
        """Whether the visitor has that role."""
        return self.caller.role.includes(role)


class Sessions:
    """Makes and reads sessions; nothing is read before the first use."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def _cookies(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._services.links.derived_key("admin sessions"), salt="session")

    @cached_property
    def _forms(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._services.links.derived_key("admin sessions"), salt="form")

    def visitor(self, request: Request) -> Visitor:
        """Who sends this request; raises `LoginNeededError`, and `ProblemError` from elsewhere without any key."""
        known = self._read(request.cookies.get(COOKIE, ""))
        with self._services.database.connect() as connection:
            if known and known[0] != _NO_KEY:
                key = valid_key(connection, known[0])
                if key is None:
                    raise LoginNeededError
                return Visitor(Caller(key.name, key.role), *known)
            if has_keys(connection):
                raise LoginNeededError
        require_local(request)
        return Visitor(Caller(LOCAL, Role.ADMIN), *(known or (_NO_KEY, secrets.token_urlsafe(16), True)))

    def log_in(self, connection: sa.Connection, key: str) -> Visitor | None:
        """A new session for the holder of this key; None when it is wrong or revoked."""
        found = find_key(connection, key.strip())
        if found is None:
            return None
        return Visitor(Caller(found.name, found.role), found.id, secrets.token_urlsafe(16), is_new=True)

    def keep(self, response: Response, visitor: Visitor) -> None:
        """Give the browser the session's cookie."""
        value = self._cookies.dumps([visitor.key_number, visitor.session])
        # Lax, so that a visitor who follows a link from Dagster's UI is logged in; forms have a token of their own.
        response.set_cookie(
            COOKIE,
            str(value),
            max_age=SESSION_SECONDS,
            path=PATH,
            httponly=True,
            samesite="lax",
            secure=self._services.settings.public_url.startswith("https:"),
        )

    def form_token(self, visitor: Visitor) -> str:
        """What proves that a form was made for this browser."""
        return str(self._forms.dumps(visitor.session))

    def is_own_form(self, visitor: Visitor, token: str) -> bool:
        """Whether a form was made for this very session, and lately."""
        try:
            session = self._forms.loads(token, max_age=SESSION_SECONDS)
        except BadData:
            return False
        return isinstance(session, str) and hmac.compare_digest(session, visitor.session)

    def _read(self, cookie: str) -> tuple[int, str] | None:
        try:
            number, session = self._cookies.loads(cookie, max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return int(number), str(session)
