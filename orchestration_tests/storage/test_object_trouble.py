"""Stores that are away, broken, shared with others or misnamed, and what is said of them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from orchestration.errors import ConfigurationError, TransientError
from orchestration.storage import objects
from orchestration.storage.object_errors import MissingObjectError
from orchestration.storage.objects import ObjectStore, content_key
from orchestration_tests.http_server import serving_with
from orchestration_tests.storage.bodies import LARGE, in_chunks

if TYPE_CHECKING:
    from pathlib import Path

WRITERS = 16


async def test_only_the_owner_may_read_what_a_local_store_holds(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    store = ObjectStore(root.as_uri())
    before = os.umask(0)
    try:
        await store.put_once("documents/A23-Größe 10% & +1 'x'.json", b"{}")
        await store.put_stream(in_chunks(LARGE), folder="video", extension="mp4")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    assert len(modes) == 6
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}


async def test_a_folder_that_others_may_read_stays_so_but_what_is_put_into_it_does_not(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    (root / "media").mkdir(parents=True)
    root.chmod(0o755)
    await ObjectStore(root.as_uri()).put_once("media/picture.png", b"bytes")
    assert stat.S_IMODE(root.stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "media/picture.png").stat().st_mode) == 0o600


async def test_an_object_whose_writer_died_before_it_was_closed_to_others_is_closed_by_the_next(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path.as_uri())
    await store.put_once("media/picture.png", b"bytes")
    (tmp_path / "media/picture.png").chmod(0o644)
    assert not await store.put_once("media/picture.png", b"bytes")
    assert stat.S_IMODE((tmp_path / "media/picture.png").stat().st_mode) == 0o600


def test_what_a_killed_process_had_begun_to_write_is_removed_once_it_is_old(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, tmp_path.as_uri()])  # noqa: S603 - our own program
    while not (staged := [path for path in tmp_path.rglob("*#1") if path.is_file()]):
        time.sleep(0.0005)
    writer.kill()
    writer.wait()
    staged = [path for path in tmp_path.rglob("*#1") if path.is_file()] or staged
    for path in staged:
        path.touch()  # it may just have been finished
    store, now = ObjectStore(tmp_path.as_uri()), datetime.now(UTC)
    finished = store.sizes()
    (tmp_path / "listed#1").symlink_to(tmp_path / "gone")  # as what has become an object since it was found

    assert store.remove_unfinished(now - timedelta(days=1)) == 0
    assert store.remove_unfinished(now + timedelta(minutes=1)) == len(staged)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == finished.keys()


_WRITER = """
import asyncio, sys
from orchestration.storage.objects import ObjectStore
async def write():
    store = ObjectStore(sys.argv[1])
    for number in range(10_000):
        await store.put_once(f"media/{number}.bin", bytes(2**23))
asyncio.run(write())
"""


async def test_an_upload_that_breaks_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    path = tmp_path / "growing.mp4"
    path.write_bytes(LARGE)
    store = ObjectStore(root.as_uri())
    with path.open("rb") as file, pytest.raises(TransientError, match="changed"):
        await store._put_parts("video/x.mp4", objects._verified(file, "another hash"), None)
    assert [path for path in root.rglob("*") if path.is_file()] == []


async def test_s3_stores_the_mime_type_of_what_arrives_in_parts(s3_variables: str) -> None:
    import obstore

    store = ObjectStore(f"s3://{s3_variables}/{uuid4().hex}")
    stored = await store.put_stream(in_chunks(LARGE), folder="video", extension="mp4", mime="video/mp4")
    assert obstore.get(store.backend, stored.key).attributes["Content-Type"] == "video/mp4"


def test_credentials_in_the_url_are_in_no_message(tmp_path: Path) -> None:
    store = ObjectStore("s3://key:secret@bucket/prefix")
    assert store.display_url == "s3://bucket/prefix"
    with pytest.raises(ConfigurationError) as refused:
        ObjectStore("ftp://key:secret@bucket/prefix").sizes()
    store._backend = ObjectStore((tmp_path / "objects").as_uri()).backend
    with pytest.raises(MissingObjectError) as missing:
        store.get("other")
    shutil.rmtree(tmp_path / "objects")
    with pytest.raises(TransientError) as failed:
        store.get("other")
    for raised in (refused, missing, failed):
        assert "bucket/prefix" in str(raised.value)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://key:sec/ret+x@bucket/prefix", "s3://bucket/prefix"),
        ("s3://key:s@cret@bucket/prefix", "s3://bucket/prefix"),
        ("s3://secret@bucket/prefix", "s3://bucket/prefix"),
        (
            "s3://bucket/prefix?aws_secret_access_key=secret&region=x&aws_session_token=secret",
            "s3://bucket/prefix?aws_secret_access_key=...&region=x&aws_session_token=...",
        ),
        ("http://127.0.0.1:9000/bucket/me@home.png", "http://127.0.0.1:9000/bucket/me@home.png"),
    ],
)
def test_the_shown_url_of_a_store_has_no_secret_in_any_form(url: str, shown: str) -> None:
    assert ObjectStore(url).display_url == shown


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (HTTPStatus.FORBIDDEN, "refused the request, check its credentials and rights"),
        (HTTPStatus.UNAUTHORIZED, "refused the request, check its credentials and rights"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "answered with an error"),
    ],
)
async def test_of_a_store_that_answered_nobody_says_that_it_did_not(status: HTTPStatus, words: str) -> None:
    with serving_with(lambda _: (status, b"")) as host:
        store = s3_at(f"http://{host}")
        with pytest.raises(TransientError, match=f"s3://bucket/prefix {words}: ") as raised:
            store.get("key")
        assert "did not answer" not in str(raised.value)
        with pytest.raises(TransientError, match=words):
            await store.open("key", start=5)


async def test_s3_stores_the_mime_type(s3_variables: str) -> None:
    import obstore

    store = ObjectStore(f"s3://{s3_variables}/{uuid4().hex}")
    await store.put_once("picture", b"bytes", mime="image/webp")
    assert obstore.get(store.backend, "picture").attributes["Content-Type"] == "image/webp"


async def test_a_local_store_that_is_away_may_come_back(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    store = ObjectStore(root.as_uri())
    await store.put_once("key", b"bytes")
    root.rename(tmp_path / "elsewhere")
    root.write_bytes(b"not a directory")
    with pytest.raises(TransientError, match="objects failed: "):
        await store.put_once("other", b"bytes")
    with pytest.raises(TransientError, match="objects failed: "):
        store.get("key")
    root.unlink()
    (tmp_path / "elsewhere").rename(root)
    assert store.get("key") == b"bytes"


def s3_at(endpoint: str) -> ObjectStore:
    """A store of some other server; the library's own retries take minutes, right for a run and too long for a test."""
    from obstore.store import S3Store

    store = ObjectStore("s3://bucket/prefix")
    store._backend = S3Store(
        "bucket",
        endpoint=endpoint,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
        access_key_id="key",
        secret_access_key="secret",  # noqa: S106 - of a server of this test
        region="us-east-1",
    )
    return store


async def test_an_s3_server_that_does_not_answer_may_come_back(unused_tcp_port: int) -> None:
    store = s3_at(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(TransientError, match=r"s3://bucket/prefix did not answer: [^\n]+$"):
        await store.put_once("key", b"bytes")
    with pytest.raises(TransientError, match="did not answer"):
        store.get("key")
    with pytest.raises(TransientError, match="did not answer"):
        store.sizes()
    with pytest.raises(TransientError, match="did not answer"):
        store.delete("key")


def test_a_bucket_that_is_missing_is_no_empty_store(s3_variables: str) -> None:
    store = ObjectStore(f"s3://{s3_variables}-missing/prefix")
    with pytest.raises(TransientError, match=r"answered with an error: .*(NoSuchBucket|404)"):
        store.sizes()
    with pytest.raises(TransientError):
        asyncio.run(store.put_once("key", b"bytes"))
    for read in (store.size, store.get, store.head):
        with pytest.raises(TransientError, match="answered with an error"):
            read("key")


async def test_in_a_directory_that_is_missing_nothing_counts_as_deleted(tmp_path: Path) -> None:
    store = ObjectStore((tmp_path / "objects").as_uri())
    await store.put_once("key", b"bytes")
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    with pytest.raises(TransientError, match="objects failed: "):
        store.delete("key")
    with pytest.raises(TransientError, match="objects failed: "):
        store.get("key")
    with pytest.raises(TransientError, match="objects failed: "):
        await store.open("key")
    (tmp_path / "elsewhere").rename(tmp_path / "objects")
    assert store.delete("key")


@pytest.mark.parametrize("url", ["ftp://host/dir", "objects", "", "file://relative/dir", "s3://"])
def test_a_url_that_leads_to_no_store_is_one_clear_line(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ORCHESTRATION_OBJECT_STORE") as raised:
        ObjectStore(url).sizes()
    assert "\n" not in str(raised.value)


def test_nothing_is_opened_before_the_first_use(tmp_path: Path) -> None:
    ObjectStore((tmp_path / "objects").as_uri())
    ObjectStore("ftp://is/wrong")
    assert not (tmp_path / "objects").exists()


def test_content_keys_spread_over_folders() -> None:
    content_hash = hashlib.sha256(b"bytes").hexdigest()
    assert content_key("media", content_hash, "png") == f"media/{content_hash[:2]}/{content_hash}.png"
