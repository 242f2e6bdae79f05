"""What a command works with: settings with its own overrides, services that are closed at its end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.services import Services
from orchestration.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = Annotated[bool, typer.Option("--json", help="Print one JSON line.")]
Feed = Annotated[str | None, typer.Option(help="The feed's base URL, or the URL of its Import.txt.")]


def settings_for(feed: str | None = None) -> Settings:
    """The settings of this command; `feed` wins over the environment."""
    return load_settings(promidata_base_url=feed) if feed else load_settings()


@contextmanager
def open_services() -> Iterator[Services]:
    """The services of this command."""
    services = Services(load_settings())
    try:
        yield services
    finally:
        services.close()
