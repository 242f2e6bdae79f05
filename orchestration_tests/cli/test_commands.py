"""The list of commands: true, and made without loading any of them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestration.cli.commands import COMMANDS, loaded

if TYPE_CHECKING:
    from orchestration_tests.cli.conftest import Command

HEAVY = {"dagster", "sqlalchemy", "numpy", "PIL", "pandas", "alembic"}


@pytest.mark.parametrize("module", COMMANDS)
def test_the_list_names_what_each_module_has_with_the_first_line_of_its_help(module: str) -> None:
    assert {name: command.get_short_help_str(200) for name, command in loaded(module).items()} == COMMANDS[module]


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        (["--help"], HEAVY),
        (["no-such-command"], HEAVY),
        (["stl", "--help"], HEAVY - {"numpy"}),
    ],
)
def test_what_a_command_does_not_need_is_not_loaded(arguments: list[str], unneeded: set[str]) -> None:
    code = (
        "import sys\nfrom orchestration.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print('loaded', *{name.partition('.')[0] for name in sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    modules = ended.stdout.rpartition("loaded ")[2].split()
    assert "typer" in modules, ended.stderr
    assert unneeded.isdisjoint(modules)


def test_what_only_reads_does_without_dagster() -> None:
    names = set(COMMANDS) - {"code_server", "demo", "env_command", "migrate_command", "up"}
    code = f"""
import sys
from orchestration.cli.commands import loaded
for name in {sorted(names)}:
    loaded(name)
    assert {{"dagster", "pandas", "alembic"}}.isdisjoint(sys.modules), name
"""
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own program


def test_a_command_that_is_misspelt_is_answered_with_the_right_one(orchestration: Command) -> None:
    ended = orchestration("stetus")
    assert (ended.code, ended.out) == (2, "")
    assert "Did you mean 'status'" in ended.err
