"""`orchestration up`: Dagster's UI and daemon, and the API, over this home, with the sample feed where no other is set.

Which processes run. Keep out: what they do, how they end (`processes`), and what is shown of them (`console`). The
embedded database and the sample feed are this process's own.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

import orchestration
from orchestration.assembly import build_definitions
from orchestration.cli.api_commands import API_PORT
from orchestration.cli.catalogue_sync import SyncOptions, check_catalogue, sync_catalogue
from orchestration.cli.console import Console, Service, show
from orchestration.cli.job_runner import job_runner
from orchestration.cli.output import note
from orchestration.cli.processes import run_processes
from orchestration.cli.samples import (
    canvas_samples,
    load_gallery_samples,
    print_samples,
    queue_preview_samples,
    submit_mockup_samples,
)
from orchestration.demo.feed import write_feed
from orchestration.demo.server import serve
from orchestration.runtime.assets import pool_limits
from orchestration.runtime.instance import open_instance
from orchestration.runtime.orphans import end_orphaned_runs
from orchestration.services import Services
from orchestration.settings import load_settings
from orchestration.storage.database import parse_url

if TYPE_CHECKING:
    from orchestration.settings import Settings

ROOT = Path(orchestration.__file__).parents[1]
FIRST_DAY, NEXT_DAY = 1, 2


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
    with closing(Services(settings)) as services:
        services.migrate()
    with ExitStack() as stack:
        if settings.promidata_base_url is None:
            settings = _sample(stack, settings, sample_port)
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{api_port}"})
        if "dagster_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"dagster_url": f"http://127.0.0.1:{port}"})
        pools = pool_limits(build_definitions(settings))
        services = stack.enter_context(closing(Services(settings)))
        # Its home and its pools are there then. Nothing that an earlier system launched lives on.
        instance = stack.enter_context(open_instance(services, pools))
        if orphans := end_orphaned_runs(instance):
            note(f"{len(orphans)} runs had been killed with the system before; ended as failed")
        show("database", f"ready: {_database(settings)}")
        parts = [_dagster(settings, port), _api(settings, api_port)]
        # Away from the checkout, where Dagster would point out that it does not read the dagster.yaml that lies there.
        code = run_processes(
            [part.command for part in parts],
            folder=settings.home,
            logs=[part.log for part in parts],
            watcher=Console(parts, instance),
        )
    note("Everything has stopped")
    return code


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
    if not (root / "Import").exists():
        note("Syncing the first day of the sample feed")
        write_feed(root, day=FIRST_DAY, base_url=base_url)
        with job_runner(settings) as runner:
            sync_catalogue(runner, SyncOptions())
            check_catalogue(runner)
            note("Rendering the sample orders, and loading the sample histories, canvas projects and previews")
            print_samples(runner, root / "orders.csv")
            submit_mockup_samples(runner)
            load_gallery_samples(runner, root, base_url)
            canvas_samples(runner)
            # The next day's pictures are those that are served from now on.
            write_feed(root, day=NEXT_DAY, base_url=base_url)
            # The sensor's drain renders them, so that there is something to watch.
            queue_preview_samples(runner, root, base_url)
    else:
        write_feed(root, day=NEXT_DAY, base_url=base_url)
    return settings


def _dagster(settings: Settings, port: int) -> Service:
    """Dagster's own development server, which is its web server, daemon and code server."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1"]
    command += ["-p", str(port), "--log-format", "json"]
    url = f"http://127.0.0.1:{port}"
    return Service("dagster", command, _log(settings, "dagster"), f"{url}/server_info", url, "assets, runs, backfills")


def _api(settings: Settings, port: int) -> Service:
    command = [sys.executable, "-m", "orchestration", "api", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    return Service("api", command, _log(settings, "api"), f"{url}/healthz", url, "every endpoint, on one page")


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
