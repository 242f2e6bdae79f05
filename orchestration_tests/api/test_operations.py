"""What operators and other programs do over HTTP is done by the domains, and is seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from orchestration.api.keys import Role
from orchestration.api.models import cursor_of
from orchestration.catalogue.feed.suppliers import know_supplier
from orchestration.catalogue.tables import change, product_family, product_variant, quarantine
from orchestration.errors import PermanentError
from orchestration.gallery.history import Visibility, set_visibility
from orchestration.requests.requests import list_requests
from orchestration.work_queue.model import NewTask, Outcome
from orchestration_tests.canvas.boards import OWNER, PROJECT, add_projects
from orchestration_tests.gallery.public_rows import picture, public_row, publish

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import httpx

    from orchestration.services import Services


def arguments(services: Services) -> dict[str, Any]:
    """What the newest request asks for."""
    with services.database.connect() as connection:
        return list_requests(connection)[0].arguments


def test_a_sync_is_started_by_a_request_and_stopped_at_once(services: Services, admin: httpx.Client) -> None:
    started = admin.post("/api/catalogue/syncs", json={"suppliers": ["A1"], "full": True})
    assert (started.status_code, started.json()["kind"]) == (202, "catalogue.sync")
    assert arguments(services) == {"suppliers": ["A1"], "full": True, "allow_mass_removal": False}
    assert admin.post("/api/catalogue/suppliers/A1/stop").status_code == 404
    with services.database.begin() as connection:
        know_supplier(connection, "A1")
    assert admin.post("/api/catalogue/suppliers/A1/stop").json() == {
        "supplier": "A1",
        "cancelled": 0,
        "interrupted": 0,
    }
    assert admin.get("/api/catalogue/suppliers/A1").json()["status"] == "never"


def test_records_are_read_by_pages_and_filters(services: Services, admin: httpx.Client) -> None:
    with services.database.begin() as connection:
        know_supplier(connection, "A1")
        families = [
            {"a_number": f"A1-{n}", "supplier": "A1", "supplier_hash": "h", "content_hash": "c", "brand": "B",
             "name": {"en": f"100% wool {n}"}, "is_active": n != 2}
            for n in range(5)
        ]  # fmt: skip
        connection.execute(sa.insert(product_family), families)
        variants = [{"a_number": "A1-2", "sku": f"s{n}", "name": "n", "color": "red"} for n in range(3)]
        connection.execute(sa.insert(product_variant), variants)
        changes = [{"a_number": "A1-1", "entity": "family", "key": "A1-1", "kind": "added"}] * 3
        connection.execute(sa.insert(change), changes)
    pages: list[list[str]] = []
    parameters: dict[str, Any] = {"limit": 2}
    while len(pages) < 3:
        page = admin.get("/api/catalogue/families", params=parameters).json()
        pages.append([one["aNumber"] for one in page["items"]])
        parameters["after"] = page["next"]
    assert parameters["after"] is None
    assert pages == [["A1-0", "A1-1"], ["A1-2", "A1-3"], ["A1-4"]]
    found = admin.get("/api/catalogue/families", params={"text": "100% WOOL 3", "isActive": True}).json()
    assert [one["aNumber"] for one in found["items"]] == ["A1-3"]
    assert admin.get("/api/catalogue/families", params={"text": "100_"}).json()["items"] == []
    first = admin.get("/api/catalogue/variants", params={"limit": 2, "color": "red"}).json()
    rest = admin.get("/api/catalogue/variants", params={"after": first["next"]}).json()
    assert [one["sku"] for one in first["items"] + rest["items"]] == ["s0", "s1", "s2"]
    assert [one["isActive"] for one in rest["items"]] == [False], "its family is not active"
    assert admin.get("/api/catalogue/families/A1-1").json()["name"] == {"en": "100% wool 1"}
    newest = admin.get("/api/catalogue/changes", params={"after": 2, "aNumber": "A1-1"}).json()
    assert [one["id"] for one in newest["items"]] == [3]


def test_the_quarantine_is_read_by_pages_while_documents_leave_it(services: Services, admin: httpx.Client) -> None:
    told = {"supplier": "A1", "url": "u", "supplier_hash": "h", "code": "json", "reason": "cut short"}
    with services.database.begin() as connection:
        know_supplier(connection, "A1")
        rows = [{"a_number": f"A1-{n}", **told} for n in range(5)]
        connection.execute(sa.insert(quarantine), rows)
        # Their transaction gave all of them one moment.
        connection.execute(sa.update(quarantine).values(since="2026-02-01").where(quarantine.c.a_number == "A1-3"))
    first = admin.get("/api/catalogue/quarantine", params={"limit": 2}).json()
    with services.database.begin() as connection:
        connection.execute(sa.delete(quarantine).where(quarantine.c.a_number.in_(["A1-3", "A1-0"])))
    rest = admin.get("/api/catalogue/quarantine", params={"after": first["next"], "supplier": "A1"}).json()
    assert [one["aNumber"] for one in first["items"]] == ["A1-3", "A1-0"]
    assert [one["aNumber"] for one in rest["items"]] == ["A1-1", "A1-2", "A1-4"]
    assert rest["next"] is None
    for nowhere in (cursor_of("no time", "A1-1"), "nonsense"):
        assert admin.get("/api/catalogue/quarantine", params={"after": nowhere}).status_code == 422


def test_orders_are_imported_row_by_row_and_their_tasks_rendered_again(services: Services, admin: httpx.Client) -> None:
    rows: list[dict[str, object]] = [
        {"order_number": "1001", "sku": "Y3D-NKC-002", "text": "Zoë", "quantity": 2},
        {"order_number": "", "sku": "Y3D-NKC-002", "text": "x"},
        {"order_number": "1002", "sku": "Y3D-NKC-002", "text": "a", "print_settings": '{"a": NaN}'},
    ]
    report = admin.post("/api/prints/orders", json={"rows": rows}).json()
    assert (report["imported"], report["refused"], report["queued"]) == (1, 2, 1)
    assert {row["column"] for row in report["rows"] if row["outcome"] == "refused"} == {
        "order_number",
        "print_settings",
    }
    csv = admin.post("/api/prints/orders/csv", content=b"order_number;sku;text\n1003;Y3D-NKC-002;Bo\n")
    assert csv.json()["imported"] == 1
    unknown = admin.post("/api/prints/orders", json={"rows": [{"colour": "red"}]})
    assert (unknown.status_code, "colour" in unknown.json()["detail"]) == (400, True)
    newest, oldest = admin.get("/api/prints/tasks", params={"limit": 1}).json(), None
    oldest = admin.get("/api/prints/tasks", params={"after": newest["next"]}).json()["items"]
    assert [one["orderNumber"] for one in newest["items"] + oldest] == ["1003", "1001"]
    task = oldest[0]["taskId"]
    assert admin.get(f"/api/prints/tasks/{task}").json()["text"] == "Zoë"
    assert admin.post("/api/prints/refresh", json={"taskId": task}).json() == {"pending": 1, "tasks": [task]}
    assert admin.post("/api/prints/retry", json={"taskId": 4_711}).status_code == 404
    assert admin.post("/api/prints/render", json={"skus": ["nothing"]}).status_code == 400
    assert admin.post("/api/prints/render", json={"task": task}).status_code == 202
    assert arguments(services) == {"skus": [], "task": task, "force": False}


def test_a_takedown_acts_at_once_and_until_it_is_lifted(services: Services, admin: httpx.Client) -> None:
    with services.database.begin() as connection:
        publish(connection, [public_row(1, picture(1, 9.0), uid="u")])
        set_visibility(connection, ["g1"], Visibility.PUBLIC)
    assert admin.get("/generations/g1").status_code == 200
    assert admin.post("/api/gallery/takedowns", json={"ids": ["g1", "g1"]}).json() == {"takenDown": 1, "wereDown": 0}
    assert admin.get("/generations/g1").status_code == 404
    assert [one["historyId"] for one in admin.get("/api/gallery/takedowns").json()["items"]] == ["g1"]
    assert admin.delete("/api/gallery/takedowns/g1").status_code == 204
    assert admin.delete("/api/gallery/takedowns/g1").status_code == 404
    assert admin.get("/generations/g1").status_code == 200
    assert admin.get("/api/gallery/drift").json()["total"] >= 0


def test_a_project_is_worked_on_saved_and_restored(services: Services, admin: httpx.Client) -> None:
    add_projects(services.database, PROJECT)
    path = f"/api/canvas/projects/{PROJECT}"
    make = {"type": "create", "elementId": "e1", "data": {"element": {"type": "text", "x": 10}}}
    sent = {"operations": [{"operation": make, "actorUid": OWNER, "requestId": "op-1"}]}
    first, again = (admin.post(f"{path}/operations", json=sent).json()["operations"][0] for _ in range(2))
    assert (first["opIndex"], first["isRepeat"], again["isRepeat"]) == (0, False, True)
    assert admin.post(f"{path}/snapshots", json={"name": "start"}).json()["opIndex"] == 0
    assert admin.post(f"{path}/snapshots", json={"name": "start"}).status_code == 409
    undone = admin.post(f"{path}/operations/0/undo", json={"actorUid": OWNER}).json()
    assert undone["operation"]["type"] == "delete"
    assert admin.get(path).json()["elements"] == {}
    assert admin.get(path, params={"at": 0}).json()["elements"]["e1"]["x"] == 10
    restored = admin.post(f"{path}/restore", json={"opIndex": 0}).json()
    assert (restored["cameFrom"], len(restored["applied"])) == (1, 1)
    assert admin.post(f"{path}/restore", json={}).status_code == 422
    stranger = {"operations": [{"operation": make, "actorUid": "mallory"}]}
    assert admin.post(f"{path}/operations", json=stranger).status_code == 403
    assert admin.get("/api/canvas/projects/none").status_code == 404


@pytest.mark.parametrize(
    ("sent", "dry"),
    [
        ({}, True),
        ({"dryRun": None}, True),
        ({"dryRun": 0}, True),
        ({"dryRun": "false"}, True),
        ({"dryRun": False}, False),
    ],
)
def test_a_collection_is_dry_unless_that_is_exactly_false(
    services: Services, admin: httpx.Client, sent: dict[str, object], *, dry: bool
) -> None:
    assert admin.post("/api/canvas/collections", json=sent).status_code == 202
    assert arguments(services)["dry_run"] is dry


def test_a_collection_that_never_was_is_not_found(admin: httpx.Client) -> None:
    assert admin.get("/api/canvas/collections").json()["items"] == []
    assert admin.get("/api/canvas/collections/4711").status_code == 404
    assert admin.post("/api/canvas/collections/4711/undo").status_code == 404


def test_a_queue_is_looked_into_paused_and_replayed(
    services: Services, as_role: Callable[[Role], httpx.Client], admin: httpx.Client
) -> None:
    from orchestration.gallery.queues import mirror_queue

    queue = mirror_queue(services.settings)
    with services.database.begin() as connection:
        queue.enqueue(connection, [NewTask("https://x/?a=1", {"op": "upsert"})])
        queue.settle(connection, [Outcome(one, PermanentError("no")) for one in queue.claim(connection, 2**30)])
    path = f"/api/queues/{queue.name}"
    assert admin.get(path).json()["failed"] == 1
    assert admin.get(f"{path}/dead").json()["items"][0]["error"] == "PermanentError: no"
    assert admin.get(f"{path}/task", params={"key": "https://x/?a=1"}).json()["state"] == "dead"
    assert admin.post(f"{path}/dead/replay", json={"dryRun": True}).json()["replayed"] == 1
    assert admin.post(f"{path}/dead/replay", json={"keys": ["https://x/?a=1"]}).json()["replayed"] == 1
    assert admin.post(f"{path}/pause").json() == {"queue": queue.name, "paused": True, "changed": True}
    shown = as_role(Role.READ).get(path).json()
    assert (shown["waiting"], shown["pause"]["pausedBy"]) == (1, "api:the admin key")
    assert admin.post(f"{path}/resume").json()["changed"] is True
    cancelled = admin.post(f"{path}/task/cancel", params={"key": "https://x/?a=1"}).json()
    assert cancelled["state"] == "cancelled"
    assert admin.post(f"{path}/task/cancel", params={"key": "gone"}).status_code == 404
    assert admin.post("/api/queues/print/dead/replay", json={}).json()["code"] == "conflict"
    assert admin.get("/api/workers").json()["items"] == []


def test_any_kind_of_work_can_be_asked_for_by_an_admin(admin: httpx.Client) -> None:
    assert admin.post("/api/requests", json={"kind": "no.such"}).status_code == 404
    wrong = admin.post("/api/requests", json={"kind": "catalogue.sync", "arguments": {"suppliers": 7}})
    assert (wrong.status_code, "$.suppliers" in wrong.json()["detail"]) == (400, True)
    made = [admin.post("/api/requests", json={"kind": "gallery.repair"}).json()["id"] for _ in range(3)]
    page = admin.get("/api/requests", params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == made[:0:-1]
    assert [one["id"] for one in admin.get("/api/requests", params={"after": page["next"]}).json()["items"]] == made[:1]
