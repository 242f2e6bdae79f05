"""The benchmark's feeds have the numbers and sizes asked for, and are readable."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING
from urllib.request import urlopen

import msgspec
import pytest
from PIL import Image

from orchestration.demo import wire
from orchestration_tests.benchmarks.bulk_feed import IMPORT_PATH, served, touch, write_bulk_feed

if TYPE_CHECKING:
    from pathlib import Path

BASE_URL = "http://127.0.0.1:8000"


def listed(root: Path) -> dict[str, str]:
    """The listed hashes by path below the root."""
    _, *lines = (root / IMPORT_PATH).read_text().replace(f"{BASE_URL}/", "").splitlines()
    return dict(line.split("|") for line in lines)


def families(root: Path) -> list[wire.Family]:
    return [msgspec.json.decode((root / path).read_bytes(), type=wire.Family) for path in listed(root)]


def actual(root: Path) -> dict[str, str]:
    contents = {path: (root / path).read_bytes() for path in listed(root)}
    return {
        path: hashlib.sha1(content, usedforsecurity=False).hexdigest().upper() for path, content in contents.items()
    }


def test_small_families_come_in_the_number_and_with_the_mean_of_children_asked_for(tmp_path: Path) -> None:
    feed = write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=5, families=100, children=2.64)
    found = families(tmp_path)

    assert (feed.families, feed.variants, feed.images) == (100, 264, 0)
    assert len({family.sku for family in found}) == 100
    assert sum(len(family.child_products) for family in found) == 264
    assert {len(family.child_products) for family in found} == {2, 3}
    assert len({family.a_number for family in found}) == 5
    assert listed(tmp_path) == actual(tmp_path)


def test_large_documents_have_about_the_size_asked_for_and_one_imprint_block(tmp_path: Path) -> None:
    feed = write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=1, families=3, children=4, document_bytes=345_000)

    assert feed.document_bytes / 3 == pytest.approx(345_000, rel=0.03)
    for family in families(tmp_path):
        first, *others = (child.imprint_positions for child in family.child_products)
        assert all(other == first for other in others)


def test_images_are_distinct_readable_and_of_the_exact_size(tmp_path: Path) -> None:
    feed = write_bulk_feed(
        tmp_path, base_url=BASE_URL, suppliers=1, families=6, children=2, images_per_family=10 / 3, image_bytes=160_000
    )
    files = [path.read_bytes() for path in (tmp_path / "images").rglob("*.jpg")]

    assert (feed.images, feed.image_bytes) == (20, 3_200_000)
    assert len(set(files)) == 20
    assert {len(content) for content in files} == {160_000}
    for content in files[:4]:
        Image.open(io.BytesIO(content)).load()


def test_every_image_belongs_to_one_family(tmp_path: Path) -> None:
    write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=2, families=6, children=2, images_per_family=10 / 3)
    owned = [
        {
            picture.url.removeprefix(f"{BASE_URL}/")
            for child in family.child_products
            for details in child.product_details.values()
            for picture in (details.image, *(details.media_gallery_images or ()))
            if picture
        }
        for family in families(tmp_path)
    ]
    files = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "images").rglob("*.jpg")}

    assert set.union(*owned) == files
    assert sum(map(len, owned)) == len(files) == 20


def test_a_touch_changes_that_many_families_and_their_listed_hashes(tmp_path: Path) -> None:
    write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=2, families=10, children=1)
    before = listed(tmp_path)
    touched = touch(tmp_path, 3)
    after = listed(tmp_path)

    changed = {path for path in before if before[path] != after[path]}
    assert {path.rpartition("/")[2].removesuffix(".json") for path in changed} == set(touched)
    assert len(touched) == 3
    assert after == actual(tmp_path)


def test_a_feed_is_served_from_another_process_until_the_block_ends(tmp_path: Path) -> None:
    write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=1, families=1, children=1)
    with served(tmp_path) as base_url, urlopen(f"{base_url}/{IMPORT_PATH}") as answer:  # noqa: S310 - our own server
        assert answer.read() == (tmp_path / IMPORT_PATH).read_bytes()
    with pytest.raises(OSError, match="refused"):
        urlopen(f"{base_url}/{IMPORT_PATH}")  # noqa: S310 - our own server


def test_more_children_than_colours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not 99"):
        write_bulk_feed(tmp_path, base_url=BASE_URL, suppliers=1, families=1, children=99)
