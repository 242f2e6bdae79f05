"""The documentation of the API: its OpenAPI, and the page that lists it at `/`.

Made from the endpoints themselves. Keep out: what an endpoint does, which its docstring says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi

from orchestration.api.problems import Problem

if TYPE_CHECKING:
    from fastapi import FastAPI

DESCRIPTION = """\
The asset factory over HTTP: supplier catalogues, print files, mockups, previews, the public gallery and the canvas.

A call that starts work writes a request and answers 202; Dagster does the work, and `/api/requests/{id}` tells how far
it is. Errors are problems of RFC 9457, whose `code` is the word for programs to go by.
"""


def document(app: FastAPI) -> None:
    """Give the app its OpenAPI document and the page."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = app.openapi_schema["components"]["schemas"]
            schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schemas["Problem"].pop("$defs")
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation has it
