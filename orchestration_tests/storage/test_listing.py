"""One name that is no key stops no listing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from orchestration.errors import TransientError
from orchestration.storage.listing import list_objects
from orchestration.storage.objects import ObjectStore
from orchestration_tests.storage.conftest import BUCKET


def test_what_a_store_holds_is_listed(store: ObjectStore) -> None:
    for key in ("kept/aa/1.png", "kept/ab/2.png", "other/aa/3.png"):
        asyncio.run(store.put_once(key, key.encode()))
    assert list_objects(store, "kept") == ({"kept/aa/1.png": 13, "kept/ab/2.png": 13}, {})
    assert list_objects(store, "nothing") == ({}, {})


def test_an_odd_name_in_a_folder_is_left_out_of_the_sizes_and_a_missing_store_is_no_empty_one(tmp_path: Path) -> None:
    store = ObjectStore((tmp_path / "objects").as_uri())
    asyncio.run(store.put_once("kept/aa/1.png", b"123"))
    for name in (b"two\nlines", b"caf\xe9.png"):
        (Path(os.fsdecode(os.fsencode(tmp_path / "objects/kept") + b"/" + name))).touch()
    (tmp_path / "objects/nowhere").symlink_to("nothing")
    (tmp_path / "objects/loop").symlink_to("loop")
    assert store.sizes() == store.sizes("kept") == {"kept/aa/1.png": 3}
    assert len(list_objects(store, "").odd) == 2
    (tmp_path / "objects").rename(tmp_path / "elsewhere")
    with pytest.raises(TransientError, match="objects failed: "):
        store.sizes("kept")


def test_an_odd_key_in_s3_is_named_and_its_neighbours_are_listed(s3_endpoint: str, s3_variables: str) -> None:
    prefix = uuid4().hex
    store = ObjectStore(f"s3://{s3_variables}/{prefix}")
    for key in ("kept/aa/1.png", "kept/ab/2.png"):
        asyncio.run(store.put_once(key, b"123"))
    odd = f"{s3_endpoint}/{BUCKET}/{prefix}/kept/ac//3.png"
    requests.put(odd, data=b"1", timeout=10).raise_for_status()
    sizes, named = list_objects(store, "kept")
    assert sizes == {"kept/aa/1.png": 3, "kept/ab/2.png": 3}
    assert list(named) == ["kept/ac"]
    assert "empty path segment" in named["kept/ac"]
