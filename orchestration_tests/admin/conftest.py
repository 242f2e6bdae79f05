"""A small factory in some disorder behind the real server, and a browser where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from orchestration.api.keys import Role, create_key
from orchestration.domains import Domains
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.admin.samples import fill
from orchestration_tests.api.conftest import serving
from orchestration_tests.conftest import fresh_database, make_template, migrate_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page
    from sqlalchemy.engine import URL

DAGSTER = "http://dagster.example"
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def factory_store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The object store of every factory of the session."""
    return tmp_path_factory.mktemp("factory").as_uri()


@pytest.fixture(scope="session")
def factory_template(server_url: URL, factory_store: str) -> str:
    """A database with a bit of everything, that others are copied from; each worker has its own."""

    def filled(url: str) -> None:
        migrate_database(url)
        services = Services(
            Settings(database_url=url, object_store=factory_store, home=Path(urlsplit(factory_store).path))
        )
        fill(Domains(services))
        services.close()

    return make_template(server_url, f"template_factory_{uuid4().hex[:8]}", filled)


@pytest.fixture
def factory(server_url: URL, factory_template: str, factory_store: str, tmp_path: Path) -> Iterator[Domains]:
    """The domains over a copy of it."""
    with fresh_database(server_url, factory_template) as url:
        settings = Settings(home=tmp_path, database_url=url, object_store=factory_store, dagster_url=DAGSTER)
        services = Services(settings)
        yield Domains(services)
        services.close()


@pytest.fixture
def site(factory: Domains) -> Iterator[str]:
    """Where the pages are."""
    with serving(factory.services) as url:
        yield url


@pytest.fixture
def browse(site: str) -> Iterator[httpx.Client]:
    """A browser without JavaScript, on the machine itself."""
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def reading(server_url: URL, factory_template: str, factory_store: str) -> Iterator[httpx.Client]:
    """A browser that only looks: one factory for all tests that change nothing."""
    with fresh_database(server_url, factory_template) as database_url:
        home = Path(urlsplit(factory_store).path)
        services = Services(
            Settings(home=home, database_url=database_url, object_store=factory_store, dagster_url=DAGSTER)
        )
        with serving(services) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield client


@pytest.fixture
def logged_in(factory: Domains, site: str) -> Iterator[Callable[[Role], httpx.Client]]:
    """A browser that is logged in with a key of that role."""
    clients = []

    def client(role: Role) -> httpx.Client:
        with factory.services.database.begin() as connection:
            _, key = create_key(connection, f"the {role} key", role)
        made = httpx.Client(base_url=site, timeout=30)
        clients.append(made)
        answer = made.post("/admin/login", data={"key": key, "next": "/admin/queues"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/queues")
        return made

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of a real browser."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs {CHROMIUM}: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()
