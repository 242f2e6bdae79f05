"""Tables hold what people copy from them, in a terminal of any width and in a pipe."""

from __future__ import annotations

from io import StringIO

import pytest

from orchestration.cli import output

_ROWS = [(one, f"PER-KEY3D-STY{one}-Y3D", f"http://127.0.0.1:3001/objects/{'a' * 90}{one}") for one in range(3)]


def test_in_a_pipe_each_row_is_one_line_with_all_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table("Prints", ("task", "SKU", "link"), _ROWS)
    lines = capsys.readouterr().out.splitlines()
    for row in _ROWS:
        assert any(all(str(cell) in line for cell in row) for line in lines), row


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_narrow_terminal_breaks_long_cells_and_loses_none_of_them(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = StringIO()
    terminal = output.SafeConsole(file=shown, force_terminal=True, width=columns, color_system=None, highlight=False)
    monkeypatch.setattr(output, "console", lambda: terminal)
    output.print_table("Prints", ("task", "SKU", "link"), _ROWS)
    text = shown.getvalue()
    assert max(map(len, text.splitlines())) <= columns
    assert text.count("a") == sum(str(row).count("a") for row in _ROWS) + "task".count("a")
