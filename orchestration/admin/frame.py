"""The frame of every page: templates, headers, the visitor, and errors as pages.

Keep out: what pages show (a module for each part of the product), and what forms do (`forms`).

Nothing foreign runs: scripts and styles come from here as files, everything that is shown is escaped, and a page may
be framed by nobody.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote, urlencode, urlsplit

import sqlalchemy as sa
from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from orchestration.admin import shown
from orchestration.admin.bulk import BulkRunner
from orchestration.admin.navigation import NAVIGATION, is_within
from orchestration.admin.session import PATH, LoginNeededError, Sessions, Visitor
from orchestration.api.problems import ANSWERS
from orchestration.api.routes import ApiRoute
from orchestration.errors import OrchestrationError, RefusedError
from orchestration.observability.logs import get_logger
from orchestration.storage.database import Database, driver_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from orchestration.admin.forms import Action
    from orchestration.admin.parts import Page
    from orchestration.domains import Domains

HERE: Final = Path(__file__).parent
FLASH: Final = "orchestration_said"
STATIC_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

log = get_logger()


class Frame:
    """What makes answers of pages. Nothing is read before the first page."""

    def __init__(self, domains: Domains, actions: Mapping[str, Action]) -> None:
        self.domains = domains
        self.services = domains.services
        self.actions = actions
        self.bulk = BulkRunner(domains)
        self.sessions = Sessions(domains.services)

    @cached_property
    def dagster_database(self) -> Database:
        """Dagster's own database, of which single tables are read; a page waits for it as for the product's own."""
        seconds = self.services.settings.api_statement_seconds
        database = Database(self.services.database_urls.dagster, statement_seconds=seconds)
        self.services.at_close(database.close)
        return database

    @cached_property
    def _templates(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= shown.FILTERS
        environment.globals |= {"static": self.static_address, "address": address}
        environment.globals |= {"navigation": NAVIGATION, "is_within": is_within}
        return environment

    @cached_property
    def static(self) -> Mapping[str, tuple[bytes, str, str]]:
        """The files that pages load, by name: bytes, type and digest."""
        files = [path for path in (HERE / "static").iterdir() if path.suffix in STATIC_TYPES]
        contents = {path: path.read_bytes() for path in files}
        return {
            path.name: (body, STATIC_TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])
            for path, body in contents.items()
        }

    def static_address(self, name: str) -> str:
        """Where a file is loaded from; the address changes with its bytes, so that browsers may keep it."""
        return f"{PATH}/static/{name}?v={self.static[name][2]}"

    @cached_property
    def _policy(self) -> str:
        """The content security policy: the page's own origin, and that of the objects where they lie elsewhere."""
        sample = self.services.links.sign("x", now=datetime.now(UTC)).url
        parts = urlsplit(sample)
        own = sample.startswith(self.services.settings.public_url.rstrip("/"))
        objects = "'self'" if own else f"'self' {parts.scheme}://{parts.netloc}"
        return (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {objects} data:; media-src {objects}; "
            f"connect-src {objects}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for reading, which plans each statement for its own values.

        A plan that the server keeps for any value walks whole tables where one value would find its row by an index.
        """
        with self.services.database.connect() as connection:
            driver_connection(connection).prepare_threshold = None
            yield connection

    def link(self, key: str, filename: str | None = None) -> str:
        """Where a stored object is read, for a while; within this origin where the API serves it."""
        url = self.services.links.sign(key, now=datetime.now(UTC), filename=filename).url
        return url.removeprefix(self.services.settings.public_url.rstrip("/"))

    def show(self, request: Request, visitor: Visitor, page: Page) -> Response:
        """A page of parts."""
        return self.render(request, visitor, "page.html", page=page, title=page.title)

    def render(
        self,
        request: Request,
        visitor: Visitor | None,
        template: str,
        status: int = HTTPStatus.OK,
        **values: Any,  # noqa: ANN401 - what the template shows
    ) -> Response:
        """A page of a template of its own."""
        said = request.cookies.get(FLASH)
        html = self._templates.get_template(template).render(
            visitor=visitor,
            form_token=self.sessions.form_token(visitor) if visitor else "",
            path=request.url.path,
            query=dict(request.query_params),
            here=here(request),
            said=shown.said(said) if said else None,
            as_of=datetime.now(UTC),
            actions=self.actions,
            **values,
        )
        # A browser names the origin of a form only where the policy lets it name the page that it comes from.
        headers = {"Content-Security-Policy": self._policy, "Referrer-Policy": "same-origin"}
        response = HTMLResponse(html, status, headers=headers)
        if visitor and visitor.is_new:
            self.sessions.keep(response, visitor)
        if said and "hx-request" not in request.headers:
            response.delete_cookie(FLASH, path=PATH)
        return response

    def log_in_first(self, request: Request) -> Response:
        """Where somebody without a session goes, and from there back."""
        target = f"{PATH}/login?{urlencode({'next': here(request)})}"
        if "hx-request" in request.headers:
            return Response(status_code=HTTPStatus.OK, headers={"HX-Redirect": target})
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)

    def error(self, request: Request, status: int, detail: str) -> Response:
        """An error as a page."""
        return self.render(request, None, "error.html", status, title=HTTPStatus(status).phrase, detail=detail)


def here(request: Request) -> str:
    """This page's own address, without what comes from a form."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}" if request.method == "GET" else PATH


def address(*parts: object, **query: object) -> str:
    """An address below the pages' own; parts are escaped, and what is None or empty is left out of the query."""
    path = "/".join((PATH, *(quote(str(part), safe="") for part in parts)))
    known = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(known)}" if known else path


