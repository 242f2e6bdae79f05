"""One contract for every object store: a local directory, memory, and S3."""

from __future__ import annotations

import asyncio

import pytest

from orchestration.errors import InvalidInputError
from orchestration.storage.object_errors import MissingObjectError
from orchestration.storage.objects import ObjectStore

WRITERS = 16


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


@pytest.mark.parametrize("key", ["a\0b", "../outside", "a//b", "a\nb"])
async def test_what_cannot_be_a_key_is_nowhere_and_cannot_be_put(store: ObjectStore, key: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be the key of an object"):
        await store.put_once(key, b"bytes")
    with pytest.raises(MissingObjectError):
        store.get(key)
    with pytest.raises(MissingObjectError):
        await store.open(key)
    assert store.size(key) is None
