"""A real browser goes through an operator's day: every page, a retry, a replay, a sync, progress, a run, by keys."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from orchestration.work_queue.model import Outcome
from orchestration_tests.admin.samples import FAMILY

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from orchestration.domains import Domains

RUN = "6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d"
PAGES = (
    "", "/queues", "/queues/image-upload", "/queues/image-upload/tasks?state=dead", "/errors", "/workers", "/bulk",
    "/requests", "/requests/1", "/families", f"/families/{FAMILY}", f"/explain/{FAMILY}", "/suppliers",
    "/suppliers/A23", "/syncs", "/changes", "/quarantine", "/prints", "/prints/1", "/prints/2", "/prints/3",
    "/prints/skus", "/mockups", "/previews", "/previews/preview-0001", "/gallery", "/gallery/g1", "/signup",
    "/takedowns", "/canvas", "/canvas/p-1", "/collections", "/collections/1", "/audit", "/notifications",
    f"/search?q={FAMILY}", "/timeline?q=1001",
)  # fmt: skip
# One page of each form; the others have the same parts.
CHECKED = {
    "",
    "/queues",
    "/families",
    f"/families/{FAMILY}",
    "/suppliers",
    "/prints/1",
    "/canvas/p-1",
    "/timeline?q=1001",
}
SERIOUS = {"serious", "critical"}
# What a browser says of its own graphics driver.
NOISE = ("GL Driver Message", "WebGL")


@cache
def axe() -> str:
    """The accessibility checker axe-core, as a package of the tests carries it from npm."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def faults(page: Page) -> list[Any]:
    """The serious faults that axe finds on a page."""
    page.evaluate(axe())
    options = json.dumps({"resultTypes": ["violations"]})
    violations = page.evaluate(f"async () => (await axe.run(document, {options})).violations")
    return [(one["id"], one["nodes"][0]["html"][:200]) for one in violations if one["impact"] in SERIOUS]


@pytest.fixture
def said(page: Page) -> list[str]:
    """What the browser complains of: errors of scripts, and of the content security policy."""
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda one: heard.append(one.text) if one.type in {"error", "warning"} else None)
    return heard


def test_an_operators_day(factory: Domains, site: str, page: Page, said: list[str]) -> None:
    _every_page_opens(page, site)
    _a_failed_mockup_is_retried(page, site)
    _its_retry_is_cancelled(page)
    _a_dead_letter_is_replayed(factory, page, site)
    _a_sync_is_stopped_and_started(factory, page, site)
    _progress_moves(factory, page, site)
    _a_row_leads_to_its_run(page, site)
    _the_keyboard_is_enough(page, site)
    assert [one for one in said if not any(noise in one for noise in NOISE)] == []


def _every_page_opens(page: Page, site: str) -> None:
    wrong = {}
    for path in PAGES:
        answer = page.goto(f"{site}/admin{path}", wait_until="load")
        assert answer is not None
        fits = _fits(page)
        found = faults(page) if path in CHECKED else []
        if answer.status != 200 or not fits or page.title() == "stolen" or found:
            wrong[path] = (answer.status, fits, page.title(), found)
    assert wrong == {}
    page.goto(f"{site}/admin/prints/1")
    page.wait_for_selector(".solid[data-shown=yes]")
    assert "60.0 × 24.0 × 3.0 mm, 12 triangles" in page.inner_text(".solid-said")  # noqa: RUF001 - as it is shown


