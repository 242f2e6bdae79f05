"""What takes too long for a scrape: looked at beside it, about once a minute while somebody scrapes.

Comparing the whole gallery, the size of the database, the certificate of the object store. Keep out: what a scrape
asks itself (`statements`).

A probe that fails leaves its figure out, and is logged: a figure that is not there is an alert of its own.
"""

from __future__ import annotations

import math
import socket
import ssl
import time
from datetime import timedelta
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import sqlalchemy as sa

from orchestration.errors import OrchestrationError
from orchestration.metrics.statements import DATABASE_BYTES, PRIVATE_VISIBLE
from orchestration.observability.logs import get_logger
from orchestration.storage.database import limit_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.metrics.sheet import Sheet
    from orchestration.storage.database import Database
    from orchestration.storage.objects import ObjectStore

EVERY_SECONDS = 60.0
# A certificate does not change from minute to minute.
CERTIFICATE_SECONDS = 3_600.0
# How long the first scrape waits for figures; the others show those of the last look.
FIRST_SECONDS = 2.0
STATEMENT_MILLISECONDS = 30_000
CONNECT_SECONDS = 5.0

log = get_logger()


class Probes:
    """The slow figures, with their last values."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._lock = Lock()
        self._thread: Thread | None = None
        self._begun = self._certificate_seen = -math.inf
        self._found: dict[str, float] = {}

    def fill(self, sheet: Sheet) -> None:
        """What is known; looks again beside it if the last look is old."""
        with self._lock:
            is_first = self._thread is None
            if time.monotonic() - self._begun > EVERY_SECONDS and not (self._thread and self._thread.is_alive()):
                self._begun = time.monotonic()
                self._thread = Thread(target=self._look, name="metrics probes", daemon=True)
                self._thread.start()
            thread = self._thread
        if is_first and thread is not None:
            thread.join(FIRST_SECONDS)
        for name, value in list(self._found.items()):
            sheet.set(name, value)

    def close(self) -> None:
        """Wait for the look that is under way."""
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        self._try("orchestration_gallery_private_visible_items", lambda: self._ask(PRIVATE_VISIBLE))
        self._try("orchestration_database_size_bytes", lambda: self._ask(DATABASE_BYTES))
        if time.monotonic() - self._certificate_seen > CERTIFICATE_SECONDS:
            name = "orchestration_store_certificate_expiry_timestamp_seconds"
            self._try(name, lambda: certificate_expiry(self._objects))
            if name in self._found:
                self._certificate_seen = time.monotonic()

    def _try(self, name: str, look: Callable[[], float]) -> None:
        try:
            self._found[name] = look()
        except (OrchestrationError, sa.exc.SQLAlchemyError, OSError) as error:
            self._found.pop(name, None)
            log.warning("probe failed", metric=name, error=str(error).partition("\n")[0])

    def _ask(self, statement: sa.TextClause) -> float:
        with self._database.begin() as connection:
            limit_statements(connection, STATEMENT_MILLISECONDS)
            return float(connection.execute(statement).scalar_one())


def certificate_expiry(objects: ObjectStore) -> float:
    """When the certificate of the store's server ends, in Unix time; infinity for a store that is not asked by HTTPS.

    Raises OSError when the server does not answer, or shows a certificate that is not valid (`ssl.SSLError`).
    """
    address = urlsplit(objects.presign("certificate", timedelta(minutes=1)) or "")
    if address.scheme != "https" or address.hostname is None:
        return math.inf
    where = (address.hostname, address.port or 443)
    with (
        socket.create_connection(where, timeout=CONNECT_SECONDS) as plain,
        ssl.create_default_context().wrap_socket(plain, server_hostname=address.hostname) as connection,
    ):
        certificate = connection.getpeercert()
    ends = (certificate or {}).get("notAfter")
    return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else math.inf
