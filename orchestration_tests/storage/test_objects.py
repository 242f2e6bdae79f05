"""One contract for every object store: a local directory, memory, and S3."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING
from uuid import uuid4

import pytest

from orchestration.errors import ConfigurationError, InvalidInputError, TooLargeError, TransientError
from orchestration.storage import objects
from orchestration.storage.object_errors import MissingObjectError, RangeNotSatisfiableError
from orchestration.storage.objects import PART_BYTES, ObjectStore, StoredObject, content_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WRITERS = 16


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind; S3 shares a bucket, under a prefix of this test's own."""
    match request.param:
        case "file":
            return ObjectStore((tmp_path / "objects").as_uri())
        case "memory":
            return ObjectStore("memory:///")
        case _:
            return ObjectStore(f"s3://{request.getfixturevalue('s3_variables')}/{uuid4().hex}")


async def test_an_object_comes_back_as_it_was_put(store: ObjectStore) -> None:
    body = bytes(range(256)) * 400
    assert await store.put_once("media/ab/abc.png", body, mime="image/png")
    assert store.get("media/ab/abc.png") == body


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    await store.put_once("empty.bin", b"")
    assert store.get("empty.bin") == b""
    assert store.sizes() == {"empty.bin": 0}


async def test_a_key_is_created_once_and_keeps_its_first_bytes(store: ObjectStore) -> None:
    assert await store.put_once("key", b"first")
    assert not await store.put_once("key", b"second")
    assert store.get("key") == b"first"


async def test_of_many_writers_of_one_key_exactly_one_creates_it(store: ObjectStore) -> None:
    bodies = [bytes([number]) * 50_000 for number in range(WRITERS)]
    created = await asyncio.gather(*(store.put_once("contested", body) for body in bodies))
    assert created.count(True) == 1
    assert store.get("contested") == bodies[created.index(True)]


async def test_stores_of_one_url_share_their_objects_but_for_memory(store: ObjectStore) -> None:
    again = ObjectStore(store.url)
    await store.put_once("shared", b"bytes")
    if store.url.startswith("memory:"):
        assert again.sizes() == {}
        return
    assert not await again.put_once("shared", b"others")
    assert again.get("shared") == b"bytes"


def test_a_missing_key_is_named_with_its_store(store: ObjectStore) -> None:
    with pytest.raises(MissingObjectError, match=r"media/no/nothing\.png is not in") as raised:
        store.get("media/no/nothing.png")
    assert store.url in str(raised.value)


async def test_sizes_lists_what_lies_under_a_prefix(store: ObjectStore) -> None:
    bodies = {"media/aa/1.png": b"1", "media/bb/22.png": b"22", "other/3.png": b"333"}
    for key, body in bodies.items():
        await store.put_once(key, body)
    assert store.sizes() == {key: len(body) for key, body in bodies.items()}
    assert store.sizes("media") == {"media/aa/1.png": 1, "media/bb/22.png": 2}
    assert store.sizes("nothing") == {}


async def test_keys_may_hold_any_character_of_a_name(store: ObjectStore) -> None:
    key = "documents/A23-Größe 10% & +1 'x'.json"
    await store.put_once(key, b"{}")
    assert store.get(key) == b"{}"
    assert key in store.sizes("documents")


async def test_size_tells_what_is_there(store: ObjectStore) -> None:
    await store.put_once("media/aa/1.png", b"1234")
    await store.put_once("media/aa/empty.png", b"")
    assert store.size("media/aa/1.png") == 4
    assert store.size("media/aa/empty.png") == 0
    assert store.size("media/aa/2.png") is None
    assert store.size("media") is None, "a folder is no object"


async def test_deleting_removes_one_object_and_no_other(store: ObjectStore) -> None:
    for key in ("media/aa/1", "media/aa/1.png", "media/aa/1.png.bak", "media/ab/1.png"):
        await store.put_once(key, b"bytes")
    assert store.delete("media/aa/1.png")
    assert set(store.sizes()) == {"media/aa/1", "media/aa/1.png.bak", "media/ab/1.png"}
    with pytest.raises(MissingObjectError):
        store.get("media/aa/1.png")