def _fits(page: Page) -> bool:
    """Whether the page is no wider than a phone, a desk and a wall."""
    fits = []
    for width in (360, 2560, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        fits.append(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
    return all(fits)


def _a_failed_mockup_is_retried(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/mockups?status=failed")
    page.click("table button:has-text('Retry')")
    assert "was made of it and is queued" in page.inner_text("[role=status]")
    assert page.inner_text("h1 .state") == "pending"


def _its_retry_is_cancelled(page: Page) -> None:
    page.click(".buttons button:has-text('Cancel')")
    assert "One mockup is cancelled, which is pending" in page.inner_text("#question")
    page.click("button:has-text('Cancel')")
    assert "it can be retried" in page.inner_text("[role=status]")
    assert "Cancelled on request" in page.inner_text("#content")


def _a_dead_letter_is_replayed(factory: Domains, page: Page, site: str) -> None:
    page.goto(f"{site}/admin/errors")
    page.click("table a[href*='/errors/image-upload/']")
    page.click("button:has-text('Replay 5')")
    page.wait_for_selector("h1 .state:has-text('completed')")
    page.click("button:has-text('Replay the rest')")
    question = page.inner_text("#question")
    assert question.startswith("3 dead tasks of this error in image-upload begin again")
    page.click("button:has-text('Replay')")
    page.wait_for_selector("h1 .state:has-text('completed')")
    with factory.services.database.connect() as connection:
        dead = "SELECT count(*) FROM task WHERE queue = 'image-upload' AND state = 'dead'"
        assert connection.execute(sa.text(dead)).scalar_one() == 2, "the two of the other error"


def _a_sync_is_stopped_and_started(factory: Domains, page: Page, site: str) -> None:
    page.goto(f"{site}/admin/suppliers/A23")
    page.click("button:has-text('Stop')")
    assert "17 families are taken from the queue, and 3" in page.inner_text("#question")
    page.click("button:has-text('Stop')")
    assert "17 families taken from the queue, 3 interrupted" in page.inner_text("[role=status]")
    page.select_option("select[name=how]", "every family")
    page.click("button:has-text('Sync')")
    assert "it begins within seconds" in page.inner_text("[role=status]")
    with factory.services.database.connect() as connection:
        row = connection.execute(
            sa.text("SELECT arguments, requested_by FROM work_request ORDER BY id DESC LIMIT 1")
        ).one()
    assert row.arguments == {"suppliers": ["A23"], "full": True, "allow_mass_removal": False}
    assert row.requested_by == "admin:loopback"


def _progress_moves(factory: Domains, page: Page, site: str) -> None:
    """The page renews itself, and keeps what was ticked."""
    queue = factory.catalogue.image_queue
    with factory.services.database.begin() as connection:
        worker = queue.register_worker(connection, run_id=RUN)
        tasks = queue.claim(connection, worker, 2)
        queue.report_progress(connection, tasks[0], 10.0)
    page.goto(f"{site}/admin/queues/image-upload/tasks")
    page.wait_for_selector("tr:has-text('10 %')")
    with factory.services.database.begin() as connection:
        queue.report_progress(connection, tasks[0], 77.0)
    page.wait_for_selector("tr:has-text('77 %')")
    page.goto(f"{site}/admin/queues/image-upload/tasks?state=dead")
    page.check("tbody input[type=checkbox] >> nth=1")
    chosen = page.input_value("tbody input[type=checkbox] >> nth=1")
    with page.expect_response(re.compile("state=dead")):
        pass
    page.wait_for_timeout(200)
    assert page.is_checked(f"input[value='{chosen}']")
    assert page.inner_text(".picked-count") == "1"
    with factory.services.database.begin() as connection:
        queue.settle(connection, [Outcome(one) for one in tasks])


def _a_row_leads_to_its_run(page: Page, site: str) -> None:
    page.goto(f"{site}/admin/workers")
    page.route("http://dagster.example/**", lambda route: route.fulfill(body="the run", content_type="text/plain"))
    page.click(f"tbody a[href*='{RUN}'] >> nth=0")
    assert page.url == f"http://dagster.example/runs/{RUN}"


def _the_keyboard_is_enough(page: Page, site: str) -> None:
    page.goto(f"{site}/admin")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("/")
    page.keyboard.type(FAMILY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/search?q=*")
    before = page.inner_text(".as-of time")
    page.click("#zone")
    assert page.inner_text(".zone-name") != ""
    page.click("#zone")
    assert page.inner_text(".as-of time") == before


def test_the_scripts_are_files_of_known_origin() -> None:
    folder = Path(__file__).parents[2] / "orchestration" / "admin" / "static"
    assert 'version:"2.0' in (folder / "htmx.min.js").read_text(encoding="utf-8")
    assert "Zero-Clause BSD" in (folder / "htmx.LICENSE").read_text(encoding="utf-8")
    node = "/usr/bin/node"
    if not Path(node).exists():
        pytest.skip("needs node")
    for script in ("admin.js", "solid.js"):
        subprocess.run([node, "--check", str(folder / script)], check=True, capture_output=True)  # noqa: S603 - our own
