"""`GET /prints/TOKEN`: all prints of an order, for those who were given its lasting link.

The page. Links to files are signed again at each visit. It names no customer, since such links are passed on. Keep
out: what is found (`prints.orders.order_links`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from orchestration.api.models import PathName
from orchestration.api.problems import documented
from orchestration.api.routes import public_router
from orchestration.errors import NotFoundError
from orchestration.prints.orders.order_links import PATH, find_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration.prints.orders.order_links import OrderPrint, OrderPrints
    from orchestration.prints.prints import Prints

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src http: https:; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_LABELS: Final = {"stl": "STL", "3mf": "3MF, two colours", "png": "Picture"}
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #202124; }
article { display: flex; flex-wrap: wrap; gap: 1.5rem; border-top: 1px solid #dadce0; padding: 1.5rem 0; }
img { width: 320px; max-width: 100%; border-radius: 8px; }
h2 { margin: 0 0 .25rem; font-size: 1.2rem; white-space: pre-line; }
p { margin: 0 0 .5rem; } .review { color: #b3261e; } a { color: #1558d6; margin-right: 1rem; }
"""


def router(prints: Prints) -> APIRouter:
    """The page."""
    api = public_router("prints")

    @api.get(f"{PATH}{{token}}", response_class=HTMLResponse, responses=documented(HTTPStatus.NOT_FOUND))
    def show_prints_of_order(token: PathName) -> HTMLResponse:
        """Show every print of an order with its files; 404 for a token that nobody was given."""
        with prints.database.connect() as connection:
            order = find_order(connection, token)
        if order is None:
            raise NotFoundError("This link leads nowhere; ask for a new one")
        now = datetime.now(UTC)

        def sign(key: str, path: str) -> str:
            return prints.services.links.sign(key, now=now, filename=PurePosixPath(path).name).url

        return HTMLResponse(_page(order, sign), headers=_HEADERS)

    return api


def _page(order: OrderPrints, sign: Callable[[str, str], str]) -> str:
    title = escape(f"Order {order.order_number}")
    status = escape(f"{order.marketplace}, {order.order_status.replace('_', ' ')}")
    articles = "".join(_article(one, sign) for one in order.prints)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{status}, {len(order.prints)} prints</p>{articles}</body></html>"
    )


def _article(one: OrderPrint, sign: Callable[[str, str], str]) -> str:
    links = [(file["kind"], sign(file["key"], file["path"])) for file in one.files]
    picture = "".join(f'<img src="{escape(url)}" alt="">' for kind, url in links if kind == "png")
    files = "".join(f'<a href="{escape(url)}">{_LABELS.get(kind, kind)}</a>' for kind, url in links)
    facts = "".join(f"<p>{escape(fact)}</p>" for fact in _facts(one))
    review = f'<p class="review">To review: {escape(one.review_reason)}</p>' if one.review_reason else ""
    text = escape(one.text) or "(no text)"
    return f"<article>{picture}<div><h2>{one.quantity} \u00d7 {text}</h2>{facts}{review}<p>{files}</p></div></article>"


def _facts(one: OrderPrint) -> Iterator[str]:
    yield one.sku
    if colours := [colour for colour in (one.color_1, one.color_2) if colour]:
        yield f"Colours: {', '.join(colours)}"
    if one.ship_by_date:
        yield f"Ship by {one.ship_by_date.isoformat()}"
    if not one.files:
        yield f"No files yet: {one.render_state}"
