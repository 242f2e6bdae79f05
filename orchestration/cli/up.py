"""`orchestration up`: Dagster's UI and daemon, and the API, over this home, with the sample feed where no other is set.

Belongs here: which processes run. Does not: what they do, or how they end (`together`).
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

import orchestration
from orchestration.cli.api_commands import API_PORT
from orchestration.cli.conductor import SyncOptions, conductor
from orchestration.cli.output import note
from orchestration.cli.together import run_together
from orchestration.demo.canvas_media import SAMPLE_MEDIA, load_media
from orchestration.demo.feed import write_feed
from orchestration.demo.histories import SAMPLE_HISTORIES, SAMPLE_SEED, load_histories, served_pictures
from orchestration.demo.orders import write_orders
from orchestration.demo.projects import SAMPLE_PROJECTS, load_projects
from orchestration.demo.server import serve
from orchestration.prints.order_rows import read_csv
from orchestration.runtime.instance import open_instance
from orchestration.services import Services
from orchestration.settings import load_settings

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
    with ExitStack() as stack:
        if settings.promidata_base_url is None:
            settings = _sample(stack, settings, sample_port)
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{api_port}"})
        services = Services(settings)
        with open_instance(services):
            services.close()
        note(f"Dagster UI: http://127.0.0.1:{port}, API: http://127.0.0.1:{api_port}")
        # Away from the checkout, where Dagster would point out that it does not read the dagster.yaml that lies there.
        return run_together([_dagster(port), _api(api_port)], folder=settings.home)


def _sample(stack: ExitStack, settings: Settings, port: int) -> Settings:
    """Serve the sample feed, sync its first day here, and leave its next day to the sensors."""
    root = settings.home.absolute() / "sample-feed"
    base_url = stack.enter_context(serve(root, port=port))
    hosts = (*settings.gallery_image_hosts, urlsplit(base_url).netloc)
    settings = settings.model_copy(
        update={"promidata_base_url": base_url, "home": settings.home.absolute(), "gallery_image_hosts": hosts}
    )
    if not (root / "Import").exists():
        note("Syncing the first day of the sample feed")
        write_feed(root, day=FIRST_DAY, base_url=base_url)
        with conductor(settings) as conduct:
            conduct.sync(SyncOptions())
            conduct.check()
            note("Rendering the sample orders")
            conduct.prints.import_orders(read_csv(write_orders(root / "orders.csv").read_bytes()))
            conduct.render_prints()
            conduct.check_prints()
            pictures = served_pictures(root, base_url)
            load_histories(conduct.gallery.database, SAMPLE_HISTORIES, SAMPLE_SEED, pictures=pictures)
            note("Loading the sample canvas projects")
            load_projects(conduct.domains.canvas.database, SAMPLE_PROJECTS, SAMPLE_SEED)
            load_media(conduct.domains.services, SAMPLE_MEDIA, SAMPLE_SEED)
            conduct.collect_media()
    write_feed(root, day=NEXT_DAY, base_url=base_url)
    return settings


def _dagster(port: int) -> list[str]:
    """Dagster's own development server. `open_instance` left it its variables."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1"]
    return [*command, "-p", str(port)]


def _api(port: int) -> list[str]:
    return [sys.executable, "-m", "orchestration", "api", "--port", str(port)]
