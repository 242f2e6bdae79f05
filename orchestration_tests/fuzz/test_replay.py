"""Every case that was ever found, or made by hand to do harm, is given to its target again.

`corpus/TARGET` holds a file for each, named after what it shows. The fuzzers begin with them too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestration.services import Services
from orchestration_tests.fuzz.table import TARGETS
from orchestration_tests.fuzz.target import FindingError, Target, attempt, expect
from orchestration_tests.fuzz.targets import prints, words
from orchestration_tests.fuzz.targets.api import Door, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = Path(__file__).with_name("corpus")
API = "api"


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    """Let go of what the targets have drawn; the library of solids complains of what is left at the end."""
    yield
    prints.renderer.cache_clear()
    words.fonts.cache_clear()


def cases(name: str) -> list[bytes]:
    """The kept cases of a target."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


@pytest.mark.parametrize("name", sorted(set(TARGETS) - {API}))
def test_no_case_is_a_finding(name: str) -> None:
    target = TARGETS[name]
    first_seeds = [seed for seed, _ in zip(target.seeds(), range(3), strict=False)]
    for case in (*first_seeds, *cases(name)):
        attempt(target, case)


def test_no_request_is_answered_by_an_error_of_the_server(database_url: str, tmp_path: Path) -> None:
    services = Services(settings_of(database_url, tmp_path))
    door = Door(services)
    for case in cases(API):
        door.ask(case)
    door.close()
    services.close()


def test_each_folder_of_cases_has_its_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} <= set(TARGETS)


def test_an_error_that_is_not_declared_is_a_finding() -> None:
    def run(data: bytes) -> None:
        if data == b"allowed":
            raise ValueError
        expect(data != b"broken", "a promise is kept")
        raise KeyError

    target = Target("made", run, list, declared=(ValueError,))
    attempt(target, b"allowed")
    with pytest.raises(FindingError, match="a promise is kept"):
        attempt(target, b"broken")
    with pytest.raises(KeyError):
        attempt(target, b"other")
