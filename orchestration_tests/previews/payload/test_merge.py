"""One template and a table make many payloads; what is missing is named by its path."""

from __future__ import annotations

import pytest

from orchestration.errors import InvalidInputError
from orchestration.previews.payload.merge import merge, read_table
from orchestration.previews.payload.reading import read_payload
from orchestration_tests.previews.payloads import small

TEMPLATE = small(
    "mug-{{ order }}", title="For {{name}}", steps=[{"text": "{{name}} of {{city|nowhere}}", "durationMs": 500}]
)


def test_each_row_becomes_a_valid_payload() -> None:
    rows = read_table("\ufefforder;name;city\n7;Zoë;Łódź\n8;Ben;\n".encode())
    first, second = merge(TEMPLATE, rows)
    assert first.document is not None
    assert second.document is not None
    job = read_payload(first.document)
    assert (job.job_id, job.preview_request.title) == ("mug-7", "For Zoë")
    assert job.preview_request.steps[0].text == "Zoë of Łódź"
    assert second.document["previewRequest"]["steps"][0]["text"] == "Ben of nowhere"


def test_a_missing_column_and_an_empty_cell_are_named_by_the_field_that_wants_them() -> None:
    without_column, empty = merge(TEMPLATE, [{"order": "7"}, {"order": "8", "name": "  "}])
    assert without_column.error is not None
    assert [fault.path for fault in without_column.error.faults] == [
        "$.previewRequest.title", "$.previewRequest.steps[0].text",
    ]  # fmt: skip
    assert empty.error is not None
    assert "empty cell" in empty.error.faults[0].problem
    assert empty.line == 3


def test_a_template_without_a_field_in_its_id_numbers_the_jobs() -> None:
    merged = merge(small("mug"), [{}, {}])
    assert [one.document and one.document["jobId"] for one in merged] == ["mug-0001", "mug-0002"]


def test_a_cell_is_text_and_never_a_field_itself() -> None:
    [one] = merge(TEMPLATE, [{"order": "1", "name": "{{city}}", "city": "Rome"}])
    assert one.document is not None
    assert one.document["previewRequest"]["title"] == "For {{city}}"


@pytest.mark.parametrize("body", [b"", b"\xff\xfea,b\n", b"a,a\n1,2\n"])
def test_what_is_no_table_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_table(body)
