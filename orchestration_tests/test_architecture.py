"""The rules of the design that no linter knows, read from the code itself."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import orchestration
from orchestration_tests.balance import LONG

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGE = Path(orchestration.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
# A revision is written once, for one moment of the schema, and grows with nothing but tables.
WRITTEN = [module for module in MODULES if "migrations/versions/" not in module]

DAGSTER_ROOMS = ("runtime/", "cli/", "assembly.py", "definitions.py")
READERS_OF_THE_ENVIRONMENT = {
    # It sets what numpy reads when it is loaded.
    "__init__.py",
    "settings/settings.py",
    "runtime/instance.py",
}
DOMAINS = ("catalogue", "prints", "mockups", "gallery", "canvas", "previews")
# Which domain may use another's model.
ALLOWED = {("mockups", "catalogue")}

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
LONGEST_DAGSTER_BODY = 25
DAGSTER_DECORATORS = {"asset", "domain_asset", "op", "sensor", "run_status_sensor", "schedule", "asset_check"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module of the package."""
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def functions(module: str) -> Iterator[Function]:
    """All functions and methods, nested ones too."""
    return (node for node in ast.walk(parsed(module)) if isinstance(node, Function))


def imported(module: str) -> set[str]:
    """The dotted names that a module imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return names


def roots(names: Iterable[str]) -> set[str]:
    """The first parts of dotted names."""
    return {name.partition(".")[0] for name in names}


def is_dagster_room(module: str) -> bool:
    """Whether a module may import Dagster."""
    return module.startswith(DAGSTER_ROOMS) or "defs" in Path(module).parts or module.endswith("defs.py")


def body_length(function: Function) -> int:
    """The lines of a function's body, without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def decorators(function: Function) -> set[str]:
    """The last parts of the names of a function's decorators."""
    calls = (node.func if isinstance(node, ast.Call) else node for node in function.decorator_list)
    return {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in calls}


def test_the_rules_look_at_the_whole_package() -> None:
    assert {"settings/settings.py", "catalogue/defs/feed.py", "runtime/recording.py"} <= set(MODULES)


def test_dagster_is_imported_at_the_edge_only() -> None:
    users = {module for module in MODULES if any(root.startswith("dagster") for root in roots(imported(module)))}
    assert [module for module in sorted(users) if not is_dagster_room(module)] == []
    assert "catalogue/defs/feed.py" in users


def test_the_environment_is_read_in_the_settings_only() -> None:
    def touches(module: str) -> bool:
        used = {node.attr for node in ast.walk(parsed(module)) if isinstance(node, ast.Attribute)}
        return bool({"environ", "getenv", "putenv"} & used) or bool({"os.environ", "os.getenv"} & imported(module))

    assert {module for module in MODULES if touches(module)} <= READERS_OF_THE_ENVIRONMENT


def test_no_domain_imports_another_and_shared_code_imports_none() -> None:
    wrong = []
    for module in MODULES:
        own = module.partition("/")[0]
        if own in {"cli", "demo", "api", "admin", "metrics", "assembly.py", "domains.py"}:
            continue
        for name in imported(module):
            package, _, rest = name.partition(".")
            used = rest.partition(".")[0]
            if package == "orchestration" and used in DOMAINS and used != own and (own, used) not in ALLOWED:
                wrong.append((module, name))
    assert wrong == []


