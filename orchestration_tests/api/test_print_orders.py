"""The lasting link of an order leads to all of its prints, with links that work whenever it is opened."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
import requests

from orchestration.prints.orders.order_links import order_link
from orchestration.prints.prints import Prints
from orchestration_tests.prints.printing import STYLE3, drain, order, rows, run_sql, take_in
from orchestration_tests.prints.solid.sketching import sketch

if TYPE_CHECKING:
    from orchestration.services import Services
    from orchestration.storage.database import Database


def page_of(database: Database, base_url: str, number: str) -> requests.Response:
    [found] = rows(database, "SELECT link_token FROM shop_order WHERE order_number = :number", number=number)
    return requests.get(order_link(base_url, found["link_token"]), timeout=30)


def test_it_shows_every_print_and_its_files_open(services: Services, database: Database, base_url: str) -> None:
    shop = Prints(services, sketch)
    take_in(
        shop,
        order(1, "Vera <3", color_1="Blue", ship_by_date="2026-03-01", customer_name="Ada Lovelace"),
        order(1, "Willi", STYLE3, quantity="3", color_1="Ultraviolet", customer_name="Ada Lovelace"),
        order(1, "Later", order_status=""),
        order(2, "Stranger"),
    )
    drain(shop)
    run_sql(database, "UPDATE print_task SET stl_render_state = 'pending' WHERE custom_text = 'Later'")
    # Whatever was signed when the prints were made has ended by now.
    run_sql(database, "UPDATE print_output SET url_expires_at = now() - :age", age=timedelta(days=30))

    answer = page_of(database, base_url, "1")

    assert answer.status_code == 200
    for said in ("1 \u00d7 Vera &lt;3", "3 \u00d7 Willi", "2026-03-01", "To review: the colour", "3 prints"):
        assert said in answer.text
    for unsaid in ("Stranger", "Lovelace", "<3"):
        assert unsaid not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    links = [unescape(url) for url in re.findall(r'href="([^"]+)"', answer.text)]
    assert len(links) == 9
    for link in links:
        assert requests.get(re.sub(r"^https?://[^/]+", base_url, link), timeout=30).status_code == 200


@pytest.mark.parametrize("token", ["0" * 32, "1", "%00", "%25' OR 1=1", "%ED%A0%80"])
def test_what_nobody_was_given_leads_nowhere(base_url: str, token: str) -> None:
    assert requests.get(order_link(base_url, token), timeout=30).status_code == 404
