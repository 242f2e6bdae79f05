"""`orchestration up`: Dagster's UI and daemon, and the API, over this home, with the sample feed where no other is set.

Which processes run. Keep out: what they do, how they end (`processes`), and what is shown of them (`console`). The
embedded database and the sample feed are this process's own.
"""

from __future__ import annotations

import fcntl
import json
import sys
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from orchestration.cli.api_commands import API_PORT
from orchestration.cli.code_server import LOCATION
from orchestration.cli.console import Console, Service, show
from orchestration.cli.output import note
from orchestration.cli.ports import check_ports
from orchestration.cli.processes import Processes
from orchestration.demo.days import NEXT_DAY
from orchestration.demo.feed import is_written, write_feed
from orchestration.demo.server import serve
from orchestration.errors import ConfigurationError
from orchestration.runtime.instance import open_instance
from orchestration.runtime.orphans import end_orphaned_runs
from orchestration.services import Services
from orchestration.settings import load_settings
from orchestration.storage.database import parse_url
from orchestration.storage.embedded_access import make_private_home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings

_ASK_SECONDS = 0.1
# Lies in the folder of the sample feed once all samples have been loaded.
_LOADED = "loaded.txt"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(up)


def up(
    port: Annotated[int, typer.Option(help="The UI's port, on the loopback interface.")] = 3000,
    api_port: Annotated[int, typer.Option(help="The API's port, on the loopback interface.")] = API_PORT,
    sample_port: Annotated[int, typer.Option(help="The sample feed's port; its URLs are stored, so keep it.")] = 3080,
) -> int:
    """Run Dagster and the API; without PROMIDATA_BASE_URL, over a sample feed and its next day."""
    settings = load_settings()
    ports = {"--port": port, "--api-port": api_port}
    # The samples take a minute, and a port that is taken is to be known before.
    check_ports("127.0.0.1", ports if settings.promidata_base_url else ports | {"--sample-port": sample_port})
    with ExitStack() as stack:
        stack.enter_context(_alone(settings.home.absolute()))
        with closing(Services(settings)) as services:
            services.migrate()
        # Before the first work, since links in the records of runs begin with it.
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{api_port}"})
        if settings.promidata_base_url is None:
            settings = _sample(stack, settings, sample_port)
        if "dagster_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"dagster_url": f"http://127.0.0.1:{port}"})
        services = stack.enter_context(closing(Services(settings)))
        instance = stack.enter_context(open_instance(services))
        show("database", f"ready: {_database(settings)}")
        # A path of its own, since that of a socket must be short.
        socket = Path(stack.enter_context(TemporaryDirectory())) / "code"
        code, api, daemon, ui = parts = _parts(settings, socket, port, api_port)
        console = Console(parts, instance)
        # Away from the checkout, where Dagster would point out that it does not read the dagster.yaml that lies there.
        with Processes(settings.home) as processes:
            _start(processes, code, api)
            # Nothing that an earlier system launched lives on.
            if orphans := end_orphaned_runs(instance):
                note(f"{len(orphans)} runs had been killed with the system before; ended as failed")
            _wait_for_code(processes, socket)
            _start(processes, daemon, ui)
            exit_code = processes.wait(console)
    note("Everything has stopped")
    return exit_code


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep a second system out of the home: it would end the first one's runs as killed, and daemons must be alone."""
    make_private_home(home)
    with (home / "up.lock").open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            remedy = "end it first, or set ORCHESTRATION_HOME to another folder"
            raise ConfigurationError(f"`orchestration up` runs in {home} already; {remedy}") from None
        yield


def _start(processes: Processes, *services: Service) -> None:
    for service in services:
        processes.start(service.command, service.log)


def _wait_for_code(processes: Processes, socket: Path) -> None:
    """Wait for the code server, which listens once it has loaded the definitions.

    Dagster's other processes would begin without them, and look again much later.
    """
    while not (socket.exists() or processes.is_ending):
        time.sleep(_ASK_SECONDS)


def _sample(stack: ExitStack, settings: Settings, port: int) -> Settings:
    """Serve the sample feed, sync its first day here, and leave its next day to the sensors."""
    root = settings.home.absolute() / "sample-feed"
    base_url = stack.enter_context(serve(root, port=port))
    host = urlsplit(base_url).netloc
    updates = {
        "promidata_base_url": base_url,
        "home": settings.home.absolute(),
        "gallery_image_hosts": (*settings.gallery_image_hosts, host),
        "preview_asset_hosts": (*settings.preview_asset_hosts, host),
    }
    settings = settings.model_copy(update=updates)
    if not (root / _LOADED).exists():
        # Only the first start, until it was not interrupted, needs all of the command line and of the domains.
        from orchestration.cli.samples import load_all

        if load_all(settings, root, base_url):
            (root / _LOADED).touch()
    elif not is_written(root, day=NEXT_DAY, base_url=base_url):
        write_feed(root, day=NEXT_DAY, base_url=base_url)
    return settings


def _parts(settings: Settings, socket: Path, port: int, api_port: int) -> list[Service]:
    """Code server, API, daemon and UI: the processes that a company runs on its machines, and not `dagster dev`.

    That would start one after the other, and a supervisor of the code server that reloads code.
    """
    workspace = socket.with_name("workspace.yaml")
    server = {"grpc_server": {"socket": str(socket), "location_name": LOCATION}}
    workspace.write_text(json.dumps({"load_from": [server]}), encoding="utf-8")  # JSON is YAML
    python, form = [sys.executable, "-m"], ["--log-format", "json"]
    code = ["orchestration", "code-server", "--socket", str(socket)]
    daemon = ["dagster._daemon", "run", "-w", str(workspace)]
    ui = ["dagster_webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(port), "--dagster-log-level", "info"]
    api = ["orchestration", "api", "--port", str(api_port)]
    ui_url, api_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{api_port}"
    return [
        Service("code", [*python, *code, *form, "--log-level", "warning"], _log(settings, "code")),
        Service("api", [*python, *api], _log(settings, "api"), api_url, "/healthz", "every endpoint, on one page"),
        Service("daemon", [*python, *daemon, *form], _log(settings, "daemon")),
        Service("ui", [*python, *ui, *form], _log(settings, "ui"), ui_url, "/server_info", "assets, runs, backfills"),
    ]


def _database(settings: Settings) -> str:
    """Where the database is, without its password."""
    if settings.database_url:
        return parse_url(settings.database_url).render_as_string()
    return f"PostgreSQL in {settings.home.absolute() / 'postgres'}"


def _log(settings: Settings, name: str) -> Path:
    """Where a service writes: JSON lines."""
    folder = settings.home.absolute() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.jsonl"
