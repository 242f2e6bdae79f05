"""API keys: making, checking, listing and revoking them.

A key is `orc_NUMBER_SECRET`. The secret is 256 random bits, so one SHA-256 of it is as safe to keep as a slow hash:
those protect words that people choose, which can be guessed, and would cost every request some 50 ms. The number finds
the row, and the hash is compared in constant time. Keep out: HTTP (`access`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from orchestration.api.tables import api_key
from orchestration.errors import ConflictError, InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

SECRET_BYTES = 32
LONGEST_NAME = 100
_KEY = re.compile(r"orc_([1-9][0-9]{0,17})_([A-Za-z0-9_-]{40,64})")


class Role(StrEnum):
    """What a key may do; each role includes those before it."""

    READ = "read"
    ENQUEUE = "enqueue"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether one of this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class ApiKey(NamedTuple):
    """A key as it is listed, without its secret."""

    id: int
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


_LISTED = [api_key.c[name] for name in ApiKey._fields]


def create_key(connection: sa.Connection, name: str, role: Role) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which is never shown again.

    Raises `InvalidInputError` for a name that is empty, long or unprintable, and `ConflictError` for one that a key
    has or had.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInputError(f"A key's name has 1 to {LONGEST_NAME} printable characters")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    values = {"name": name, "role": role.value, "secret_hash": _hash(secret)}
    try:
        with connection.begin_nested():
            row = connection.execute(sa.insert(api_key).values(values).returning(*_LISTED)).one()
    except sa.exc.IntegrityError as error:
        raise ConflictError(f"There is or was a key named {name}; choose another name") from error
    key = _key(row)
    return key, f"orc_{key.id}_{secret}"


def find_key(connection: sa.Connection, text: str) -> ApiKey | None:
    """The key that was given as `text`, and note that it was used; None when it is wrong or revoked."""
    match = _KEY.fullmatch(text)
    if match is None:
        return None
    number, secret = int(match[1]), match[2]
    row = connection.execute(_VALID, {"id": number}).one_or_none()
    if row is None or not hmac.compare_digest(row.secret_hash, _hash(secret)):
        return None
    if row.is_to_note:
        connection.execute(_USED, {"id": number})
    return _key(row)


def valid_key(connection: sa.Connection, number: int) -> ApiKey | None:
    """The key of that number, for a session that has shown it before; None once it is revoked."""
    valid = sa.select(*_LISTED).where(api_key.c.id == number, api_key.c.revoked_at.is_(None))
    row = connection.execute(valid).one_or_none()
    return None if row is None else _key(row)


def list_keys(connection: sa.Connection) -> list[ApiKey]:
    """All keys, revoked ones too, oldest first."""
    return [_key(row) for row in connection.execute(sa.select(*_LISTED).order_by(api_key.c.id))]


def has_keys(connection: sa.Connection) -> bool:
    """Whether a key was ever made; revoking the last one opens nothing."""
    return bool(connection.scalar(sa.select(sa.exists(sa.select(api_key.c.id)))))


def revoke_key(connection: sa.Connection, name: str) -> ApiKey:
    """End a key for good, from the next request on; raises `NotFoundError` for a name that no valid key has."""
    ending = sa.update(api_key).where(api_key.c.name == name, api_key.c.revoked_at.is_(None))
    row = connection.execute(ending.values(revoked_at=sa.func.now()).returning(*_LISTED)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no valid key named {name}; `orchestration api-keys list` shows them")
    return _key(row)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(*row[: len(ApiKey._fields)])._replace(role=Role(row.role))


# To the minute, so that a busy key does not write a row for each request.
_IS_TO_NOTE = "last_used_at IS NULL OR last_used_at < now() - interval '1 minute'"
_VALID = sa.text(f"""
    SELECT {", ".join(ApiKey._fields)}, secret_hash, {_IS_TO_NOTE} AS is_to_note
    FROM api_key WHERE id = :id AND revoked_at IS NULL
""")  # noqa: S608 - our own names
_USED = sa.text(f"UPDATE api_key SET last_used_at = now() WHERE id = :id AND ({_IS_TO_NOTE})")  # noqa: S608
