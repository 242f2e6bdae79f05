"""The documentation of the API: its OpenAPI with an example of each body and answer, and the page that lists it.

Made from the endpoints themselves. Keep out: what an endpoint does, which its docstring says, and the page's form
(`page`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse

from orchestration.api.keys import has_keys
from orchestration.api.page import PAGE_HEADERS, render_page
from orchestration.api.problems import PROBLEM_SCHEMA, Problem
from orchestration.errors import OrchestrationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

    from orchestration.services import Services

DESCRIPTION = """\
The asset factory over HTTP: supplier catalogues, print files, mockups, previews, the public gallery and the canvas.

A call that starts work writes a request and answers 202; Dagster does the work, and `/api/requests/{number}` shows how
far it is. Errors are problems of RFC 9457, whose `code` is the word for programs to go by.
"""
_SCHEMAS = PROBLEM_SCHEMA.removesuffix("Problem")


def document(app: FastAPI) -> None:
    """Give the app its OpenAPI document and the page."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_examples(
                get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            )
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it

    @app.get("/", include_in_schema=False)
    @app.get("/docs", include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(render_page(app.openapi(), access=_access(app.state.services)), headers=PAGE_HEADERS)


def _access(services: Services) -> str:
    """Who may call, in a sentence."""
    try:
        with services.database.connect() as connection:
            is_closed = has_keys(connection)
    except OrchestrationError:
        return "The database does not answer at the moment; who may call is known again when it does."
    if is_closed:
        return "Callers give an API key: Authorization: Bearer KEY. `orchestration api-keys create NAME` makes one."
    return (
        "There are no API keys, so only programs on this machine may call, with every right. "
        "`orchestration api-keys create NAME` makes a key and ends that."
    )


def _with_examples(openapi: dict[str, Any]) -> dict[str, Any]:
    """The same with the schema of problems, and an example beside every body and answer that is JSON."""
    schemas: dict[str, Any] = openapi["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
    schemas |= schemas["Problem"].pop("$defs")
    for operation in (one for path in openapi["paths"].values() for one in path.values()):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (media for body in bodies for media in body.get("content", {}).values()):
            example = _example(content.get("schema", {}), schemas)
            if example is not None and "examples" not in content:
                content.setdefault("example", example)
    return openapi


def _example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """The example of a schema; of a list or a page, one with the example of its items."""
    if name := schema.get("$ref", "").removeprefix(_SCHEMAS):
        return _example(schemas[name], schemas)
    if examples := schema.get("examples"):
        return examples[0]
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    properties = schema.get("properties", {})
    if {"items", "next"} == properties.keys():
        return {"items": [_example(properties["items"]["items"], schemas)], "next": None}
    return None
