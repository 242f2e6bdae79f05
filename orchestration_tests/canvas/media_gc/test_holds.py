"""Whoever refers to a medium, from whichever table, lifts its mark in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestration_tests.canvas.media_gc.worlds import key_of

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld

_SNAPSHOT = "INSERT INTO canvas_snapshot (project_id, op_index, version, checksum, element_count, elements, media_refs)"
_PUBLIC = """
    INSERT INTO public_generation
        (history_id, uid, nsfw, document, source_revision, content_hash, created_at, updated_at)
"""
_HISTORY = "INSERT INTO generation_history (history_id, uid, document)"

WRITES = {
    "an element": "INSERT INTO canvas_element (project_id, element_id, type, meta) "
    """VALUES ('p', 'n', 'image', '{"mediaId": "dead"}')""",
    "a changed element": """UPDATE canvas_element SET x = 1, meta = '{"url": "dead"}' WHERE element_id = 'old'""",
    "a snapshot": f"{_SNAPSHOT} VALUES ('p', 1, 1, '', 1, '', '{{other,dead}}')",
    "a changed snapshot": "UPDATE canvas_snapshot SET media_refs = '{dead}'",
    "a thumbnail": "UPDATE canvas_project SET thumbnail = 'dead'",
    "a preview image": """UPDATE canvas_project SET preview_images = '["dead"]'""",
    "a new project": """
        INSERT INTO canvas_project (project_id, name, owner_uid, preview_images) VALUES ('q', 'New', 'ada', '["dead"]')
    """,
    "a private generation": f"""
        {_HISTORY} VALUES ('n', 'u', '{{"images": [{{"storagePath": "{key_of("dead")}"}}]}}')
    """,
    "a changed generation": """UPDATE generation_history SET document = '{"videos": [{"url": "dead"}]}'""",
    "a generation that was deleted": "UPDATE generation_history SET is_deleted = false WHERE history_id = 'gone'",
    "a public generation": f"""{_PUBLIC} VALUES ('n', 'u', false, '{{"url": "dead"}}', 1, '', now(), now())""",
    "a changed public generation": """UPDATE public_generation SET document = '{"audios": ["dead"]}'""",
}


@pytest.fixture
def marked(real: RealWorld) -> RealWorld:
    """Rows of every table, none of which refers to the marked medium `dead`."""
    for number in range(8):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    real.add("dead")
    real.execute("INSERT INTO canvas_element (project_id, element_id, type) VALUES ('p', 'old', 'image')")
    real.execute(f"{_SNAPSHOT} VALUES ('p', 0, 1, '', 1, '', '{{}}')")
    real.execute(f"{_HISTORY} VALUES ('old', 'u', '{{}}')")
    real.execute(f"""{_HISTORY} VALUES ('gone', 'u', '{{"url": "dead"}}')""")
    real.execute("UPDATE generation_history SET is_deleted = true WHERE history_id = 'gone'")
    real.execute(
        "SET LOCAL session_replication_role = replica; UPDATE generation_history SET deleted_at = '2020-01-01'"
    )
    real.execute("UPDATE canvas_media SET referenced_by_count = 0 WHERE media_id = 'dead'")
    real.execute(f"{_PUBLIC} VALUES ('old', 'u', false, '{{}}', 1, '', now(), now())")
    real.collect()
    assert real.marked() == {"dead"}
    return real


@pytest.mark.parametrize("write", WRITES)
def test_a_new_reference_lifts_the_mark_and_is_found_by_the_scan(marked: RealWorld, write: str) -> None:
    marked.execute(WRITES[write])
    assert marked.marked() == set()
    collection = marked.collect()
    assert (collection.plan.marks, collection.survey.census.candidate_total) == ([], 0)
    assert marked.counts()["dead"] == 1


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE canvas_element SET x = 5",
        "UPDATE generation_history SET is_deleted = true",
        "UPDATE canvas_project SET next_op_index = 7",
        "INSERT INTO canvas_element (project_id, element_id, type, meta) VALUES ('p', 'n', 'text', '{}')",
    ],
)
def test_what_adds_no_reference_lifts_no_mark(marked: RealWorld, write: str) -> None:
    marked.execute(write)
    assert marked.marked() == {"dead"}


def test_an_image_on_the_signup_page_is_in_use(marked: RealWorld) -> None:
    marked.execute("INSERT INTO signup_image (image_url) VALUES ('dead')")
    assert marked.collect().plan.revived[0].media_id == "dead"


def test_a_place_that_names_a_medium_three_times_is_one_place(marked: RealWorld) -> None:
    meta = f'{{"mediaId": "dead", "url": "dead", "deep": {{"storagePath": "{key_of("dead")}"}}}}'
    marked.execute("UPDATE canvas_element SET meta = CAST(:meta AS jsonb) WHERE element_id = 'old'", meta=meta)
    assert marked.collect().survey.census.places["elements"] == 9
    assert marked.counts()["dead"] == 1
