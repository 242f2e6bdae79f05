"""Sample media: the same from the same seed, some shared, some long forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.demo.canvas_media import load_media
from orchestration.demo.projects import load_projects
from orchestration.domains import Domains
from orchestration.media.identify import identify

if TYPE_CHECKING:
    from orchestration.services import Services

COUNT = 60


def paths(services: Services) -> dict[str, str]:
    """The object key of each medium."""
    with services.database.connect() as connection:
        rows = connection.execute(sa.text("SELECT media_id, storage_path FROM canvas_media"))
        return {row.media_id: row.storage_path for row in rows}


def test_the_same_seed_gives_the_same_media_and_a_second_time_no_more(services: Services) -> None:
    first = load_media(services, COUNT, seed=3)
    before = paths(services)
    assert set(before) == {f"m-3-{number}" for number in range(COUNT)}
    assert first.objects == len(set(before.values())) < COUNT, "some share an object"
    assert sum(services.objects.sizes("canvas/media").values()) == first.bytes
    again = load_media(services, COUNT, seed=3)
    assert (again.objects, paths(services)) == (0, before)
    assert load_media(services, 5, seed=4).objects > 0


def test_the_objects_are_real_pictures(services: Services) -> None:
    load_media(services, 3, seed=3)
    for path in paths(services).values():
        facts = identify(services.objects.get(path), max_pixels=10**6)
        assert (facts.mime, facts.width, facts.height) == ("image/png", 64, 64)


def test_what_the_sample_projects_do_not_show_and_is_old_is_collected(services: Services) -> None:
    load_projects(services.database, 10, seed=3)
    loaded = load_media(services, COUNT, seed=3)
    collection = Domains(services).canvas.media.collect()
    assert not collection.plan.refused
    assert collection.survey.census.places["elements"] > 20
    marked = [medium.media_id for medium in collection.plan.marks]
    assert 0 < len(marked) <= loaded.old
    assert {"m-3-56", "m-3-48"} <= set(marked), "old, and of no project"
