"""What a process has at hand: its settings, and what they lead to, opened on first use.

Belongs here: the shared things that every domain is given. Does not: anything of one domain.
Building a `Services` touches nothing, so definitions may hold one at import.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.errors import ConfigurationError
from orchestration.storage.database import Database, DatabaseUrls, locate_databases
from orchestration.storage.links import Links
from orchestration.storage.migrate import migrate
from orchestration.storage.objects import ObjectStore

if TYPE_CHECKING:
    from orchestration.settings import Settings


class Services:
    """The database, the object store and the feed's address of one process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def database_urls(self) -> DatabaseUrls:
        """Where the databases are; starts the embedded server unless a URL is set."""
        return locate_databases(self.settings)

    @cached_property
    def database(self) -> Database:
        """The domain's database, at the schema of today."""
        database = Database(self.database_urls.domain)
        migrate(database)
        return database

    @cached_property
    def objects(self) -> ObjectStore:
        """The object store."""
        return ObjectStore(self.settings.object_store_url)

    @cached_property
    def links(self) -> Links:
        """Signed links to the objects."""
        return Links(self.settings, self.objects)

    @property
    def feed_url(self) -> str:
        """The feed's base URL or the URL of its Import.txt; raises `ConfigurationError` when none is set."""
        if not self.settings.promidata_base_url:
            raise ConfigurationError("No feed is set: give PROMIDATA_BASE_URL, or --feed URL")
        return self.settings.promidata_base_url

    def close(self) -> None:
        """Let go of the database's connections."""
        if "database" in self.__dict__:
            self.database.close()