def local_target(text: str) -> str:
    """The page to go back to that a form names, if it is one of these; else the dashboard."""
    try:
        parts = urlsplit(text)
    except ValueError:  # no address at all
        return PATH
    is_ours = not parts.scheme and not parts.netloc and (parts.path == PATH or parts.path.startswith(f"{PATH}/"))
    return text if is_ours and "\\" not in text and text.isprintable() else PATH


def page_route(frame: Frame) -> type[ApiRoute]:
    """The class of the pages' routes: errors are shown as pages, and who is not logged in goes there first."""

    class PageRoute(ApiRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def shown_handler(request: Request) -> Response:
                request.scope["admin"] = frame
                try:
                    return await handle(request)
                except LoginNeededError:
                    return frame.log_in_first(request)
                except HTTPException as error:
                    return frame.error(request, error.status_code, str(error.detail))
                except RequestValidationError:
                    return frame.error(request, HTTPStatus.NOT_FOUND, "There is no such page")
                except sa.exc.DataError:  # a number that no column holds, a place in a list that nobody was given
                    detail = "The address or the form holds a value that cannot be stored or looked for"
                    return frame.error(request, HTTPStatus.BAD_REQUEST, detail)
                except OrchestrationError as error:
                    answer = next(one for one in ANSWERS if isinstance(error, one.error))
                    if answer.status is HTTPStatus.INTERNAL_SERVER_ERROR:
                        log.exception("page failed")
                    return frame.error(request, answer.status, str(error))
                except Exception:  # the last catch: the visitor is to see a page
                    log.exception("page failed")
                    detail = f"This should not have happened; the logs say more under {request.scope['request_id']}"
                    return frame.error(request, HTTPStatus.INTERNAL_SERVER_ERROR, detail)

            return shown_handler

    return PageRoute


def _visitor(request: Request) -> Visitor:
    frame: Frame = request.scope["admin"]
    visitor = frame.sessions.visitor(request)
    request.app.state.rates.take(visitor.caller.name)
    request.scope["caller"] = visitor.caller
    return visitor


Looking = Annotated[Visitor, Depends(_visitor)]
"""A parameter of every page: who looks. Each has the role read at least."""


def require_own_site(request: Request) -> None:
    """Raise `RefusedError` for a form that another site sent, as its browser says (Fetch Metadata)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise RefusedError("This form was not sent from here")


def require_own_form(frame: Frame, visitor: Visitor, token: str) -> None:
    """Raise `RefusedError` for a form that was not made for this browser."""
    if not frame.sessions.is_own_form(visitor, token):
        raise RefusedError("This form is too old or was not made here; go back, load the page again, and send it then")
