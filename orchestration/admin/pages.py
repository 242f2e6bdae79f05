"""The admin pages, put together: logging in and out, files, forms, and the pages of each part of the product.

`router(domains)` is a mechanism of the API's app. Keep out: what each page shows.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Form
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from orchestration.admin.actions import ACTIONS
from orchestration.admin.canvas_pages import add_canvas_pages
from orchestration.admin.catalogue_pages import add_catalogue_pages
from orchestration.admin.dashboard import add_dashboard
from orchestration.admin.explain_page import add_explain_page
from orchestration.admin.family_page import add_family_page
from orchestration.admin.forms import answer_form
from orchestration.admin.frame import Frame, Looking, local_target, page_route, require_own_form, require_own_site
from orchestration.admin.gallery_pages import add_gallery_pages
from orchestration.admin.mockup_pages import add_mockup_pages
from orchestration.admin.preview_pages import add_preview_pages
from orchestration.admin.print_pages import add_print_pages
from orchestration.admin.queue_pages import add_queue_pages
from orchestration.admin.record_pages import add_record_pages
from orchestration.admin.search import add_search
from orchestration.admin.session import COOKIE, PATH
from orchestration.admin.supplier_page import add_supplier_page
from orchestration.admin.timeline import add_timeline
from orchestration.admin.trouble_pages import add_trouble_pages
from orchestration.api.access import count_address
from orchestration.errors import NotFoundError

if TYPE_CHECKING:
    from orchestration.domains import Domains

_ADDED = (
    add_dashboard,
    add_queue_pages,
    add_trouble_pages,
    add_catalogue_pages,
    add_family_page,
    add_supplier_page,
    add_print_pages,
    add_mockup_pages,
    add_preview_pages,
    add_gallery_pages,
    add_canvas_pages,
    add_record_pages,
    add_search,
    add_timeline,
    add_explain_page,
)


def router(domains: Domains) -> APIRouter:
    """The pages."""
    frame = Frame(domains, ACTIONS)
    pages = APIRouter(route_class=page_route(frame), include_in_schema=False)
    _add_files(pages, frame)
    _add_sessions(pages, frame)
    for add in _ADDED:
        add(pages, frame)
    _add_forms(pages, frame)
    return pages


def _add_files(pages: APIRouter, frame: Frame) -> None:
    @pages.get("/admin/static/{name}")
    def read_file(name: str) -> Response:
        if name not in frame.static:
            raise NotFoundError("There is no such file")
        body, mime, _ = frame.static[name]
        # Its address changes with its bytes.
        return Response(body, media_type=mime, headers={"Cache-Control": "public, max-age=31536000, immutable"})


def _add_sessions(pages: APIRouter, frame: Frame) -> None:
    counted = [Depends(count_address)]

    @pages.get("/admin/login", dependencies=counted)
    def show_login(request: Request, next: str = PATH) -> Response:  # noqa: A002 - the name in the address
        return frame.render(request, None, "login.html", title="Log in", problem=None, target=local_target(next))

    @pages.post("/admin/login", dependencies=counted)
    def log_in(
        request: Request,
        key: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = PATH,  # noqa: A002 - the name of the field
    ) -> Response:
        require_own_site(request)
        with frame.services.database.begin() as connection:
            visitor = frame.sessions.log_in(connection, key)
        if visitor is None:
            problem, target = "This key is wrong or revoked.", local_target(next)
            status = HTTPStatus.UNAUTHORIZED
            return frame.render(request, None, "login.html", status, title="Log in", problem=problem, target=target)
        response = RedirectResponse(local_target(next), HTTPStatus.SEE_OTHER)
        frame.sessions.keep(response, visitor)
        return response

    @pages.post("/admin/logout")
    def log_out(visitor: Looking, form_token: Annotated[str, Form()] = "") -> Response:
        require_own_form(frame, visitor, form_token)
        response = RedirectResponse(f"{PATH}/login", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE, path=PATH)
        return response


def _add_forms(pages: APIRouter, frame: Frame) -> None:
    @pages.post("/admin/do/{name}")
    def do(request: Request, visitor: Looking, name: str, form: Annotated[FormData, Depends(_form)]) -> Response:
        if name not in frame.actions:
            raise NotFoundError("There is no such action")
        answer = answer_form(frame, request, visitor, frame.actions[name], form)
        frame.bulk.wake()
        return answer

    @pages.get("/admin/{rest:path}")
    def nothing(visitor: Looking, rest: str) -> Response:  # noqa: ARG001 - the guard and the address
        raise NotFoundError("There is no such page")


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=2_000)
