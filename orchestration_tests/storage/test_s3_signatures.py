"""Against a server that checks signatures: requests and links are signed as S3 asks, and wrong keys are refused."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from orchestration.errors import TransientError
from orchestration.storage.objects import PART_BYTES, ObjectStore

if TYPE_CHECKING:
    from collections.abc import Iterator

RCLONE = shutil.which("rclone", path=f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}")
pytestmark = pytest.mark.skipif(RCLONE is None, reason="rclone, which serves S3, is missing")


@pytest.fixture(scope="module")
def signing_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of `rclone serve s3` over a folder with one bucket, whose only key is key/secret."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "assets").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(RCLONE), "serve", "s3", "--auth-key", "key,secret", "--addr", f"127.0.0.1:{port}", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    try:
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def wait_for_port(port: int) -> None:
    """Until something listens there."""
    deadline = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def signed_store(signing_server: str, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A store on that server."""
    for name, value in {
        "AWS_ENDPOINT_URL": signing_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    return ObjectStore("s3://assets/factory")


async def test_signed_requests_store_read_list_and_delete(signed_store: ObjectStore) -> None:
    body = bytes(range(256)) * 40
    assert await signed_store.put_once("media/ab/ä b.png", body, mime="image/png")
    assert signed_store.get("media/ab/ä b.png") == body
    assert signed_store.sizes("media") == {"media/ab/ä b.png": len(body)}
    assert signed_store.delete("media/ab/ä b.png")
    assert signed_store.size("media/ab/ä b.png") is None


async def test_a_large_object_goes_in_signed_parts(signed_store: ObjectStore, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(PART_BYTES + 1))
    stored = await signed_store.put_file(path, folder="previews", extension="mp4")
    assert signed_store.get(stored.key) == path.read_bytes()


def test_a_signed_link_works_without_a_key_and_not_with_another_signature(signed_store: ObjectStore) -> None:
    asyncio.run(signed_store.put_once("media/aa/link.txt", b"linked"))
    link = str(signed_store.presign("media/aa/link.txt", timedelta(hours=1)))
    assert requests.get(link, timeout=10).content == b"linked"
    for forged in (link.replace("X-Amz-Signature=", "X-Amz-Signature=0"), link.partition("?")[0]):
        refused = requests.get(forged, timeout=10)
        assert refused.status_code in {400, 403}
        assert b"linked" not in refused.content


async def test_a_wrong_secret_is_refused(signed_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(TransientError):
        await ObjectStore(signed_store.url).put_once("media/aa/a.txt", b"never")
