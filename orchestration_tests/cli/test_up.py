"""`orchestration up`: all processes of the factory, over an embedded database, from the start to Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it brings no types
import requests

from orchestration.cli import samples, up
from orchestration.demo import feed as sample_feed
from orchestration.demo.days import NEXT_DAY
from orchestration.errors import StoppedError
from orchestration.rendering.process_tree import kill_tree
from orchestration.settings import Settings
from orchestration_tests.cli.feed_folder import FeedFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

LOCATION = """{ workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError {
    __typename ... on RepositoryLocation { repositories { name sensors { name } } } } } } } }"""


def test_it_starts_everything_runs_what_is_launched_and_leaves_nothing_when_it_ends(
    unused_tcp_port_factory: Callable[[], int], tmp_path: Path
) -> None:
    feed = FeedFolder(tmp_path / "feed")
    environment = {**os.environ, "ORCHESTRATION_HOME": str(tmp_path / "home"), "PROMIDATA_BASE_URL": feed.url}
    ui, api = unused_tcp_port_factory(), unused_tcp_port_factory()
    command = [sys.executable, "-m", "orchestration", "up", "--port", str(ui), "--api-port", str(api)]
    said = tmp_path / "said"
    with said.open("wb") as file:
        system = subprocess.Popen(command, env=environment, stderr=file)  # noqa: S603 - our own
    try:
        wait_for(said, "ready; Ctrl-C stops everything")
        answer = requests.post(f"http://127.0.0.1:{ui}/graphql", json={"query": LOCATION}, timeout=30).json()
        (entry,) = answer["data"]["workspaceOrError"]["locationEntries"]
        (repository,) = entry["locationOrLoadError"]["repositories"]
        assert entry["name"] == "orchestration"
        assert "catalogue_feed_sensor" in {sensor["name"] for sensor in repository["sensors"]}
        assert requests.get(f"http://127.0.0.1:{api}/healthz", timeout=30).json()["status"] == "ok"
        wait_for(said, "run        gallery")
        others = [*command[:4], "--port", str(unused_tcp_port_factory()), "--api-port", str(unused_tcp_port_factory())]
        second = subprocess.run(others, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        assert (second.returncode, second.stderr.count("\n")) == (2, 1)
        assert "`orchestration up` runs in" in second.stderr
        started = psutil.Process(system.pid).children(recursive=True)
        assert any("forkserver" in process.cmdline()[-1] for process in started)  # and not one Python a run
        system.send_signal(signal.SIGTERM)
        assert system.wait(60) == 0, said.read_text()
        assert not [process for process in started if process.is_running()]
    finally:
        kill_tree(system.pid)
    lines = said.read_text()
    assert lines.endswith("Everything has stopped\n")
    assert "Traceback" not in lines


def test_samples_are_loaded_until_all_of_them_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    endings: Iterator[bool | StoppedError] = iter([StoppedError("Ctrl-C"), False, True])
    loaded: list[Path] = []

    def load_all(_settings: Settings, root: Path, base_url: str) -> bool:
        loaded.append(root)
        sample_feed._replace(root / sample_feed.IMPORT_PATH, b"the first that is written")
        ending = next(endings)
        if isinstance(ending, StoppedError):
            raise ending
        sample_feed._replace(root / sample_feed._WRITTEN, sample_feed._mark(NEXT_DAY, base_url))
        return ending

    monkeypatch.setattr(samples, "load_all", load_all)
    for _ in range(4):
        with suppress(StoppedError), ExitStack() as stack:
            up._sample(stack, Settings(home=tmp_path), unused_tcp_port)
    assert loaded == [tmp_path / "sample-feed"] * 3


def wait_for(said: Path, words: str) -> None:
    """Wait until the command has said so."""
    deadline = time.monotonic() + 120
    while words not in said.read_text():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)
