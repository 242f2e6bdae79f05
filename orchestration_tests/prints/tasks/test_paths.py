"""Pretty paths never change hands, however the names are cased and in whatever order they come."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.prints.tasks.paths import WantedPath, take_paths

if TYPE_CHECKING:
    from orchestration.storage.database import Database


def wanted(path: str, content: str) -> WantedPath:
    """A path that some content would like."""
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return WantedPath(path, sha256, f"prints/{sha256[:2]}/{sha256}.stl")


requests = st.lists(
    st.tuples(st.sampled_from(["A/Anna.stl", "A/anna.stl", "A/ANNA.stl", "B/Ben.stl"]), st.sampled_from("pqrs")),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(requests, min_size=1, max_size=4))
def test_a_path_belongs_to_one_content_for_good(database: Database, batches: list[list[tuple[str, str]]]) -> None:
    holders: dict[str, str] = {}
    earlier: dict[WantedPath, str] = {}
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM print_path"))
        for batch in batches:
            asked = [wanted(path, content) for path, content in batch]
            given_paths = take_paths(connection, asked)
            assert given_paths.keys() == set(asked)
            for one, path in given_paths.items():
                assert holders.setdefault(path.lower(), one.sha256) == one.sha256
                assert earlier.setdefault(one, path).lower() == path.lower()


def test_the_first_to_ask_gets_the_plain_path_and_the_next_one_beside_it(database: Database) -> None:
    first, second = wanted("A/Anna.stl", "zzz"), wanted("A/anna.stl", "aaa")
    with database.begin() as connection:
        given_paths = take_paths(connection, [first, second])
    assert given_paths[first] == "A/Anna.stl"
    assert given_paths[second] == f"A/anna-{second.sha256[:8]}.stl"
