"""How previews are made, by the settings. Keep out: the settings themselves, and making."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.media.rules import HostRules
from orchestration.previews.maker import MakerOptions

if TYPE_CHECKING:
    from orchestration.settings import Settings

ASSET_HOSTS = "ORCHESTRATION_PREVIEW_ASSET_HOSTS"


def maker_options(settings: Settings) -> MakerOptions:
    """The options of the maker; raises `ConfigurationError` for an entry of the setting that is no host."""
    return MakerOptions(
        HostRules.for_hosts(settings.preview_asset_hosts, ASSET_HOSTS),
        60 * settings.preview_timeout_minutes,
        60 * settings.preview_longest_minutes,
        tuple(map(Path, settings.preview_fonts)),
        settings.object_store_url,
    )
