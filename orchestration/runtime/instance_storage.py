"""Dagster's storage on this product's PostgreSQL: what `dagster.yaml` names instead of a URL.

So that Dagster's own commands find the same instance: each process joins the embedded server, and none of them depends
on another that may have ended. Keep out: what the storage does, which is Dagster's.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)

from orchestration.errors import OrchestrationError
from orchestration.runtime.instance import is_prepared
from orchestration.services import Services
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import dagster as dg
    from dagster._config.config_schema import UserConfigSchema
    from dagster._serdes import ConfigurableClassData

REMEDY = (
    'Dagster does not know this instance yet: run `eval "$(orchestration env)"` in this shell first, or start '
    "everything with `orchestration up`"
)


class InstanceStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the database that the settings name, or in the embedded one.

    Without the variables of `orchestration env`, or when the database cannot be reached, the process ends with one
    line: what Dagster makes of an error at this place is a page of its own source.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """It takes nothing: the settings say where the database is."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, _config_value: object) -> Self:
        """The storage of this process."""
        if not is_prepared():
            sys.exit(REMEDY)
        try:
            settings = load_settings()
            url = settings.dagster_database_url or Services(settings).database_urls.dagster
        except OrchestrationError as error:
            sys.exit(str(error))
        return cls(postgres_url=url, inst_data=inst_data)


def keep_connections(instance: dg.DagsterInstance, url: str) -> Callable[[], None]:
    """Have the instance keep a connection between statements; returns what closes it.

    Dagster opens one for each statement, for the sake of processes that open many instances.
    """
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=-1, pool_pre_ping=True)
    for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
        if isinstance(storage, PostgresRunStorage | PostgresEventLogStorage | PostgresScheduleStorage):
            # As Dagster's web server has it done, but so that it outlasts a restart of the database.
            storage._engine = engine  # noqa: SLF001
    return engine.dispose