async def test_deleting_what_is_not_there_deletes_nothing(store: ObjectStore) -> None:
    await store.put_once("media/aa/1.png", b"bytes")
    assert not store.delete("media/aa/2.png")
    assert not store.delete("media/aa"), "a folder is no object"
    assert store.delete("media/aa/1.png")
    assert not store.delete("media/aa/1.png")


async def test_a_deleted_key_can_be_created_again(store: ObjectStore) -> None:
    await store.put_once("key", b"first")
    store.delete("key")
    assert await store.put_once("key", b"second")
    assert store.get("key") == b"second"


async def test_an_object_is_read_piece_by_piece(store: ObjectStore) -> None:
    body = bytes(range(256)) * 20_000
    await store.put_once("large", body)
    opened = await store.open("large")
    assert opened.size == len(body)
    assert b"".join([chunk async for chunk in opened.chunks]) == body
    assert opened.etag == (await store.open("large")).etag
    with pytest.raises(MissingObjectError, match="not in"):
        await store.open("small")


async def in_chunks(body: bytes, size: int = 700_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


SMALL, LARGE = random.Random(1).randbytes(5000), random.Random(2).randbytes(2 * PART_BYTES + 12345)


@pytest.mark.parametrize("body", [b"", SMALL, LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("way", ["file", "stream"])
async def test_a_file_or_stream_is_kept_under_its_hash_and_once(
    store: ObjectStore, tmp_path: Path, body: bytes, way: str
) -> None:
    async def put() -> StoredObject:
        if way == "stream":
            return await store.put_stream(in_chunks(body), folder="video", extension="mp4", mime="video/mp4")
        (tmp_path / "upload").write_bytes(body)
        return await store.put_file(tmp_path / "upload", folder="video", extension="mp4", mime="video/mp4")

    stored = await put()
    content_hash = hashlib.sha256(body).hexdigest()
    assert stored == (content_key("video", content_hash, "mp4"), content_hash, len(body), True)
    assert store.get(stored.key) == body
    assert await put() == stored._replace(created=False)
    assert store.sizes() == {stored.key: len(body)}


async def test_writers_of_one_large_object_leave_one_whole_object(store: ObjectStore) -> None:
    puts = (store.put_stream(in_chunks(LARGE), folder="video", extension="mp4") for _ in range(3))
    stored = await asyncio.gather(*puts)
    assert len({one.key for one in stored}) == 1
    assert any(one.created for one in stored)
    assert store.get(stored[0].key) == LARGE


@pytest.mark.parametrize("size", [100, 2 * PART_BYTES])
async def test_a_stream_above_the_limit_is_refused_early_and_leaves_nothing(store: ObjectStore, size: int) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield bytes(size // 4)

    with pytest.raises(TooLargeError, match=f"limit of {size} bytes"):
        await store.put_stream(endless(), folder="video", extension="mp4", max_bytes=size)
    assert read == 5
    assert store.sizes() == {}
    whole = await store.put_stream(in_chunks(bytes(size)), folder="video", extension="mp4", max_bytes=size)
    assert whole.size == size


@pytest.mark.parametrize("size", [100, 2 * PART_BYTES])
async def test_a_stream_that_breaks_leaves_nothing(store: ObjectStore, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(size)
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError):
        await store.put_stream(broken(), folder="video", extension="mp4")
    assert store.sizes() == {}


async def test_a_file_that_changes_while_it_is_put_leaves_nothing(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing.mp4"
    path.write_bytes(LARGE)
    measured = objects._measure

    def measure_and_grow(file: IO[bytes]) -> tuple[str, int]:
        found = measured(file)
        with path.open("ab") as more:
            more.write(b"another frame")
        return found

    monkeypatch.setattr(objects, "_measure", measure_and_grow)
    with pytest.raises(TransientError, match="changed while it was put"):
        await store.put_file(path, folder="video", extension="mp4")
    assert store.sizes() == {}


async def test_a_large_object_takes_a_few_parts_of_memory_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(400 * 2**20)
    script = f"""
import asyncio, pathlib, re
from orchestration.storage.objects import ObjectStore
put = ObjectStore({(tmp_path / "objects").as_uri()!r}).put_file
asyncio.run(put(pathlib.Path({str(path)!r}), folder="large", extension="bin"))
print(re.search("VmHWM: *(.*) kB", pathlib.Path("/proc/self/status").read_text().replace("\\t", " "))[1])
"""
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], capture_output=True, check=True)
    assert int(ended.stdout) < 200 * 2**10, "the most that it held, in KiB"


async def test_a_range_is_read_without_the_rest(store: ObjectStore) -> None:
    await store.put_once("key", SMALL)
    assert store.get_range("key", 0, 10) == SMALL[:10]
    assert store.get_range("key", 4000, 10) == SMALL[4000:4010]
    assert store.get_range("key", 4990, 100) == SMALL[4990:]
    with pytest.raises(MissingObjectError, match="is not in"):
        store.get_range("other", 0, 10)


@pytest.mark.parametrize(
    ("start", "length", "first", "end"),
    [(0, None, 0, 5000), (0, 1, 0, 1), (10, None, 10, 5000), (10, 90, 10, 100), (4999, 2, 4999, 5000)],
)
async def test_a_range_is_streamed(store: ObjectStore, start: int, length: int | None, first: int, end: int) -> None:
    await store.put_once("key", SMALL)
    opened = await store.open("key", start=start, length=length)
    assert (opened.size, opened.start, opened.length) == (5000, first, end - first)
    assert b"".join([chunk async for chunk in opened.chunks]) == SMALL[first:end]


@pytest.mark.parametrize("body", [b"", b"12345"])
async def test_a_range_behind_the_end_is_refused_with_the_size(store: ObjectStore, body: bytes) -> None:
    await store.put_once("orange", body)
    for start in (len(body), 99):
        with pytest.raises(RangeNotSatisfiableError, match=f"orange has {len(body)} bytes") as caught:
            store.get_range("orange", start, 1)
        assert caught.value.size == len(body)
        with pytest.raises(RangeNotSatisfiableError):
            await store.open("orange", start=start, length=1)
    with pytest.raises(MissingObjectError):
        await store.open("other", start=99)


async def test_the_head_tells_size_tag_and_age(store: ObjectStore) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    await store.put_once("key", SMALL)
    head = store.head("key")
    assert (head.size, head.etag) == (5000, (await store.open("key")).etag)
    assert before <= head.modified_at <= datetime.now(UTC) + timedelta(seconds=2)
    with pytest.raises(MissingObjectError, match="is not in"):
        store.head("other")


@pytest.mark.parametrize("key", ["a\0b", "../outside", "a//b", "a\nb"])
async def test_what_cannot_be_a_key_is_nowhere_and_cannot_be_put(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be the key of an object"):
        await store.put_once(key, b"bytes")
    with pytest.raises(MissingObjectError):
        store.get(key)
    with pytest.raises(MissingObjectError):
        await store.open(key)
    assert store.size(key) is None


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
    ("status", "words"),
    [
        (HTTPStatus.FORBIDDEN, "refused the request, check its credentials and rights"),
        (HTTPStatus.UNAUTHORIZED, "refused the request, check its credentials and rights"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "answered with an error"),
    ],
)
async def test_of_a_store_that_answered_nobody_says_that_it_did_not(status: HTTPStatus, words: str) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever).start()
        store = s3_at(f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(TransientError, match=f"s3://bucket/prefix {words}: ") as raised:
            store.get("key")
        assert "did not answer" not in str(raised.value)
        with pytest.raises(TransientError, match=words):
            await store.open("key", start=5)
        server.shutdown()


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
