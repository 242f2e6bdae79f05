"""Large objects in every store: put from files and streams, read by range."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING

import pytest

from orchestration.errors import TooLargeError, TransientError
from orchestration.storage import objects
from orchestration.storage.object_errors import MissingObjectError, RangeNotSatisfiableError
from orchestration.storage.objects import PART_BYTES, ObjectStore, StoredObject, content_key
from orchestration_tests.storage.bodies import LARGE, SMALL, in_chunks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

WRITERS = 16


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
