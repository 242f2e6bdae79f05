"""The pages without JavaScript: every one opens, foreign text stays text, forms need the role and the session."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING

import sqlalchemy as sa

from orchestration.api.keys import Role
from orchestration.catalogue.feed.problems import FeedFile, LineProblem, store_problems
from orchestration.requests.requests import mark_completed
from orchestration_tests.admin.samples import FAMILY, ODD
from orchestration_tests.cli.conftest import run_main

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    import pytest

    from orchestration.domains import Domains

RUN = "6e8f6d4c-0b0e-4f5e-9f0e-2a3d1f4b5c6d"


def token(html: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="form_token" value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


def kind_of(path: str) -> str:
    """An address without what differs between pages of one kind."""
    return re.sub(r"(/admin/\w+/)[^/?]+", r"\1*", re.sub(r"=[^&]*", "", path))


def said(client: httpx.Client, answer: httpx.Response) -> str:
    """What the page after a form reports."""
    assert answer.status_code == 303, answer.text
    html = client.get(answer.headers["location"]).text
    found = re.search(r'class="said [^"]*" role="status">([^<]+)<', html)
    return unescape(found[1]) if found else ""


def do(client: httpx.Client, action: str, **values: str) -> httpx.Response:
    """Send a form of an action, as its page has it."""
    given = {"form_token": token(client.get("/admin/queues").text), "back": "/admin/queues", **values}
    return client.post(f"/admin/do/{action}", data=given)


def test_every_page_that_a_page_links_to_opens_and_shows_foreign_text_as_text(reading: httpx.Client) -> None:
    todo, seen, wrong = ["/admin"], dict[str, str](), []
    while todo:
        path = todo.pop()
        if kind_of(path) in seen:
            continue
        seen[kind_of(path)] = path
        answer = reading.get(path)
        if answer.status_code != 200 or ODD in answer.text:
            wrong.append((path, answer.status_code))
        assert "script-src 'self'" in answer.headers["content-security-policy"] or path.endswith(".csv")
        links = (unescape(href) for href in re.findall(r'href="(/admin[^"#]*)"', answer.text))
        todo += [one for one in links if "/static/" not in one]
    assert wrong == []
    assert len(seen) > 40, sorted(seen.values())


def test_rows_lead_to_their_run_and_partition_in_dagster(reading: httpx.Client) -> None:
    assert f"http://dagster.example/runs/{RUN}" in reading.get("/admin/workers").text
    assert f"http://dagster.example/runs/{RUN}" in reading.get("/admin/requests").text
    dead = reading.get("/admin/queues/image-upload/tasks", params={"state": "dead"}).text
    task = reading.get("/admin/queues/image-upload/task", params={"key": "https://images.example/0.jpg"}).text
    assert f"http://dagster.example/runs/{RUN}" in dead
    assert f'href="http://dagster.example/runs/{RUN}">its run in Dagster' in task
    family = reading.get(f"/admin/families/{FAMILY}").text
    partition = f"http://dagster.example/assets/catalogue/product_families?view=partitions&amp;partition={FAMILY}"
    assert partition in family
    assert partition in reading.get("/admin/families").text


def test_lists_hold_no_payload_and_single_tasks_do(reading: httpx.Client) -> None:
    where = {"state": "dead"}
    assert "secret" not in reading.get("/admin/queues/image-upload/tasks", params=where).text
    key = {"key": "https://images.example/0.jpg"}
    assert "secret" in reading.get("/admin/queues/image-upload/task", params=key).text


def test_the_numbers_are_those_of_sql(factory: Domains, browse: httpx.Client) -> None:
    with factory.services.database.connect() as connection:
        counts = sa.text("SELECT count(*) FROM task WHERE queue = 'image-upload' AND state = :state")
        dead, done = (connection.execute(counts, {"state": state}).scalar_one() for state in ("dead", "completed"))
    html = browse.get("/admin/queues/image-upload").text
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]*)</dd>", html))
    assert (facts["Dead"], facts["Completed, kept"], facts["Failed tasks in 24 h"]) == (str(dead), str(done), "10")
    assert facts["Failed attempts in 24 h"] == "11", "a task that is tried again has failed an attempt"


def test_errors_that_differ_in_names_alone_are_one_and_come_again_after_they_were_resolved(
    factory: Domains, browse: httpx.Client
) -> None:
    html = browse.get("/admin/errors").text
    groups = re.findall(r'href="/admin/errors/image-upload/([0-9a-f]+)"', html)
    assert len(groups) == 2
    assert said(browse, do(browse, "error.resolve", queue="image-upload", fingerprint=groups[0])).startswith("Resolved")
    assert ">resolved<" in browse.get(f"/admin/errors/image-upload/{groups[0]}").text
    with factory.services.database.begin() as connection:
        again = "UPDATE task SET finished_at = now() + interval '1 second' WHERE fingerprint = :one"
        connection.execute(sa.text(again), {"one": groups[0]})
    assert ">regressed<" in browse.get(f"/admin/errors/image-upload/{groups[0]}").text
    assert "came again after they were resolved" in browse.get("/admin").text


def test_a_filter_lives_in_the_address_and_pages_go_on(factory: Domains, browse: httpx.Client) -> None:
    with factory.services.database.begin() as connection:
        connection.execute(
            sa.text("""
            INSERT INTO product_family (a_number, supplier, supplier_hash, content_hash, name)
            SELECT 'A360-' || 1000 + n, 'A360', 'x', 'x', '{"en": "Pen"}' FROM generate_series(1, 120) AS n""")
        )
    found: list[str] = []
    path = "/admin/families?supplier=A360&words=pe"
    while path:
        html = browse.get(path).text
        found += re.findall(r"<code>(A360-\d+)</code>", html)
        more = re.search(r'<a href="([^"]+)" rel="next"', html)
        path = unescape(more[1]) if more else ""
    assert len(found) == len(set(found)) == 120


def test_who_may_only_read_is_shown_no_form_and_may_send_none(
    factory: Domains, logged_in: Callable[[Role], httpx.Client]
) -> None:
    from orchestration.admin.actions import ACTIONS

    reader = logged_in(Role.READ)
    html = "".join(reader.get(f"/admin/{path}").text for path in ("queues", "prints", "suppliers", "canvas/p-1"))
    assert 'action="/admin/do/' not in html
    form = {"form_token": token(html), "back": "/admin", "confirmed": "yes", "queue": "image-upload", "key": "x"}
    answers = {name: reader.post(f"/admin/do/{name}", data=form).status_code for name in ACTIONS}
    assert answers == dict.fromkeys(ACTIONS, 403)
    with factory.services.database.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM admin_action")).scalar_one() == 0


def test_a_form_of_another_session_or_of_none_is_refused(logged_in: Callable[[Role], httpx.Client]) -> None:
    admin, other = logged_in(Role.ADMIN), logged_in(Role.ENQUEUE)
    foreign = token(other.get("/admin/suppliers").text)
    sent = [
        admin.post("/admin/do/queue.resume", data={"queue": "mirror", "form_token": one}).status_code
        for one in ("", "x", foreign)
    ]
    assert sent == [403, 403, 403]
    admin.cookies.set("orchestration_admin", "forged", path="/admin")
    admin.cookies.jar.clear(domain="127.0.0.1", path="/admin", name="orchestration_admin")
    gone = admin.post("/admin/do/queue.resume", data={"queue": "mirror"})
    assert gone.headers["location"].startswith("/admin/login")


def test_another_site_logs_nobody_in(browse: httpx.Client) -> None:
    answer = browse.post("/admin/login", data={"key": "x"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_revoked_key_ends_its_sessions(factory: Domains, logged_in: Callable[[Role], httpx.Client]) -> None:
    admin = logged_in(Role.ADMIN)
    with factory.services.database.begin() as connection:
        connection.execute(sa.text("UPDATE api_key SET revoked_at = now()"))
    assert admin.get("/admin/queues").headers["location"] == "/admin/login?next=%2Fadmin%2Fqueues"


def test_going_back_leads_to_no_other_site(browse: httpx.Client) -> None:
    for target in ("https://evil.example/", "//evil.example/admin", "/admin\\@evil.example", "/objects/x"):
        answer = do(browse, "queue.resume", queue="mirror", back=target)
        assert answer.headers["location"] == "/admin"


def test_a_line_of_the_feed_is_shown_with_what_is_wrong_with_it(factory: Domains, browse: httpx.Client) -> None:
    problem = LineProblem(FeedFile.IMPORT.value, 3, "http://feed/readme.txt", "no address of a document", "A23")
    with factory.services.database.begin() as connection:
        store_problems(connection, FeedFile.IMPORT, [problem])
    html = browse.get("/admin/suppliers/A23").text
    assert "Import.txt line 3: http://feed/readme.txt" in html
    assert "no address of a document" in html


def test_what_destroys_asks_with_its_numbers_and_what_was_done_is_recorded(
    factory: Domains, browse: httpx.Client
) -> None:
    asked = do(browse, "queue.pause", queue="image-upload")
    assert "No task of image-upload is claimed until it is resumed. 2 wait now" in asked.text
    assert said(browse, do(browse, "queue.pause", queue="image-upload", confirmed="yes")) == "image-upload is paused"
    assert "There is no such queue" in said(browse, do(browse, "queue.resume", queue="none"))
    html = browse.get("/admin/audit").text
    assert html.count(">queue:image-upload<") == 1
    assert ">refused<" in html
    exported = browse.get("/admin/audit.csv").text.splitlines()
    assert len(exported) == 3
    with factory.services.database.connect() as connection:
        assert connection.execute(sa.text("SELECT paused_by FROM task_pause")).scalar_one() == "admin:loopback"


def test_explaining_a_family_says_why_the_shop_shows_it_or_not(factory: Domains, browse: httpx.Client) -> None:
    assert "The shop shows it" in browse.get(f"/admin/explain/{FAMILY}").text
    bad = browse.get("/admin/explain/A23-100900").text
    assert "cut short" in bad
    assert "The shop does not show it: it is not stored" in bad
    assert browse.get("/admin/explain/A1-none").status_code == 404
    with factory.services.database.begin() as connection:
        connection.execute(sa.text("UPDATE product_family SET is_active = false, removed_at = now()"))
    assert "it is not published" in browse.get(f"/admin/explain/{FAMILY}").text


def test_the_command_explains_a_family_as_the_page_does(
    factory: Domains, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in factory.services.settings.environment(secrets=True).items():
        monkeypatch.setenv(name, value)
    assert run_main(monkeypatch, "explain", "A23-100900", "--json") == 0
    steps = {step["title"]: step for step in json.loads(capfd.readouterr().out)["steps"]}
    assert (steps["Document"]["tone"], steps["Document"]["verdict"]) == ("bad", "cut short")
    assert steps["Feed line"]["tone"] == "warn"
    assert run_main(monkeypatch, "explain", FAMILY) == 0
    assert "Shop window: The shop shows it" in capfd.readouterr().out
    assert run_main(monkeypatch, "explain", "A1-none") == 1
    assert "Neither the feed, the quarantine, the queue nor the catalogue knows" in capfd.readouterr().err


def test_one_search_finds_everything_by_its_name(reading: httpx.Client) -> None:
    for words, href in (
        ("a23-100804-01", f"/admin/families/{FAMILY}"),
        ("1001", "/admin/prints/1"),
        ("preview-0001", "/admin/previews/preview-0001"),
        ("req-1", "/admin/previews/preview-0001"),
        ("g1", "/admin/gallery/g1"),
        ("stee bott", "/admin/families/A23-100805"),
        ("pixels larger", "/admin/errors/image-upload/"),
        ("https://images.example/1.jpg", "/admin/queues/image-upload/task?key="),
    ):
        assert f'href="{href}' in reading.get("/admin/search", params={"q": words}).text, words
    for odd in ("\0", "' OR 1=1", "%", ":* & !", "9" * 40, "x" * 5000):
        assert reading.get("/admin/search", params={"q": odd}).status_code in {200, 400}, odd


def test_a_timeline_goes_from_the_order_to_the_file(reading: httpx.Client) -> None:
    html = reading.get("/admin/timeline", params={"q": "1001"}).text
    for event in (">ordered<", ">queued in print<", ">product rendered<", "style3-tag/Z/Zoe.stl", ">print failed<"):
        assert event in html


def test_a_failed_preview_begins_again_while_its_dead_task_is_kept(factory: Domains, browse: httpx.Client) -> None:
    assert 'action="/admin/do/previews.retry"' in browse.get("/admin/previews/preview-0003").text
    assert "submit it again" in said(browse, do(browse, "previews.retry", job="preview-0003"))
    queue = factory.previews.preview_queue
    with factory.services.database.begin() as connection:
        dead = "INSERT INTO task (queue, key, state, reason, finished_at) VALUES (:queue, :key, 'dead', 'no', now())"
        connection.execute(sa.text(dead), {"queue": queue.name, "key": "preview-0003"})
    assert "begins again" in said(browse, do(browse, "previews.retry", job="preview-0003"))
    with factory.services.database.connect() as connection:
        assert queue.counts(connection).waiting == 1


def test_comparing_and_repairing_the_gallery_are_asked_for_rather_than_done_in_the_form(
    factory: Domains, browse: httpx.Client
) -> None:
    compared = do(browse, "gallery.drift")
    number = int(compared.headers["location"].removeprefix("/admin/requests/"))
    assert said(browse, compared) == f"The comparison is request {number}; here it says what differs"
    assert "Compare says first how much that is" in do(browse, "gallery.repair").text
    with factory.services.database.begin() as connection:
        mark_completed(connection, number, {"mirror_equals_source": {"passed": False, "count": 7}})
    assert "found 7 items that differ" in do(browse, "gallery.repair").text
    assert said(browse, do(browse, "gallery.repair", confirmed="yes")) == f"The repair is request {number + 1}"
