"""Sample histories: the same for the same seed, of a realistic spread, and loaded like any writer's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.demo.histories import NEWEST, OLD, histories, load_histories, served_pictures, user

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.storage.database import Database

MANY = 4_000


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    """Many rows."""
    return list(histories(range(MANY), 7))


def share(rows: list[dict[str, Any]], **values: object) -> float:
    """The share of rows that have these values."""
    return sum(all(row[name] == value for name, value in values.items()) for row in rows) / len(rows)


def images(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All their images."""
    return [image for row in rows for image in row["document"].get("images", ())]


def test_a_row_depends_on_the_seed_and_its_number_alone(rows: list[dict[str, Any]]) -> None:
    assert list(histories(range(100, 120), 7)) == rows[100:120]
    assert list(histories(range(100, 120), 8)) != rows[100:120]
    assert user(3, 7) == user(3, 7) != user(3, 8)


def test_the_spread_is_realistic(rows: list[dict[str, Any]]) -> None:
    assert share(rows, is_public=True) == pytest.approx(0.6, abs=0.05)
    assert share(rows, is_deleted=True) == pytest.approx(0.06, abs=0.03)
    assert share(rows, nsfw=True) == pytest.approx(0.04, abs=0.02)
    assert share(rows, generation_type="text-to-image") == pytest.approx(0.46, abs=0.05)
    assert {row["status"] for row in rows} == {"completed", "generating", "failed"}
    assert {row["visibility"] for row in rows} == {"public", "private", "unlisted"}
    assert len({row["history_id"] for row in rows}) == MANY
    scores = [row["aesthetic_score"] for row in rows if row["aesthetic_score"] is not None]
    assert all(0 < score <= 10 for score in scores)
    assert 0.05 < sum(score >= 8 for score in scores) / len(scores) < 0.5
    by_user = Counter(row["uid"] for row in rows)
    assert max(by_user.values()) > 10 * MANY / len(by_user) / 2, "a few users make much of it"


def test_some_rows_are_older_than_scores_and_smaller_forms(rows: list[dict[str, Any]]) -> None:
    old = [row for row in rows if row["created_at"] < OLD.isoformat()]
    assert 0.2 < len(old) / MANY < 0.5
    assert not any("aestheticScore" in image or "avifUrl" in image for image in images(old))
    recent = images([row for row in rows if row not in old])
    assert 0.4 < sum("avifUrl" in image for image in recent) / len(recent) < 0.6
    assert max(row["created_at"] for row in rows) <= NEWEST.isoformat()


def test_what_has_not_ended_well_shows_nothing(rows: list[dict[str, Any]]) -> None:
    assert images([row for row in rows if row["status"] != "completed"]) == []
    assert all("error" in row["document"] for row in rows if row["status"] == "failed")


def test_loading_asks_for_the_mirror_as_any_writer_does_and_a_greater_count_adds(database: Database) -> None:
    first = load_histories(database, 300, 7)
    assert first.histories == 300
    with database.connect() as connection:
        visible = connection.execute(sa.text("SELECT count(*) FROM generation_history WHERE is_visible")).scalar_one()
        query = "SELECT count(*) FROM task WHERE queue = 'mirror' AND key NOT LIKE 'creator:%'"
        assert connection.execute(sa.text(query)).scalar_one() == visible == first.public
        missing = "SELECT count(*) FROM generation_history AS h WHERE h.uid NOT IN (SELECT uid FROM app_user)"
        assert connection.execute(sa.text(missing)).scalar_one() == 0
    assert load_histories(database, 300, 7)[:2] == (0, 0)
    assert load_histories(database, 400, 7).histories == 100
    assert load_histories(database, 0, 7) == (0, 0, 0)


def test_images_can_be_pictures_that_are_served(tmp_path: Path) -> None:
    for name in ("b.png", "a/c.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    pictures = served_pictures(tmp_path, "http://127.0.0.1:1")
    assert pictures == ["http://127.0.0.1:1/a/c.jpg", "http://127.0.0.1:1/b.png"]
    shown = images(list(histories(range(200), 7, pictures)))
    assert {image["url"] for image in shown} == set(pictures)
    assert not any("avifUrl" in image for image in shown), "they are to be made"
