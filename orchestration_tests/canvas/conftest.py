"""What the canvas's tests work with: one project, and a canvas over a database of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.projects import NewProject, create_projects
from orchestration_tests.canvas.boards import EDITOR, OWNER, PROJECT, VIEWER

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database


@pytest.fixture
def project(database: Database) -> str:
    """The id of an empty project of an owner, an editor and a viewer."""
    people = {EDITOR: "editor", VIEWER: "viewer"}
    with database.begin() as connection:
        create_projects(connection, [NewProject(PROJECT, "Autumn range", OWNER, collaborators=people)])
    return PROJECT


@pytest.fixture
def canvas(services: Services) -> Canvas:
    """A canvas over the same database."""
    return Canvas(services)
