"""The README tells the truth: every setting and every command is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic_core import PydanticUndefined
from typer.main import get_command

from orchestration.cli.main import app
from orchestration.settings import Settings

README = Path(__file__).parents[1] / "README.md"
START, END = "| --- | --- | --- |\n", "<!-- end of settings -->"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return str(alias.choices[-1]) if isinstance(alias, AliasChoices) else f"ORCHESTRATION_{name.upper()}"


def settings_table() -> str:
    """The rows of the settings table, as the code has them."""
    rows = []
    for name, field in Settings.model_fields.items():
        assert field.default is not PydanticUndefined
        default = ", ".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
        shown = "" if default in {None, ""} else f"`{default}`"
        rows.append(f"| `{variable(name)}` | {shown} | {field.description} |\n")
    return "".join(rows)


def test_the_settings_table_is_that_of_the_code() -> None:
    text = README.read_text(encoding="utf-8")
    written = text[text.index(START, text.index("<!-- settings")) + len(START) : text.index(END)]
    assert written == settings_table(), f"The table should read:\n{settings_table()}"


def commands() -> list[str]:
    """Every command, as it is typed."""
    root = get_command(app)
    names = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]  # typer gives a group for several commands
        names += [f"{name} {child}" for child in getattr(command, "commands", {})] or [name]
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme(command: str) -> None:
    group, _, child = command.partition(" ")
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if f"`orchestration {group}" in line]
    assert any(child in line for line in lines)
