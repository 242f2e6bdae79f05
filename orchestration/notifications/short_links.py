"""Short links for fields that cannot hold a signed one: making them, and finding where one leads.

The token is random and as long as a key, so a client that has the link was given it. Keep out: following it (`api`).
"""

from __future__ import annotations

import secrets

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


def find_link(connection: sa.Connection, token: str) -> str | None:
    """Where the short link with this token leads; None when there is none."""
    if not token.isprintable():
        return None
    link: str | None = connection.execute(
        sa.select(notification.c.payload["link"].astext).where(notification.c.token == token)
    ).scalar_one_or_none()
    return link
