"""All actions of the pages, by name. Keep out: what they do, which stands beside the pages that offer them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from orchestration.admin import (
    canvas_pages,
    catalogue_actions,
    gallery_pages,
    mockup_pages,
    preview_pages,
    print_pages,
    queue_actions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestration.admin.forms import Action

_MODULES = (queue_actions, catalogue_actions, print_pages, mockup_pages, preview_pages, gallery_pages, canvas_pages)
ACTIONS: Final[Mapping[str, Action]] = {action.name: action for module in _MODULES for action in module.ACTIONS}
