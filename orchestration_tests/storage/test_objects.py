"""One contract for every object store: a local directory, memory, and S3."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from orchestration.errors import ConfigurationError, TransientError
from orchestration.storage.objects import MissingObjectError, ObjectStore, content_key

if TYPE_CHECKING:
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
    with pytest.raises(TransientError, match="did not answer"):
        await store.put_once("other", b"bytes")
    with pytest.raises(TransientError, match="did not answer"):
        store.get("key")
    root.unlink()
    (tmp_path / "elsewhere").rename(root)
    assert store.get("key") == b"bytes"


async def test_an_s3_server_that_does_not_answer_may_come_back(unused_tcp_port: int) -> None:
    from obstore.store import S3Store

    store = ObjectStore("s3://bucket/prefix")
    # The library itself tries again for minutes, which is right for a run and too long for a test.
    store._backend = S3Store(
        "bucket",
        endpoint=f"http://127.0.0.1:{unused_tcp_port}",
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
        access_key_id="key",
        secret_access_key="secret",  # noqa: S106 - nobody listens there
        region="us-east-1",
    )
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
    with pytest.raises(TransientError, match=r"NoSuchBucket|404"):
        store.sizes()
    with pytest.raises(TransientError):
        asyncio.run(store.put_once("key", b"bytes"))
    with pytest.raises(TransientError):
        store.size("key")


async def test_in_a_directory_that_is_missing_nothing_counts_as_deleted(tmp_path: Path) -> None:
    store = ObjectStore((tmp_path / "objects").as_uri())
    await store.put_once("key", b"bytes")
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    with pytest.raises(TransientError, match="did not answer"):
        store.delete("key")
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
