"""The README tells the truth: every setting and every command is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from orchestration.cli.commands import COMMANDS, loaded
from orchestration.settings import Settings
from orchestration.settings.fields import variables_of

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- settings: made from orchestration/settings, kept true by a test -->\n", "<!-- end of settings -->"
MIX_INS = [base for base in Settings.__bases__ if issubclass(base, BaseModel) and base is not BaseSettings]


def row(name: str) -> str:
    """A setting's line in its table."""
    field = Settings.model_fields[name]
    assert field.default is not PydanticUndefined
    default = ", ".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
    shown = "" if default in {None, ""} else f"`{default}`"
    variables = ", ".join(f"`{variable}`" for variable in variables_of(name, field))
    return f"| {variables} | {shown} | {field.description} |\n"


def section(mix_in: type[BaseModel]) -> str:
    """One domain's settings, folded."""
    title = (mix_in.__doc__ or "").partition("\n")[0]
    rows = "".join(map(row, mix_in.model_fields))
    return (
        f"<details>\n<summary>{title}</summary>\n\n"
        f"| variable | default | meaning |\n| --- | --- | --- |\n{rows}\n</details>\n\n"
    )


def test_the_settings_are_those_of_the_code_by_domain() -> None:
    text = README.read_text(encoding="utf-8")
    written = text[text.index(START) + len(START) : text.index(END)]
    expected = "\n" + "".join(map(section, MIX_INS))
    assert written == expected, f"The settings should read:\n{expected}"


def test_every_setting_stands_in_the_mix_in_of_a_domain() -> None:
    assert sum(len(mix_in.model_fields) for mix_in in MIX_INS) == len(Settings.model_fields)


def commands() -> list[str]:
    """Every command, as it is typed."""
    names = []
    for module in COMMANDS:
        for name, command in loaded(module).items():
            names += [f"{name} {child}" for child in getattr(command, "commands", {})] or [name]
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_is_in_the_readme(command: str) -> None:
    group, _, child = command.partition(" ")
    lines = [line for line in README.read_text(encoding="utf-8").splitlines() if f"`orchestration {group}" in line]
    assert any(child in line for line in lines)
