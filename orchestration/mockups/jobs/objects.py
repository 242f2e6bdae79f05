"""Objects that many jobs share, and removing those that none has any more.

A writer that stores an object and then the row that refers to it holds the lock for both, shared with other writers;
one that removes objects holds it alone. So no object is removed between its storing and its row. Keep out: rows.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from orchestration.storage.database import Database

FOLDER: Final = "mockups"
"""The folder of the mockups' objects, designs too."""

_NAME: Final = {"name": "mockup objects"}
_SHARE = sa.text("SELECT pg_advisory_lock_shared(hashtextextended(:name, 0))")
_UNSHARE = sa.text("SELECT pg_advisory_unlock_shared(hashtextextended(:name, 0))")
_LOCK = sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))")
_UNLOCK = sa.text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


@contextmanager
def storing(database: Database) -> Iterator[None]:
    """Keep objects from being removed while some are stored and referred to."""
    with database.connect() as connection:
        connection.execute(_SHARE, _NAME)
        try:
            yield
        finally:
            connection.execute(_UNSHARE, _NAME)


@contextmanager
def removing(database: Database) -> Iterator[None]:
    """Keep others from storing objects while some are removed."""
    with database.connect() as connection:
        connection.execute(_LOCK, _NAME)
        try:
            yield
        finally:
            connection.execute(_UNLOCK, _NAME)


@asynccontextmanager
async def storing_meanwhile(database: Database) -> AsyncIterator[None]:
    """As `storing`, in a thread of its own wherever it waits."""
    held = storing(database)
    await asyncio.to_thread(held.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(held.__exit__, None, None, None)
