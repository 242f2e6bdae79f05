"""Signed links: how somebody without an account reads one stored object for a while.

Making links and checking them. Keep out: serving what they lead to (`api`).

S3 checks its links itself. For a local store the API does: such a link carries when it ends and an HMAC-SHA256 over
what it promises, so none needs to be remembered, and a new key ends all of them.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

from orchestration.errors import ConfigurationError, InvalidInputError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.settings import Settings
    from orchestration.storage.objects import ObjectStore

KEY_FILE = "signing.key"
KEY_BYTES = 32
SHORTEST_KEY = 16
SHORTEST_LIFETIME = timedelta(seconds=1)


class WrongSignatureError(RefusedError):
    """The link was not made here, or has been changed since."""


class LinkExpiredError(RefusedError):
    """The link was made here, and its time is over."""


class SignedLink(NamedTuple):
    """A link, and when it stops working."""

    url: str
    expires_at: datetime


class Links:
    """Makes and checks the links to the objects of one store; nothing is read before the first use."""

    def __init__(self, settings: Settings, store: ObjectStore) -> None:
        self._settings = settings
        self._store = store

    def sign(
        self, key: str, *, now: datetime, filename: str | None = None, lifetime: timedelta | None = None
    ) -> SignedLink:
        """A link to the object `key`, whether or not it exists, for `lifetime`; unset is the hours in the settings.

        `filename` is what a browser saves it as; S3, which signs no such wish here, names it after the key's last part.
        Raises `InvalidInputError` for a lifetime below a second or, for S3, above 168 hours, `TransientError` when S3's
        credentials cannot be had, and `ConfigurationError` when the key cannot be kept.
        """
        if lifetime is None:
            lifetime = timedelta(hours=self._settings.signed_link_hours)
        if lifetime < SHORTEST_LIFETIME:
            raise InvalidInputError(f"A link must work for at least a second, not for {lifetime.total_seconds():g}")
        if (url := self._store.presign(key, lifetime)) is not None:
            return SignedLink(url, now + lifetime)
        expires = int((now + lifetime).timestamp())
        promise = {"expires": str(expires), **({"filename": filename} if filename else {})}
        query = urlencode({**promise, "signature": self._signature(key, str(expires), filename)}, quote_via=quote)
        url = f"{self._settings.public_url.rstrip('/')}/objects/{quote(key)}?{query}"
        return SignedLink(url, datetime.fromtimestamp(expires, UTC))

    def verify(self, key: str, expires: str, signature: str, *, now: datetime, filename: str | None = None) -> None:
        """Pass when these parts of a link, decoded, are as `sign` made them and its time is not over.

        Raises `WrongSignatureError` or `LinkExpiredError`.
        """
        expected = self._signature(key, expires, filename)
        if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            raise WrongSignatureError("This link is not valid: it is incomplete or was changed; ask for a new one")
        if now.timestamp() >= int(expires):
            ended = datetime.fromtimestamp(int(expires), UTC)
            raise LinkExpiredError(f"This link ended at {ended:%Y-%m-%d %H:%M} UTC; ask for a new one")

    def derived_key(self, purpose: str) -> bytes:
        """A key of its own for another purpose, which says nothing about that of the links."""
        return hmac.new(self._key, f"key of {purpose}".encode(), "sha256").digest()

    def _signature(self, key: str, expires: str, filename: str | None) -> str:
        # Quoted, no part holds the separator, so no two links say the same.
        promise = "\n".join(quote(part, safe="", errors="replace") for part in (key, expires, filename or ""))
        return hmac.new(self._key, promise.encode(), "sha256").hexdigest()

    @cached_property
    def _key(self) -> bytes:
        given = self._settings.signing_key
        key = given.get_secret_value() if given else ""
        if not key:
            return _own_key(self._settings.home)
        if len(key) < SHORTEST_KEY:
            raise ConfigurationError(f"ORCHESTRATION_SIGNING_KEY needs at least {SHORTEST_KEY} characters")
        return key.encode()


def _own_key(home: Path) -> bytes:
    """The key in the home, made by the first who comes."""
    path = home / KEY_FILE
    try:
        if not path.exists():
            _create_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} can be neither read nor made: set ORCHESTRATION_SIGNING_KEY") from error
    if len(key) < SHORTEST_KEY:
        raise ConfigurationError(f"{path} holds no key; remove it, and a new one is made")
    return key


def _create_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written whole under another name, which only its owner may read, and then linked: a second process finds either
    # no key or all of it, and never replaces it.
    with NamedTemporaryFile(dir=path.parent, prefix=f".{KEY_FILE}-") as file:
        file.write(secrets.token_hex(KEY_BYTES).encode())
        file.flush()
        os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(file.name, path)
