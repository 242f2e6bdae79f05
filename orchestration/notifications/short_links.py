"""Short links for fields that cannot hold a signed one: making them, and finding where one leads.

The token is random and as long as a key, so a client that has the link was given it. Keep out: following it (`api`).
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import sqlalchemy as sa

from orchestration.notifications.tables import notification

PATH = "/n/"
_TOKEN_BYTES = 16


def new_token() -> str:
    """A token that nobody can guess, of 22 letters that need no quoting."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def short_link(public_url: str, token: str) -> str:
    """The short link of a notification's token."""
    return f"{public_url.rstrip('/')}{PATH}{token}"


class LinkTarget(NamedTuple):
    """Where a short link leads: to a stored object, or else to a link as it was announced."""

    link: str | None
    object_key: str | None
    filename: str | None


def find_target(connection: sa.Connection, token: str) -> LinkTarget | None:
    """Where the short link with this token leads; None when it leads nowhere."""
    if not token.isprintable():
        return None
    columns = [notification.c.payload[name].astext for name in LinkTarget._fields]
    row = connection.execute(sa.select(*columns).where(notification.c.token == token)).one_or_none()
    return None if row is None or row[0] is None else LinkTarget(*row)
