"""Dagster's instance: its home, its storage, its pools.

Belongs here: what must hold before Dagster's own processes start, or before a job runs in this one. Does not: what
the instance is configured with, which `dagster.yaml` tells.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import orchestration
from orchestration.errors import ConfigurationError
from orchestration.runtime.policy import apply_pool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

    from orchestration.services import Services

CONFIGURATION = Path(orchestration.__file__).parents[1] / "dagster.yaml"


def instance_environment(services: Services) -> dict[str, str]:
    """The variables that Dagster's processes need; writes the instance's home under the state directory.

    The database URLs go along, so that an embedded server is started once, by the first process.
    """
    if not CONFIGURATION.exists():
        raise ConfigurationError(f"{CONFIGURATION} is missing: run `orchestration` from a checkout of the project")
    home = services.settings.home.absolute()
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CONFIGURATION, dagster_home / CONFIGURATION.name)
    feed = services.settings.promidata_base_url
    return {
        **({"PROMIDATA_BASE_URL": feed} if feed else {}),
        "DAGSTER_HOME": str(dagster_home),
        "ORCHESTRATION_HOME": str(home),
        "ORCHESTRATION_DATABASE_URL": services.database_urls.domain,
        "ORCHESTRATION_DAGSTER_DATABASE_URL": services.database_urls.dagster,
        "ORCHESTRATION_OBJECT_STORE": services.settings.object_store_url,
        "ORCHESTRATION_PUBLIC_URL": services.settings.public_url,
        "ORCHESTRATION_GALLERY_IMAGE_HOSTS": ",".join(services.settings.gallery_image_hosts),
        "ORCHESTRATION_LOG_DIRECTORY": str(home / "logs"),
    }


@contextmanager
def open_instance(services: Services) -> Iterator[dg.DagsterInstance]:
    """The instance, in this process."""
    import dagster as dg

    environment = instance_environment(services)
    os.environ.update(environment)  # Dagster resolves `env:` in dagster.yaml from the process itself
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        apply_pool_limits(instance)
        yield instance
