"""Commands print any text, also where the locale has an encoding of few characters."""

from __future__ import annotations

import io
import json

import pytest

from orchestration.cli.output import print_json, print_table

TEXT = "Zoë, 日本, 💖…"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_table_is_printed_in_any_encoding_and_json_in_utf_8(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    print_table("Names", ("name",), [(TEXT,)])
    print_json({"name": TEXT})
    *table, line = written.getvalue().splitlines()
    assert b"Zo" in b"".join(table)
    assert json.loads(line) == {"name": TEXT}
