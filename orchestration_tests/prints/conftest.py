"""What the tests of prints share: the installed fonts and a renderer, opened once a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.lettering.fonts import FontLibrary
from orchestration.lettering.outlines import Outlines
from orchestration.prints.prints import Prints
from orchestration.prints.solid.engines.native import NativeEngine
from orchestration.prints.solid.renderer import Renderer
from orchestration.services import Services
from orchestration_tests.prints.solid.sketching import sketch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.settings import Settings


@pytest.fixture(scope="session")
def library() -> FontLibrary:
    return FontLibrary()


@pytest.fixture(scope="session")
def outlines() -> Outlines:
    return Outlines()


@pytest.fixture(scope="session")
def renderer(library: FontLibrary) -> Renderer:
    return Renderer(NativeEngine(), library)


@pytest.fixture
def print_services(settings: Settings) -> Iterator[Services]:
    """Services whose retries do not wait."""
    services = Services(settings.model_copy(update={"print_retry_seconds": 0.0, "print_attempts": 3}))
    yield services
    services.close()


@pytest.fixture
def shop(print_services: Services) -> Prints:
    """A print shop with small files instead of real ones, for what does not depend on them."""
    return Prints(print_services, sketch)
