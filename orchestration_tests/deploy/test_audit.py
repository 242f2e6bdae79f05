"""The audit of the lock: what it says of a vulnerability with a fix, of one without, of one that is accepted."""

from __future__ import annotations

import json
import runpy
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestration_tests.http_server import Request, serving_with

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).parents[2] / "deploy/audit/audit.py"
LOCK = "harmless==1.0 \\\n    --hash=sha256:00\nslow==2.0 ; python_version < '4' \\\n    --hash=sha256:00\n"
ACCEPTED = '[HARM-1]\nreason = "only with a setting that we never make"\n'


@contextmanager
def knowing(fixed: str | None) -> Iterator[str]:
    """A service that knows of one vulnerability, as OSV answers; its URL."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    affected = [{"package": {"ecosystem": "PyPI", "name": "slow"}, "ranges": ranges}]
    known = {"id": "HARM-1", "modified": "2026-01-01T00:00:00Z", "summary": "it is slow", "affected": affected}

    def answer(request: Request) -> tuple[int, bytes]:
        found = {"vulns": [{"id": known["id"], "modified": known["modified"]}]}
        queries = [(query["package"]["name"], query["version"]) for query in json.loads(request.body)["queries"]]
        return 200, json.dumps({"results": [found if query == ("slow", "2.0") else {} for query in queries]}).encode()

    with serving_with(lambda _: (200, json.dumps(known).encode()), answer) as host:
        yield f"http://{host}"


def audit(folder: Path, url: str, accepted: str = "") -> int:
    """The exit code."""
    (folder / "lock").write_text(LOCK)
    (folder / "accepted.toml").write_text(accepted)
    code: int = runpy.run_path(str(SCRIPT))["main"](
        ["--service-url", url], lock=folder / "lock", accepted=folder / "accepted.toml"
    )
    return code


def test_a_vulnerability_fails_unless_it_has_no_fix_and_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with knowing(fixed=None) as url:
        assert audit(tmp_path, url) == 1
        assert "slow 2.0 has 1 known vulnerability" in capsys.readouterr().out
        assert audit(tmp_path, url, ACCEPTED) == 0
    with knowing(fixed="2.1") as url:
        assert audit(tmp_path, url, ACCEPTED) == 1
        assert "Fixed in: 2.1" in capsys.readouterr().out


def test_nothing_is_accepted_without_a_reason(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="HARM-1 has no reason"):
        audit(tmp_path, "http://127.0.0.1:1", '[HARM-1]\nreason = " "\n')


def test_where_nobody_answers_that_is_said_and_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = "2 packages were not audited: nobody answers who knows of vulnerabilities\n"
    assert audit(tmp_path, "http://127.0.0.1:1") == 0
    assert capsys.readouterr().out == told
    with serving_with() as refusing:
        assert audit(tmp_path, f"http://{refusing}") == 0
    assert capsys.readouterr().out == told
