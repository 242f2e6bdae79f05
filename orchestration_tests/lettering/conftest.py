"""What the tests of lettering share: the installed fonts, opened once a session."""

from __future__ import annotations

import pytest

from orchestration.lettering.fonts import FontLibrary
from orchestration.lettering.outlines import Outlines


@pytest.fixture(scope="session")
def library() -> FontLibrary:
    return FontLibrary()


@pytest.fixture(scope="session")
def outlines() -> Outlines:
    return Outlines()
