"""Dagster's instance: its home, its storage, its pools.

What must hold before Dagster's own processes start, or before a job runs in this one. Keep out: what
the instance is configured with, which `dagster.yaml` says.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

import orchestration
from orchestration.errors import ConfigurationError
from orchestration.storage.database import NO_ROOM, Database, free_connections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import dagster as dg

    from orchestration.services import Services

CONFIGURATION = Path(orchestration.__file__).parents[1] / "dagster.yaml"

# Those of a worker and its handlers, and Dagster's own, which it opens for each statement.
CONNECTIONS_OF_A_RUN = 10

HOME, LOG_DIRECTORY = "DAGSTER_HOME", "ORCHESTRATION_LOG_DIRECTORY"
_DATABASES = "ORCHESTRATION_DATABASE_URL", "ORCHESTRATION_DAGSTER_DATABASE_URL"
_NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
        "config": {},
    }
}
_LOCK = 0x494E_5354  # "INST"


def instance_environment(services: Services) -> dict[str, str]:
    """The variables of Dagster's processes: every setting that was set, and what the instance is found by.

    Writes the instance's home under the state directory. Where databases and objects are goes along even if it was not
    set, so that an embedded server is started once, by the first process. Secrets go along too, since the processes do
    the work that needs them.
    """
    if not CONFIGURATION.exists():
        raise ConfigurationError(f"{CONFIGURATION} is missing: run `orchestration` from a checkout of the project")
    home = services.settings.home.absolute()
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    _copy(CONFIGURATION, dagster_home / CONFIGURATION.name)
    return {
        **services.settings.environment(secrets=True),
        HOME: str(dagster_home),
        "ORCHESTRATION_HOME": str(home),
        **dict(zip(_DATABASES, (services.database_urls.domain, services.database_urls.dagster), strict=True)),
        "ORCHESTRATION_OBJECT_STORE": services.settings.object_store_url,
        LOG_DIRECTORY: str(home / "logs"),
    }


def shell_environment(services: Services) -> dict[str, str]:
    """The same for a shell, from which Dagster's own commands are started one by one.

    An embedded server is not named: it ends with the last process that uses it, so each starts or joins it itself.
    """
    variables = instance_environment(services)
    if services.settings.database_url is None:
        for name in _DATABASES:
            variables.pop(name)
    return variables


def is_prepared() -> bool:
    """Whether this process has the variables of the instance."""
    return {HOME, LOG_DIRECTORY} <= os.environ.keys()


def ask_for_utc() -> None:
    """Have Dagster's connections of this process in UTC, by the variable that libpq knows.

    Dagster lets the server write the times of runs, without a zone, and reads them as UTC: of a server in New York each
    new run would be five hours old.
    """
    os.environ["PGTZ"] = "UTC"


def _copy(source: Path, target: Path) -> None:
    """Copy as one step, since other processes may be reading the target."""
    written = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, written)
    written.replace(target)


@contextmanager
def open_instance(
    services: Services, pools: Mapping[str, int] | None = None, *, captures_output: bool = True
) -> Iterator[dg.DagsterInstance]:
    """The instance, in this process, with the limits of `pools` set if these are given.

    The first use makes Dagster's tables; several processes may be first at once.

    Without `captures_output`, what runs in this process print goes to its terminal and nowhere else. To capture it,
    Dagster starts four processes a run and takes the output of the process away.
    Raises `ConfigurationError` when the server has too few connections left for a run: Dagster would fail anywhere.
    """
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef

    from orchestration.runtime.instance_storage import keep_connections

    environment = instance_environment(services)
    os.environ.update(environment)  # Dagster resolves `env:` in dagster.yaml from the process itself
    with ExitStack() as stack:
        with _alone(services.database_urls.dagster):
            ref = InstanceRef.from_dir(environment[HOME], overrides={} if captures_output else _NO_CAPTURE)
            instance = stack.enter_context(dg.DagsterInstance.from_ref(ref))
            stack.callback(keep_connections(instance, services.database_urls.dagster))
            if pools is not None:
                limit_pools(instance, pools, services.settings.pool_sizes)
        yield instance


def prepare_instance(services: Services, pools: Mapping[str, int]) -> None:
    """Bring Dagster's own tables to this version, and set the pools' limits, in the instance that this process has.

    For a deployment, whose instance is configured by a file of its own. Raises `ConfigurationError` when the variables
    of the instance are missing.
    """
    import dagster as dg

    if not is_prepared():
        raise ConfigurationError(f"{HOME} and {LOG_DIRECTORY} must say where Dagster's instance is")
    with _alone(services.database_urls.dagster), dg.DagsterInstance.get() as instance:
        instance.upgrade()
        limit_pools(instance, pools, services.settings.pool_sizes)


def limit_pools(instance: dg.DagsterInstance, pools: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    """Set each pool's limit, or what the settings ask for if that is more.

    On PostgreSQL, Dagster's default limit is not to be relied on. Setting one takes several connections, so those that
    are right are left alone.
    """
    storage = instance.event_log_storage
    present = {pool.name: pool.limit for pool in storage.get_pool_limits() if not pool.from_default}
    for pool, usual in pools.items():
        limit = max(usual, sizes.get(pool, 0))
        if present.get(pool) != limit:
            storage.set_concurrency_slots(pool, limit)


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Keep other processes out: Dagster makes its tables without a lock, and fails where another does so too."""
    with closing(Database(url)) as database, database.begin() as connection:
        if free_connections(connection) < CONNECTIONS_OF_A_RUN:
            raise ConfigurationError(f"{NO_ROOM}: a run takes up to {CONNECTIONS_OF_A_RUN}")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield
