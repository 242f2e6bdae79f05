"""Previews under load: POSTs at 200 a second, the end of a cancelled rendering, and a drain's memory over 500 jobs.

    python -m orchestration_tests.benchmarks.previews_load

The API runs as its own process and the caller in this one, which sends by the clock and not by the answers: a request
that was sent late is measured from when it was due. Keep out: the cost of a film (`previews`).
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import psutil  # type: ignore[import-untyped]  # it brings no types
from sqlalchemy.engine import make_url

from orchestration.api.keys import Role, create_key
from orchestration.previews.film.film import make_film
from orchestration.previews.jobs.states import JobState
from orchestration.previews.previews import Previews
from orchestration.services import Services
from orchestration.settings import Settings
from orchestration_tests.conftest import fresh_database, make_template, migrate_database
from orchestration_tests.previews.draining import counts, found, sleepers, start_drain, wait_until
from orchestration_tests.previews.making import make_for_ever
from orchestration_tests.previews.payloads import small
from orchestration_tests.server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PER_SECOND, SECONDS, WARM_SECONDS = 200, 15, 3
JOBS, SAMPLED = 500, 50
CANCELS = 12
ROOMY = 10_000


class Answer(NamedTuple):
    """An answer: its status, and the seconds from when its request was due."""

    status: int
    seconds: float


@contextmanager
def empty_settings() -> Iterator[Settings]:
    """Settings over an empty database, whose queue of previews has room."""
    with tempfile.TemporaryDirectory() as name, running_server() as text:
        server = make_url(text)
        template = make_template(server, "benchmark_previews_load", migrate_database)
        with fresh_database(server, template) as url:
            objects = (Path(name) / "objects").as_uri()
            yield Settings(home=Path(name), database_url=url, object_store=objects, preview_queue_max=ROOMY)


@contextmanager
def running_api(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """`orchestration api` with room for the load; its URL and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "ORCHESTRATION_HOME": str(settings.home),
        "ORCHESTRATION_DATABASE_URL": str(settings.database_url),
        "ORCHESTRATION_API_REQUESTS_PER_SECOND": str(ROOMY),
        "PREVIEW_QUEUE_MAX": str(ROOMY),
    }
    command = [sys.executable, "-m", "orchestration", "api", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own
        try:
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


async def load(base_url: str, key: str, api: psutil.Process) -> tuple[list[Answer], float]:
    """Send new jobs at a steady pace; the answers after the warm-up, and the API's CPU seconds for all."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(base_url, headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        await _wait_for(session)
        before = sum(api.cpu_times()[:2])
        start = asyncio.get_running_loop().time()
        sending = []
        for number in range(PER_SECOND * (SECONDS + WARM_SECONDS)):
            due = start + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            sending.append(asyncio.create_task(_post(session, small(f"load-{number}", dry_run=True), due)))
        answers = await asyncio.gather(*sending)
        return answers[PER_SECOND * WARM_SECONDS :], sum(api.cpu_times()[:2]) - before


async def _post(session: aiohttp.ClientSession, document: dict[str, Any], due: float) -> Answer:
    async with session.post("/api/preview/job", json=document) as answer:
        await answer.read()
        return Answer(answer.status, asyncio.get_running_loop().time() - due)


async def _wait_for(session: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with session.get("/healthz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.2)


def posts() -> None:
    """How long a POST of a new job takes."""
    with empty_settings() as settings:
        services = Services(settings)
        with services.database.begin() as connection:
            _, key = create_key(connection, "load", Role.ENQUEUE)
        services.close()
        with running_api(settings) as (base_url, api):
            answers, cpu = asyncio.run(load(base_url, key, api))
    cuts = statistics.quantiles([answer.seconds for answer in answers], n=100)
    total = PER_SECOND * (SECONDS + WARM_SECONDS)
    print(
        f"POST of a job at {PER_SECOND} a second: p50 {1000 * cuts[49]:.1f} ms, p99 {1000 * cuts[98]:.1f} ms, "
        f"{1000 * cpu / total:.2f} ms of CPU each; answers {dict(Counter(answer.status for answer in answers))}"
    )


def cancels() -> None:
    """How long until a rendering that was cancelled has ended, with its processes and its files."""
    with empty_settings() as settings:
        services = Services(settings)
        previews = Previews(services)
        previews.submit(small("cancelled-0"))
        drain = start_drain(settings.model_copy(update={"preview_concurrency": 1}), make_for_ever)
        took = sorted(_cancelled(previews, number) for number in range(CANCELS))
        previews.cancel(f"cancelled-{CANCELS}")
        drain.join()
        services.close()
    print(f"end of a cancelled rendering: p50 {took[CANCELS // 2]:.2f} s, worst of {CANCELS} {took[-1]:.2f} s")


def _cancelled(previews: Previews, number: int) -> float:
    """Cancel a rendering that has begun, with another waiting for its place."""
    job_id = f"cancelled-{number}"
    wait_until(lambda: found(previews, job_id).percent > 0)
    previews.submit(small(f"cancelled-{number + 1}"))
    before = set(sleepers())
    asked = time.perf_counter()
    previews.cancel(job_id)
    wait_until(lambda: found(previews, job_id).state is JobState.CANCELLED and not before & set(sleepers()))
    return time.perf_counter() - asked


def memory() -> None:
    """What a drain and its render processes hold after each `SAMPLED` jobs of `JOBS`."""
    with empty_settings() as settings:
        services = Services(settings)
        previews = Previews(services)
        for number in range(JOBS):
            # Pictures for the most part, which end sooner and leave as much behind.
            options = {"format": "png" if number % 5 else "mp4"}
            previews.submit(small(f"job-{number}", title=f"Number {number}", steps=[], options=options))
        drain = start_drain(settings, make_film)
        held = _held(previews, psutil.Process(drain.pid))
        drain.join()
        services.close()
    listed = ", ".join(f"{megabytes:.0f}" for megabytes in held)
    print(f"memory of a drain and its processes after every {SAMPLED} of {JOBS} jobs: {listed} MB")


def _held(previews: Previews, drain: psutil.Process) -> Sequence[float]:
    held: list[float] = []
    while len(held) < JOBS // SAMPLED - 1:  # the last is sampled before the drain ends
        if counts(previews).get("completed", 0) >= SAMPLED * (len(held) + 1):
            family = [drain, *drain.children(recursive=True)]
            held.append(sum(one.memory_full_info().uss for one in family) / 2**20)
        time.sleep(0.05)
    return held


def main() -> None:
    """All of it."""
    posts()
    cancels()
    memory()


if __name__ == "__main__":
    main()