def test_no_function_is_longer_than_sixty_lines() -> None:
    lengths = {
        f"{module}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for module in WRITTEN
        for node in functions(module)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    lengths = {module: len((PACKAGE / module).read_text(encoding="utf-8").splitlines()) for module in WRITTEN}
    assert {module: length for module, length in lengths.items() if length > LONGEST_FILE} == {}


def test_bodies_that_dagster_calls_are_thin() -> None:
    lengths = {
        f"{module}: {node.name}": body_length(node)
        for module in MODULES
        for node in functions(module)
        if decorators(node) & DAGSTER_DECORATORS
    }
    assert len(lengths) > 5
    assert {name: length for name, length in lengths.items() if length > LONGEST_DAGSTER_BODY} == {}


def test_every_module_begins_with_what_it_is() -> None:
    first_lines = {module: (ast.get_docstring(parsed(module)) or "").partition("\n")[0] for module in MODULES}
    assert {module: line for module, line in first_lines.items() if not line.endswith(".")} == {}


# Modules of one fact or one list, for which there is nothing to tell apart.
SELF_EVIDENT = {
    "__main__.py",
    "definitions.py",
    "cli/options.py",
    "cli/system_commands.py",
    "cli/catalogue_commands.py",
    "demo/kinds.py",
    "demo/lines_a23.py",
    "demo/lines_a360.py",
    "demo/lines_a461.py",
    "demo/palette.py",
    "prints/solid/stl.py",
    "prints/solid/threemf.py",
    "runtime.partitions.py",
    "storage/migrations/env.py",
}


def test_module_docstrings_say_what_to_keep_out() -> None:
    told = [" ".join((ast.get_docstring(parsed(module)) or "").split()) for module in WRITTEN]
    silent = {
        module
        for module, text in zip(WRITTEN, told, strict=True)
        if "Keep out: " not in text and not module.endswith("__init__.py")
    }
    assert silent - SELF_EVIDENT == set()


def test_no_module_is_a_drawer() -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "constants", "types"}
    assert [module for module in MODULES if Path(module).stem in drawers] == []


def test_public_functions_and_classes_have_a_docstring() -> None:
    silent = [
        f"{module}: {node.name}"
        for module in MODULES
        for node in parsed(module).body
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
        if ast.get_docstring(node) is None
    ]
    assert silent == []


# What programs around this package call: the writers of the history, the next domains' intake and letters.
PUBLIC = {
    "gallery/history.py": {"hard_delete", "save_users", "set_visibility", "soft_delete"},
    "lettering/paragraph.py": {"SANS_BOLD"},
    "media/intake.py": {"take_in"},
    "storage/row_counts.py": {"read_row_counts"},
}
# Objects that register themselves where they are made, and names that Python or a process looks up.
SELF_REGISTERED = {
    "gallery/tables.py": {"revision_number"},
    "rendering/forked.py": {"_OWN"},
    "runtime/instance_storage.py": {"InstanceStorage"},  # in dagster.yaml
    "settings/__init__.py": {"__all__"},
    "work_queue/tables.py": {"worker_number"},
}


# What docstrings put in brackets and code marks though it is no module.
NOT_MODULES = {"nl", "os.setsid"}


def top_level_names(module: str) -> set[str]:
    """The functions, classes and values that a module defines."""
    names: set[str] = set()
    for node in parsed(module).body:
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_the_package_uses_every_name_that_it_defines() -> None:
    texts = [(PACKAGE / module).read_text(encoding="utf-8") for module in MODULES]
    occurrences = Counter(word for text in texts for word in re.findall(r"\w+", text))
    unused = {
        f"{module}: {name}"
        for module in MODULES
        if "migrations" not in module
        for name in top_level_names(module) - PUBLIC.get(module, set()) - SELF_REGISTERED.get(module, set())
        if occurrences[name] < 2
    }
    assert unused == set()


def test_every_module_that_a_docstring_points_to_exists() -> None:
    known = {part for module in MODULES for part in Path(module).with_suffix("").parts}
    names = {name for module in MODULES for name in top_level_names(module)}
    lost = {
        f"{module}: {pointed}"
        for module in MODULES
        for pointed in re.findall(r"\(`([a-z_.]+)`(?:, `[a-z_.]+`)*\)", ast.get_docstring(parsed(module)) or "")
        if pointed not in NOT_MODULES and pointed.removesuffix(".py").rpartition(".")[2] not in known | names
    }
    assert lost == set()


def test_the_tests_that_begin_first_exist() -> None:
    assert [name for name in LONG if not (Path(__file__).parent / name).is_file()] == []
