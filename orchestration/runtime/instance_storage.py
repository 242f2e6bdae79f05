"""Dagster's storage on this product's PostgreSQL: what `dagster.yaml` names instead of a URL.

So that Dagster's own commands find the same instance: each process joins the embedded server, and none of them depends
on another that may have ended. Keep out: what the storage does, which is Dagster's.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from dagster_postgres import DagsterPostgresStorage

from orchestration.errors import OrchestrationError
from orchestration.runtime.instance import ask_for_utc, is_prepared
from orchestration.services import Services
from orchestration.settings import load_settings

if TYPE_CHECKING:
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
        ask_for_utc()
        return cls(postgres_url=url, inst_data=inst_data)
