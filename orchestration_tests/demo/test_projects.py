"""The sample's projects: the same for a seed, made by operations, of both sizes, with media."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.canvas.canvas import Canvas
from orchestration.canvas.loading import load, replay_all
from orchestration.demo.projects import MEDIA_PER_PROJECT, load_projects, media_id
from orchestration_tests.canvas.boards import rows

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database


def test_projects_come_from_their_operations_and_load(database: Database, services: Services) -> None:
    loaded = load_projects(database, 9, seed=5)
    found = rows(database, "SELECT project_id, next_op_index FROM canvas_project ORDER BY project_id")
    assert len(found) == loaded.projects == 9
    assert sum(int(str(row.next_op_index)) for row in found) == loaded.operations
    assert max(int(str(row.next_op_index)) for row in found) >= 250
    (elements,) = rows(database, "SELECT count(*) AS n, count(meta ->> 'mediaId') AS media FROM canvas_element")
    assert (elements.n, elements.media) == (loaded.elements, loaded.media_references)
    assert loaded.media_references > 9
    report = Canvas(services).save_due()
    assert report.created
    assert not report.errors
    with database.begin() as connection:
        for row in found:
            project_id = str(row.project_id)
            assert load(connection, project_id).elements == replay_all(connection, project_id).elements


def test_projects_that_exist_stay_as_they_are(database: Database) -> None:
    load_projects(database, 2, seed=1)
    assert load_projects(database, 3, seed=1).projects == 1
    doubled = rows(database, "SELECT project_id FROM canvas_operation GROUP BY 1, op_index HAVING count(*) > 1")
    found = rows(database, "SELECT next_op_index = (SELECT count(*) FROM canvas_operation AS o"
                           " WHERE o.project_id = p.project_id) AS is_whole FROM canvas_project AS p")  # fmt: skip
    assert not doubled
    assert [one.is_whole for one in found] == [True] * 3


def test_a_seed_gives_the_same_projects_and_media(database: Database) -> None:
    load_projects(database, 2, seed=1)
    first = rows(database, "SELECT project_id, op_index, type, data FROM canvas_operation ORDER BY 1, 2")
    (shown,) = rows(database, "SELECT array_agg(DISTINCT meta ->> 'mediaId') AS media FROM canvas_element")
    known = {media_id(1, number) for number in range(2 * MEDIA_PER_PROJECT)}
    assert set(shown.media) - {None} <= known
    with database.begin() as connection:
        connection.exec_driver_sql("TRUNCATE canvas_project, canvas_operation, canvas_element, canvas_snapshot")
    load_projects(database, 2, seed=1)
    assert rows(database, "SELECT project_id, op_index, type, data FROM canvas_operation ORDER BY 1, 2") == first
