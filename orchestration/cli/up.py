"""`orchestration up`: Dagster's UI and daemon over this home, with the sample feed where no other is set.

Belongs here: which processes run, and that they end together. Does not: what they do.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import orchestration
from orchestration.cli.conductor import SyncOptions, conductor
from orchestration.cli.output import note
from orchestration.demo.feed import write_feed
from orchestration.demo.server import serve
from orchestration.runtime.instance import open_instance
from orchestration.services import Services
from orchestration.settings import load_settings

if TYPE_CHECKING:
    from types import FrameType

    from orchestration.settings import Settings

ROOT = Path(orchestration.__file__).parents[1]
FIRST_DAY, NEXT_DAY = 1, 2


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(up)


def up(
    port: Annotated[int, typer.Option(help="The UI's port, on the loopback interface.")] = 3000,
    sample_port: Annotated[int, typer.Option(help="The sample feed's port; its URLs are stored, so keep it.")] = 3080,
) -> int:
    """Run Dagster's UI, daemon and sensors; without PROMIDATA_BASE_URL, over a sample feed and its next day."""
    settings = load_settings()
    with ExitStack() as stack:
        if settings.promidata_base_url is None:
            settings = _sample(stack, settings, sample_port)
        services = Services(settings)
        with open_instance(services):
            services.close()
        return _run_dagster(port, settings.home)


def _sample(stack: ExitStack, settings: Settings, port: int) -> Settings:
    """Serve the sample feed, sync its first day here, and leave its next day to the sensors."""
    root = settings.home.absolute() / "sample-feed"
    base_url = stack.enter_context(serve(root, port=port))
    settings = settings.model_copy(update={"promidata_base_url": base_url, "home": settings.home.absolute()})
    if not (root / "Import").exists():
        note("Syncing the first day of the sample feed")
        write_feed(root, day=FIRST_DAY, base_url=base_url)
        with conductor(settings) as conduct:
            conduct.sync(SyncOptions())
            conduct.check()
    write_feed(root, day=NEXT_DAY, base_url=base_url)
    return settings


def _run_dagster(port: int, home: Path) -> int:
    """Dagster's own development server, until it ends or a signal ends both. `open_instance` left it its variables."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1"]
    started: list[subprocess.Popen[bytes]] = []

    def pass_on(received: int, _frame: FrameType | None) -> None:
        for process in started:
            process.send_signal(received)

    # Before the start, so that the child begins with its own handlers: a shell may have us ignore these signals.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    # Away from the checkout, where Dagster would point out that it does not read the dagster.yaml that lies there.
    process = subprocess.Popen([*command, "-p", str(port)], start_new_session=True, cwd=home)  # noqa: S603 - our own
    started.append(process)
    note(f"Dagster UI: http://127.0.0.1:{port}")
    return process.wait()
