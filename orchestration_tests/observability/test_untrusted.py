"""No word of a stranger does anything where it is shown."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.cli.output import note, print_json, print_table
from orchestration.observability.logs import configure_logging, get_logger
from orchestration.observability.untrusted import for_json_line, for_markdown, for_spreadsheet, for_terminal
from orchestration.runtime.metadata import markdown_table
from orchestration.storage.tabular import TableFormat, write_rows

ATTACKS = {
    "a title": "\x1b]0;owned\x07", "colours": "\x1b[31mred\x1b[0m", "one byte": "\x9b31m", "backwards": "\u202egnp.exe",
    "nothing": "a\u200bb", "a return": "fine\rfailed", "a bell": "\x07",
}  # fmt: skip
UNSEEN = set("\x1b\x07\x9b\u202e\u200b\r")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_command_hands_a_terminal_what_it_obeys(attack: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = ATTACKS[attack]
    print_table(text, ("name",), [(text,)])
    note(text)
    print_json({"name": text})
    captured = capsys.readouterr()
    assert not UNSEEN & set(captured.out + captured.err)
    assert json.loads(captured.out.splitlines()[-1]) == {"name": text}, "a program reads what it was"


def test_marks_of_the_terminal_library_are_letters(capsys: pytest.CaptureFixture[str]) -> None:
    note("[link=file:///etc/passwd]here[/link]")
    assert "[link=file:///etc/passwd]here[/link]" in capsys.readouterr().err


def test_a_log_line_is_as_harmless_and_says_the_same() -> None:
    stream = io.StringIO()
    configure_logging("INFO", stream)
    get_logger().info("read", name="\x9b31m\u202eGröße")
    assert not UNSEEN & set(stream.getvalue())
    assert json.loads(stream.getvalue())["name"] == "\x9b31m\u202eGröße"


@given(st.text())
def test_plain_text_stays_and_nothing_unseen_does(text: str) -> None:
    shown = for_terminal(text)
    assert not any(ord(sign) < 32 and sign not in "\t\n" for sign in shown)
    if text.isprintable():
        assert shown == text
    assert json.loads(for_json_line(json.dumps(text, ensure_ascii=False))) == text


@pytest.mark.parametrize("text", ["=1+1", "+cmd|'/c calc'!A0", "-2+3", "@SUM(A1)", "\t=1", " =1", "\uff1d1"])
def test_a_cell_is_no_formula(text: str) -> None:
    file = io.BytesIO()
    write_rows([{"name": text}], file, TableFormat.CSV, columns={"name": str})
    assert f"'{text}" in file.getvalue().decode()


@pytest.mark.parametrize("text", ["-5", "+3.2", "-1e5", "-10%", "Anna", "a=b", ""])
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    assert for_spreadsheet(text) == text


def test_markdown_of_strangers_loads_and_links_nothing() -> None:
    text = "![x](http://evil/x.png) <img src=x> [a](b) `c`\n# title"
    assert for_markdown(text) == "!\\[x\\](http://evil/x.png) \\<img src=x\\> \\[a\\](b) \\`c\\` # title"
    assert "![x]" not in markdown_table(("name",), [(text,)])
    assert markdown_table(("name",), [("a\\[b",)]).endswith("| a\\\\\\[b |")
