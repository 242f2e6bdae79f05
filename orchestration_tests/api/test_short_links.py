"""Short links lead to what was announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from orchestration.notifications.short_links import new_token, short_link
from orchestration_tests.notifications.sending import SECRET, announce, make_notice, make_outbox, rows

if TYPE_CHECKING:
    from orchestration.storage.database import Database

LINK = "https://shop.example/objects/prints/ab/1.stl?expires=1&signature=2"


def test_a_short_link_leads_to_the_long_one(database: Database, base_url: str) -> None:
    announce(database, make_outbox(webhook_url=base_url, webhook_secret=SECRET), make_notice(link=LINK))
    (row,) = rows(database).values()
    answer = requests.get(short_link(base_url, row.token), allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["location"]) == (307, LINK)
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")


def test_a_notice_without_a_link_leads_nowhere(database: Database, base_url: str) -> None:
    announce(database, make_outbox(webhook_url=base_url, webhook_secret=SECRET), make_notice(link=None))
    (row,) = rows(database).values()
    assert requests.get(short_link(base_url, row.token), timeout=30).status_code == 404


@pytest.mark.parametrize("token", [pytest.param(new_token(), id="new"), "1", "%00", "%25' OR 1=1", "%ED%A0%80"])
def test_what_nobody_was_given_leads_nowhere(base_url: str, token: str) -> None:
    answer = requests.get(short_link(base_url, token), allow_redirects=False, timeout=30)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
