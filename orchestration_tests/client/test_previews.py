"""The client: a whole job over the real API, and patience with a server that has none."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from orchestration.client import JobFailedError, PreviewClient, PreviewRejectedError, build_job
from orchestration.errors import NotFoundError, TransientError
from orchestration.previews.previews import Previews
from orchestration.services import Services
from orchestration_tests.api.conftest import serving
from orchestration_tests.previews.draining import drain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestration.settings import Settings

OPTIONS = {"resolution": "160x90", "fps": 24}


@pytest.fixture
def api(settings: Settings) -> Iterator[tuple[str, Services]]:
    """The API at a URL that its links know."""
    services = Services(settings)
    with serving(services) as url:
        services.settings = settings.model_copy(update={"public_url": url})
        yield url, services
    services.close()


def test_a_job_is_built_sent_awaited_and_downloaded(api: tuple[str, Services], tmp_path: Path) -> None:
    url, services = api
    client = PreviewClient(url)
    job = build_job("one", "tests", title="Hello", steps=[{"text": "There", "durationMs": 500}], options=OPTIONS)
    assert client.submit(job) == ("one", "queued", False)
    assert client.submit(job).is_repeat
    rendering = threading.Thread(target=drain, args=(Previews(services),))
    rendering.start()
    assert client.wait("one", seconds=60)["progress"] == 100
    rendering.join()
    names = [path.name for path in client.download("one", tmp_path / "out")]
    assert names == ["preview.mp4", "poster.png", "proof.json", "preview.json", "container.json"]
    assert (tmp_path / "out" / "preview.mp4").read_bytes()[4:8] == b"ftyp"


def test_what_the_server_does_not_take_is_raised_with_its_faults(api: tuple[str, Services]) -> None:
    client = PreviewClient(api[0])
    with pytest.raises(PreviewRejectedError) as caught:
        client.submit(build_job("../x", "tests"))
    assert (caught.value.status, caught.value.faults[0]["path"]) == (422, "$.jobId")
    with pytest.raises(NotFoundError):
        client.status("nobody")
    client.submit(build_job("one", "tests"))
    client.cancel("one")
    with pytest.raises(JobFailedError, match="cancelled"):
        client.wait("one", seconds=5)


async def test_a_server_without_patience_is_asked_again() -> None:
    answers = [503, 429, 202]
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        status = answers.pop(0)
        if status == 503:
            assert request.transport is not None
            request.transport.close()  # the answer is lost, though the job may have been taken in
        return web.json_response({"jobId": "one", "status": "queued"}, status=status, headers={"retry-after": "0"})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        client = PreviewClient(str(server.make_url("/")), first_wait=0.01)
        accepted = await asyncio.to_thread(client.submit, build_job("one", "tests", request_id="r"))
    assert accepted.job_id == "one"
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


async def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    body, asked = b"film" * 5000, []

    async def status(request: web.Request) -> web.Response:
        link = str(request.url.with_path("/file"))
        file = {"name": "preview.mp4", "url": link, "sha256": hashlib.sha256(body).hexdigest()}
        return web.json_response({"jobId": "one", "status": "success", "artifacts": [file]})

    async def send(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        answer = web.StreamResponse(headers={"content-length": str(len(body))})
        await answer.prepare(request)
        await answer.write(body if len(asked) > 1 else body[:100])
        if len(asked) == 1:
            assert request.transport is not None
            request.transport.close()
        return answer

    app = web.Application()
    app.router.add_get("/file", send)
    app.router.add_get("/{path:.*}", status)
    async with TestServer(app) as server:
        client = PreviewClient(str(server.make_url("/")), first_wait=0.01)
        [path] = await asyncio.to_thread(client.download, "one", tmp_path)
    assert (await asyncio.to_thread(path.read_bytes) == body, len(asked)) == (True, 2)


def test_a_server_that_is_not_there_is_given_up_in_the_end() -> None:
    client = PreviewClient("http://127.0.0.1:9", attempts=2, first_wait=0.01)
    with pytest.raises(TransientError, match="did not answer"):
        client.status("one")
