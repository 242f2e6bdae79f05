"""A world: databases, objects and folders of one trial, copied from one that was arranged once for its domain.

Making and copying worlds. Keep out: what is in them (`workloads`), and comparing them (`invariants`).
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil  # type: ignore[import-untyped]  # it brings no types
from pydantic import SecretStr

from orchestration.domains import Domains
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration.storage.database import Database
from orchestration_tests.chaos.lives import Life, live
from orchestration_tests.chaos.workloads import SECRET, WORKLOADS
from orchestration_tests.conftest import COPIED, fresh_database, run_on_server, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy.engine import URL

    from orchestration_tests.chaos.faults import Kill, StoreTrouble
    from orchestration_tests.chaos.lives import Lived
    from orchestration_tests.chaos.serving import Outside


class World(NamedTuple):
    """Everything that the processes of a trial share. `folder` holds their objects, home and temporary files."""

    workload: str
    settings: dict[str, Any]
    folder: Path
    outside: Outside

    @property
    def objects(self) -> Path:
        """The folder of the objects."""
        return self.folder / "objects"

    def live(self, kill: Kill | None = None, trouble: StoreTrouble | None = None, *, checks: bool = False) -> Lived:
        """Have a process do the work, and then run the domain's checks if that is asked for."""
        return live(Life(self.workload, self.settings, self.folder, kill, trouble, checks))

    def is_deserted(self) -> bool:
        """Whether all second processes of its lives are gone, or go soon."""
        pids = Life(self.workload, self.settings, self.folder).second_pids
        second = [int(pid) for pid in pids.read_text().split()] if pids.exists() else []
        end = time.monotonic() + LONGEST_ORPHANED
        while any(map(psutil.pid_exists, second)) and time.monotonic() < end:
            time.sleep(0.05)
        return time.monotonic() < end

    def patient(self) -> World:
        """The same, but for retries that wait as long as a store is away."""
        return self._replace(settings=self.settings | dict.fromkeys(_RETRY_SECONDS, 0.2))

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The domain's database."""
        database = Database(self.settings["database_url"])
        yield database
        database.close()

    @contextmanager
    def dagster_database(self) -> Iterator[Database]:
        """Dagster's database."""
        database = Database(self.settings["dagster_database_url"])
        yield database
        database.close()


class Stage(NamedTuple):
    """Where worlds are: the server, the names of its empty databases, a folder, and the outside of them all."""

    server: URL
    templates: tuple[str, str]
    folder: Path
    outside: Outside


class Arranged(NamedTuple):
    """The world of a domain as its work begins, of which each trial gets a copy; the names of its databases."""

    world: World
    stage: Stage
    names: tuple[str, str]


# So long a second process may live after the first was killed.
LONGEST_ORPHANED = 60.0
_RETRY_SECONDS = tuple(
    f"{what}_retry_seconds"
    for what in ("supplier", "family", "image", "print", "mirror", "mockup", "preview", "notification")
)
_ATTEMPTS = tuple(
    f"{what}_attempts" for what in ("family", "image", "print", "mirror", "mockup", "preview", "notification")
)


def world_settings(folder: Path, outside: Outside, urls: Sequence[str]) -> dict[str, Any]:
    """Settings under which no retry waits, no few deaths use up the attempts, and everything goes to the outside."""
    return {
        "home": folder / "home", "database_url": urls[0], "dagster_database_url": urls[1],
        "object_store": (folder / "objects").as_uri(), "log_level": "CRITICAL",
        "database_connections": 6,
        "promidata_base_url": f"{outside.url}/feed", "gallery_image_hosts": (outside.host,),
        "webhook_url": f"{outside.url}/hook", "webhook_secret": SecretStr(SECRET), "callback_hosts": (outside.host,),
        **dict.fromkeys(_RETRY_SECONDS, 0.0), **dict.fromkeys(_ATTEMPTS, 20),
    }  # fmt: skip


def _settings(workload: str, folder: Path, outside: Outside, urls: Sequence[str]) -> dict[str, Any]:
    return {**world_settings(folder, outside, urls), **WORKLOADS[workload].settings(outside)}


@contextmanager
def arranged(workload: str, stage: Stage) -> Iterator[Arranged]:
    """Arrange the world of a domain."""
    domain, dagster = stage.templates
    with fresh_database(stage.server, domain) as url, fresh_database(stage.server, dagster) as dagster_url:
        folder = stage.folder / workload / "arranged"
        folder.mkdir(parents=True)
        settings = _settings(workload, folder, stage.outside, (url, dagster_url))
        world = World(workload, settings, folder, stage.outside)
        services = Services(Settings(**world.settings))
        domains = Domains(services)
        WORKLOADS[workload].arrange(domains, stage.outside, lambda: _must_end(world.live()))
        services.close()
        yield Arranged(world, stage, (_name(url), _name(dagster_url)))


def _must_end(lived: Lived) -> None:
    if lived.exit_code != 0:
        raise AssertionError(f"Without a fault, the work ended with {lived.exit_code}: {lived.said}")


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@contextmanager
def copied(original: Arranged) -> Iterator[World]:
    """A copy of an arranged world; removed at the end. All copies have one place, one after the other."""
    world, server, names = original.world, original.stage.server, original.names
    folder = world.folder.with_name("trial")
    urls = tuple(url_of(server, f"{name}_trial") for name in names)
    for name in names:
        run_on_server(server, f"CREATE DATABASE {name}_trial TEMPLATE {name} {COPIED}")
    shutil.copytree(world.folder, folder)
    world.outside.received.clear()
    try:
        yield world._replace(folder=folder, settings=_settings(world.workload, folder, world.outside, urls))
    finally:
        shutil.rmtree(folder)
        for name in names:
            run_on_server(server, f"DROP DATABASE {name}_trial WITH (FORCE)")
