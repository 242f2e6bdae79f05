"""A project loads as a full replay of its log makes it, whatever has become of its snapshots."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from random import Random
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.canvas.loading import load, load_snapshot, replay_all
from orchestration.errors import ConfigurationError, InvalidInputError, NotFoundError
from orchestration_tests.canvas.boards import (
    PROJECT,
    add_projects,
    change,
    do,
    flip_byte,
    loaded,
    made_by,
    rows,
    snapshot,
    work,
)
from orchestration_tests.canvas.histories import histories

if TYPE_CHECKING:
    from orchestration.canvas.model import Operation
    from orchestration.storage.database import Database


@given(history=histories, cuts=st.sets(st.integers(1, 15), max_size=4), at=st.integers(0, 15))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_load_equals_replay_at_every_point_of_any_history(
    database: Database, history: list[Operation], cuts: set[int], at: int
) -> None:
    project_id = uuid4().hex
    add_projects(database, project_id)
    edges = sorted({0, len(history), *(cut for cut in cuts if cut < len(history))})
    for start, end in itertools.pairwise(edges):
        do(database, history[start:end], project_id)
        snapshot(database, project_id)
    assert loaded(database, project_id).elements == made_by(history)
    at = min(at, len(history) - 1)
    earlier = loaded(database, project_id, at=at)
    assert earlier.elements == made_by(history[: at + 1])


@pytest.mark.usefixtures("project")
def test_load_equals_replay_over_ten_thousand_operations(database: Database) -> None:
    history = work(10_000, seed=3)
    for start in range(0, 10_000, 2_500):
        do(database, history[start : start + 2_500])
        if start < 7_500:
            snapshot(database)
    found = loaded(database)
    assert found.replayed == 2_500
    with database.begin() as connection:
        assert found.elements == replay_all(connection, PROJECT).elements
    for at in Random(3).sample(range(10_000), 5):
        assert loaded(database, at=at).elements == made_by(history[: at + 1])


@pytest.mark.usefixtures("project")
def test_a_project_without_operations_is_empty(database: Database) -> None:
    found = loaded(database)
    assert (found.op_index, found.elements, found.snapshot_id) == (-1, {}, None)


@pytest.mark.usefixtures("project")
def test_only_points_of_the_log_can_be_loaded(database: Database) -> None:
    do(database, work(3))
    assert loaded(database, at=-1).elements == {}
    with database.begin() as connection:
        for wrong in (-2, 3):
            with pytest.raises(InvalidInputError, match=f"no operation {wrong}; its last one is 2"):
                load(connection, PROJECT, at=wrong)
        with pytest.raises(NotFoundError, match="no snapshot 7"):
            load_snapshot(connection, PROJECT, 7)
        with pytest.raises(NotFoundError, match="no canvas project p-9"):
            load(connection, "p-9")


def states(database: Database) -> dict[int, str | None]:
    """Why each snapshot is corrupt, by its id."""
    return {row.id: row.corrupt_reason for row in rows(database, "SELECT id, corrupt_reason FROM canvas_snapshot")}


@pytest.mark.usefixtures("project")
def test_a_flipped_byte_falls_back_to_the_snapshot_before_and_is_marked(database: Database) -> None:
    history = work(30)
    ids = []
    for start in (0, 10, 20):
        do(database, history[start : start + 10])
        ids.append(snapshot(database))
    flip_byte(database, ids[2])
    found = loaded(database)
    assert (found.snapshot_id, found.replayed, found.corrupt) == (ids[1], 10, (ids[2],))
    with database.begin() as connection:
        assert found.elements == replay_all(connection, PROJECT).elements
    reasons = states(database)
    assert reasons.pop(ids[2]) == "its bytes do not have the checksum that was stored with them"
    assert set(reasons.values()) == {None}
    assert loaded(database).corrupt == (), "it is not read again"
    (project,) = rows(database, "SELECT last_snapshot_op_index FROM canvas_project")
    assert project.last_snapshot_op_index == 19, "so that the next run makes another"
    made = snapshot(database)
    assert loaded(database).snapshot_id == made


@pytest.mark.usefixtures("project")
def test_without_any_sound_snapshot_the_log_is_enough(database: Database) -> None:
    history = work(30)
    ids = []
    for start in (0, 10, 20):
        do(database, history[start : start + 10])
        ids.append(snapshot(database))
    for position, snapshot_id in enumerate(ids):
        flip_byte(database, snapshot_id, position * 7)
    found = loaded(database)
    assert (found.snapshot_id, found.replayed, found.corrupt) == (None, 30, tuple(reversed(ids)))
    with database.begin() as connection:
        assert found.elements == replay_all(connection, PROJECT).elements
    (project,) = rows(database, "SELECT last_snapshot_op_index, last_snapshot_at FROM canvas_project")
    assert tuple(project) == (None, None)


@pytest.mark.usefixtures("project")
def test_bytes_that_make_no_elements_are_corrupt_though_their_checksum_fits(database: Database) -> None:
    for operation, (packed, count, reason) in zip(
        work(4),
        [
            (b"no zlib", 0, "cannot be read"),
            (zlib.compress(b'{"a": '), 1, "cannot be read"),
            (zlib.compress(b'{"a": {"type": "sofa"}}'), 1, "cannot be read"),
            (zlib.compress(b"{}"), 3, "0 elements instead of 3"),
        ],
        strict=True,
    ):
        do(database, [operation])
        snapshot_id = snapshot(database)
        change(
            database,
            "UPDATE canvas_snapshot SET elements = :packed, checksum = :sum, element_count = :count WHERE id = :id",
            packed=packed,
            sum=hashlib.sha256(packed).hexdigest(),
            count=count,
            id=snapshot_id,
        )
        assert loaded(database).corrupt == (snapshot_id,)
        assert reason in str(states(database)[snapshot_id])


@pytest.mark.usefixtures("project")
def test_a_snapshot_of_a_newer_version_is_refused_and_not_called_corrupt(database: Database) -> None:
    do(database, work(3))
    snapshot_id = snapshot(database)
    change(database, "UPDATE canvas_snapshot SET version = 2")
    with database.begin() as connection:
        with pytest.raises(ConfigurationError, match=f"Snapshot {snapshot_id} of p-1: .*version 2.*run the version"):
            load(connection, PROJECT)
        assert len(replay_all(connection, PROJECT).elements) == 3
    assert states(database) == {snapshot_id: None}


@pytest.mark.usefixtures("project")
def test_a_corrupt_snapshot_can_still_be_loaded_as_the_state_that_it_was(database: Database) -> None:
    history = work(20)
    do(database, history[:10])
    snapshot_id = snapshot(database)
    do(database, history[10:])
    flip_byte(database, snapshot_id)
    with database.begin() as connection:
        found = load_snapshot(connection, PROJECT, snapshot_id)
    assert (found.op_index, found.snapshot_id) == (9, None)
    assert found.elements == made_by(history[:10])
