"""The API keeps to its own OpenAPI, whatever it is sent: a few cases of each endpoint, by callers of each role.

Many more by hand, over a running API:
`st run http://127.0.0.1:3001/openapi.json -H "Authorization: Bearer KEY" -n 100`
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from orchestration.api.app import build_api
from orchestration.api.keys import Role, create_key
from orchestration_tests.storage.revision_rows import ROWS

if TYPE_CHECKING:
    from orchestration.services import Services

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_case_is_answered_in_a_way_that_is_not_documented(services: Services, base_url: str) -> None:
    for rows in ROWS.values():
        with services.database.begin() as connection:
            connection.connection.driver_connection.execute(rows)  # type: ignore[union-attr]  # psycopg's own
    with services.database.begin() as connection:
        keys = [create_key(connection, role.value, role)[1] for role in Role]
    schema = schemathesis.openapi.from_dict(build_api(services).openapi())
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) > 50
    for operation in operations:
        for mode in GenerationMode:

            @settings(
                max_examples=2, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
            )
            @given(case=operation.as_strategy(generation_mode=mode), key=st.sampled_from(keys))
            def answer(case: schemathesis.Case[Any], key: str) -> None:
                headers = {"Authorization": f"Bearer {key}"}
                case.call_and_validate(base_url=base_url, headers=headers, checks=CHECKS)

            with suppress(Unsatisfiable) if mode.is_negative else nullcontext():  # nothing in it can be wrong
                answer()
