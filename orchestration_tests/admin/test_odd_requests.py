"""Addresses and forms that no page gives: each is answered as what it is, and recorded by what it was done to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.admin.shown import breakable, width_class
from orchestration.api.models import cursor_of
from orchestration_tests.admin.test_pages import do, said

if TYPE_CHECKING:
    import httpx

    from orchestration.domains import Domains

BEYOND = "9" * 30
NOWHERE = cursor_of("no time", "x")


def test_an_address_that_nobody_was_given_is_no_fault_of_the_server(reading: httpx.Client) -> None:
    numbers = {f"{kind}/{BEYOND}": 404 for kind in ("prints", "bulk", "requests", "collections")}
    lists = ("prints", "audit", "changes", "syncs", "notifications")
    places = {f"{kind}?after={BEYOND}": 400 for kind in lists} | {f"changes?sync={BEYOND}": 400}
    cursors = {f"{kind}?after={NOWHERE}": 400 for kind in ("mockups", "previews", "gallery", "queues/mirror/tasks")}
    expected = numbers | places | cursors
    assert {path: reading.get(f"/admin/{path}").status_code for path in expected} == expected
    assert reading.post("/admin/login", data={"key": "x" * 500}).status_code == 401


def test_a_number_in_a_form_that_is_none_is_refused_by_name(factory: Domains, browse: httpx.Client) -> None:
    for action, name, others in (
        ("prints.retry", "task", {}),
        ("prints.refresh", "task", {}),
        ("bulk.stop", "number", {}),
        ("canvas.undo", "op_index", {"project": "p-1"}),
        ("canvas.restore", "snapshot", {"project": "p-1", "confirmed": "yes"}),
        ("canvas.undo_collection", "number", {"confirmed": "yes"}),
    ):
        for text in ("x", BEYOND):
            answer = said(browse, do(browse, action, **{name: text}, **others))
            assert answer.startswith(f"'{text}' is no number of a"), (action, text, answer)
    # It has as many digits as the largest number, and is larger.
    assert do(browse, "bulk.stop", number="9" * 19).status_code == 400
    with factory.services.database.begin() as connection:
        connection.execute(sa.text("UPDATE print_task SET status = 'cancelled' WHERE id = 1"))
    assert "was cancelled; nothing is rendered again" in said(browse, do(browse, "prints.refresh", task="1"))
    assert "has not failed" in said(browse, do(browse, "prints.retry", task="4"))


def test_replaying_those_chosen_without_choosing_any_is_not_replaying_all(browse: httpx.Client) -> None:
    tasks = browse.get("/admin/queues/image-upload/tasks", params={"state": "dead"}).text
    assert 'name="chosen" value="yes"' in tasks
    refused = do(browse, "dead.replay", queue="image-upload", chosen="yes")
    assert said(browse, refused) == "No task is chosen; tick those that are to begin again"
    one = do(browse, "dead.replay", queue="image-upload", chosen="yes", key="https://images.example/0.jpg")
    assert "1 dead tasks that you chose" in one.text


def test_the_audit_names_the_task_whatever_else_a_form_holds_and_is_exported_whole(
    factory: Domains, browse: httpx.Client
) -> None:
    said(browse, do(browse, "task.cancel", aaa="innocent", queue="image-upload", key="k-1", confirmed="yes"))
    with factory.services.database.begin() as connection:
        assert connection.execute(sa.text("SELECT target FROM admin_action")).scalar_one() == "task:k-1"
        many = """INSERT INTO admin_action (caller, role, action, target, outcome, message)
            SELECT '=cmd', 'admin', 'x', 'queue:' || n, 'done', '' FROM generate_series(1, 2500) AS n"""
        connection.execute(sa.text(many))
    assert "task.cancel" in browse.get("/admin/timeline", params={"q": "k-1"}).text
    lines = browse.get("/admin/audit.csv").text.splitlines()
    assert len(lines) == 1 + 2501
    assert lines[1].split(",")[2] == "'=cmd"


def test_a_long_key_may_be_broken_after_its_slashes_and_stays_text() -> None:
    assert str(breakable("a/b<c>/d")) == "a/<wbr>b&lt;c&gt;/<wbr>d"
    classes = [width_class(one) for one in ("DRINKWARE/BOTTLES", "x" * 17, "a sentence that is read at leisure", 7)]
    assert classes == ["", "long", "prose", ""]
