"""Forms: what can be done on the pages, each under a role, asked with its numbers where it destroys, and recorded.

One mechanism for all of them: a form posts to `/admin/do/ACTION`; an action with a question is asked first, with what
it would touch; then it is done in one transaction with its line in the audit. Keep out: the actions (`actions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import RedirectResponse

from orchestration.admin import shown
from orchestration.admin.audit import Deed, record_action
from orchestration.admin.frame import FLASH, local_target, require_own_form
from orchestration.admin.session import PATH
from orchestration.api.models import LARGEST_NUMBER
from orchestration.errors import InvalidInputError, NotFoundError, OrchestrationError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import sqlalchemy as sa
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from orchestration.admin.frame import Frame
    from orchestration.admin.session import Visitor
    from orchestration.api.keys import Role
    from orchestration.domains import Domains

# What forms carry beside an action's arguments.
_OWN = {"form_token", "back", "confirmed"}
LONGEST_VALUE, MOST_VALUES = 4_000, 1_000


class Doing(NamedTuple):
    """What an action works with: the transaction, the product, and who asks."""

    connection: sa.Connection
    domains: Domains
    visitor: Visitor
    request_id: str
    values: Mapping[str, Sequence[str]]

    @property
    def by(self) -> str:
        """In whose name it is done."""
        return f"admin:{self.visitor.caller.name}"

    def one(self, name: str) -> str:
        """An argument; raises `NotFoundError` without it."""
        found = self.values.get(name)
        if not found or not found[0]:
            raise NotFoundError(f"The form does not say which {name.replace('_', ' ')}")
        return found[0]

    def number(self, name: str) -> int:
        """An argument that is the number of a row; raises `InvalidInputError` for what is none."""
        text = self.one(name)
        if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_NUMBER))):
            raise InvalidInputError(f"{text[:40]!r} is no number of a {name.replace('_', ' ')}; take one from its page")
        return int(text)

    def maybe(self, name: str) -> str | None:
        """An argument that may be left out."""
        found = self.values.get(name)
        return found[0] if found and found[0] else None


class Done(NamedTuple):
    """What an action did, in a sentence; and the page to go to, unless it is that of the form."""

    message: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """Something that the form asks for."""

    name: str
    label: str
    options: Sequence[str] = ()
    is_required: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done. `target` names the kind of thing that it is done to; `question` asks first.

    `named_by` is the argument that says which one, where that has another name than the kind.
    """

    name: str
    label: str
    role: Role
    target: str
    act: Callable[[Doing], Done]
    question: Callable[[Doing], str] | None = None
    fields: Sequence[Field] = ()
    is_harmful: bool = False
    named_by: str | None = None


class _Posted(NamedTuple):
    """A form that was sent, by whom, and where it came from."""

    frame: Frame
    request: Request
    visitor: Visitor
    action: Action
    values: Mapping[str, Sequence[str]]
    back: str

    @property
    def request_id(self) -> str:
        return str(self.request.scope["request_id"])

    def doing(self, connection: sa.Connection) -> Doing:
        return Doing(connection, self.frame.domains, self.visitor, self.request_id, self.values)

    def deed(self, outcome: str, message: str) -> Deed:
        named = self.values.get(self.action.named_by or self.action.target, [""])
        target = f"{self.action.target}:{named[0]}"
        return Deed(self.action.name, target, self.values, outcome, message, self.request_id)


def answer_form(frame: Frame, request: Request, visitor: Visitor, action: Action, form: FormData) -> Response:
    """Do what a form asks for, or ask back; raises `RefusedError` without the role or for another's form."""
    if not visitor.may(action.role):
        raise RefusedError(f"{visitor.caller.name} has the role {visitor.caller.role}; this needs {action.role}")
    require_own_form(frame, visitor, str(form.get("form_token", "")))
    posted = _Posted(frame, request, visitor, action, _values(form), local_target(str(form.get("back", PATH))))
    if action.question is not None and form.get("confirmed") != "yes":
        return _ask(posted, action.question)
    return _do(posted)


def _values(form: FormData) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in form.multi_items()[:MOST_VALUES]:
        if name not in _OWN and isinstance(value, str):
            values.setdefault(name, []).append(value.replace("\0", "").strip()[:LONGEST_VALUE])
    return values


def _ask(posted: _Posted, ask: Callable[[Doing], str]) -> Response:
    try:
        with posted.frame.services.database.begin() as connection:
            question = ask(posted.doing(connection))
    except OrchestrationError as error:
        return _back(posted.back, str(error), is_good=False)
    return posted.frame.render(
        posted.request,
        posted.visitor,
        "confirm.html",
        title=posted.action.label,
        action=posted.action,
        question=question,
        values=posted.values,
        back=posted.back,
    )


def _do(posted: _Posted) -> Response:
    database = posted.frame.services.database
    try:
        with database.begin() as connection:
            done = posted.action.act(posted.doing(connection))
            record_action(connection, posted.visitor, posted.deed("done", done.message))
    except OrchestrationError as error:
        with database.begin() as connection:
            record_action(connection, posted.visitor, posted.deed("refused", str(error)))
        return _back(posted.back, str(error), is_good=False)
    return _back(done.href or posted.back, done.message, is_good=True)


def _back(target: str, message: str, *, is_good: bool) -> Response:
    response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    said = shown.say(message, is_good=is_good)
    response.set_cookie(FLASH, said, max_age=60, path=PATH, httponly=True, samesite="lax")
    return response
