"""What the tests of prints share: the installed fonts and a renderer, opened once a session."""

from __future__ import annotations

import pytest

from orchestration.prints.engines.native import NativeEngine
from orchestration.prints.fonts import FontLibrary
from orchestration.prints.outlines import Outlines
from orchestration.prints.product import Renderer


@pytest.fixture(scope="session")
def library() -> FontLibrary:
    return FontLibrary()


@pytest.fixture(scope="session")
def outlines() -> Outlines:
    return Outlines()


@pytest.fixture(scope="session")
def renderer(library: FontLibrary) -> Renderer:
    return Renderer(NativeEngine(), library)
