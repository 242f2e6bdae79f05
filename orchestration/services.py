"""The shared infrastructure of one process, created on first use.

Database, object store and links, which every domain is given. Keep out: anything of one domain.
Building a `Services` touches nothing, so definitions may hold one at import.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import cached_property
from typing import TYPE_CHECKING

from orchestration.storage.database import Database, DatabaseUrls, locate_databases
from orchestration.storage.embedded_access import make_private_home
from orchestration.storage.links import Links
from orchestration.storage.migrate import migrate, require_current_schema
from orchestration.storage.objects import ObjectStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.settings import Settings


class Services:
    """The database and the object store of one process.

    A server gives the `statement_seconds` that each statement may take; it also keeps all its connections, since
    making one costs more than most requests.
    """

    def __init__(self, settings: Settings, *, statement_seconds: float | None = None) -> None:
        self.settings = settings
        self._statement_seconds = statement_seconds
        self._closing = ExitStack()

    @cached_property
    def database_urls(self) -> DatabaseUrls:
        """Where the databases are; starts the embedded server unless a URL is set."""
        make_private_home(self.settings.home.absolute())
        return locate_databases(self.settings)

    @cached_property
    def database(self) -> Database:
        """The domain's database, whose schema is the one that this version needs.

        A reader never migrates: raises `ConfigurationError` for a schema that is missing, behind or ahead. Only the
        embedded database of a home that is used for the first time gets its schema here, by the first command.
        """
        database = Database(
            self.database_urls.domain,
            statement_seconds=self._statement_seconds,
            connections=self.settings.database_connections,
            keep_all=self._statement_seconds is not None,
        )
        try:
            require_current_schema(database, may_create=self.settings.database_url is None)
        except BaseException:
            database.close()
            raise
        return database

    def migrate(self, revision: str = "head") -> tuple[str | None, str | None]:
        """Bring the database to the schema of this version, or to another `revision`; the ones before and after.

        For the start of a factory and for `orchestration migrate`. Raises `ConfigurationError` when a newer version
        has made the schema.
        """
        with closing(Database(self.database_urls.domain)) as database:
            return migrate(database, revision)

    @cached_property
    def objects(self) -> ObjectStore:
        """The object store."""
        make_private_home(self.settings.home.absolute())
        return ObjectStore(self.settings.object_store_url)

    @cached_property
    def links(self) -> Links:
        """Signed links to the objects."""
        make_private_home(self.settings.home.absolute())
        return Links(self.settings, self.objects)

    def at_close(self, callback: Callable[[], object]) -> None:
        """Have something else closed together with these services, before them."""
        self._closing.callback(callback)

    def close(self) -> None:
        """Close the database's connections, and what was to be closed together with them."""
        self._closing.close()
        if "database" in self.__dict__:
            self.database.close()
