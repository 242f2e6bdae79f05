"""Reading a feed's files, and nothing beside them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestration.errors import InvalidInputError, RefusedError
from orchestration.media.local_files import open_beneath, path_of
from orchestration.media.statuses import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A feed's folder, with a secret beside it."""
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "Import.txt").write_bytes(b"feed")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def read(root: Path, url: str) -> bytes:
    with open_beneath(root, url).stream as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["A23-1.json", "Größe 5%.json", "a&b+c?d#e'f.json", "..json", "new\nline.json"])
def test_a_file_is_found_by_its_url_whatever_its_name(root: Path, name: str) -> None:
    (root / name).write_bytes(b"family")
    assert read(root, (root / name).as_uri()) == b"family"


@pytest.mark.parametrize(
    "tail",
    ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/x/../../secret", "/link", "/folder/secret", "/../feed2/x"],
)
def test_nothing_outside_the_root_is_read(root: Path, tail: str) -> None:
    (root / "x").mkdir()
    (root / "link").symlink_to(root.parent / "secret")
    (root / "folder").symlink_to(root.parent)
    (root.parent / "feed2").mkdir()
    (root.parent / "feed2" / "x").write_bytes(b"secret")
    with pytest.raises(RefusedError, match="outside the feed's folder"):
        read(root, root.as_uri() + tail)


def test_a_link_within_the_root_is_followed(root: Path) -> None:
    (root / "link").symlink_to("Import.txt")
    assert read(root, root.as_uri() + "/link") == b"feed"


def test_a_root_that_is_a_link_is_followed(root: Path) -> None:
    today = root.parent / "today"
    today.symlink_to(root)
    assert read(today, today.as_uri() + "/Import.txt") == b"feed"


def test_folders_pipes_and_loops_are_refused(root: Path) -> None:
    os.mkfifo(root / "pipe")
    (root / "loop").symlink_to("loop")
    (root / "sub").mkdir()
    for name in ("pipe", "loop", "sub"):
        with pytest.raises(RefusedError):
            read(root, f"{root.as_uri()}/{name}")


@pytest.mark.parametrize("tail", ["/gone", "/Import.txt/gone", "/gone/../Import.txt"])
def test_what_is_not_there_is_not_found(root: Path, tail: str) -> None:
    with pytest.raises(NotFoundError):
        read(root, root.as_uri() + tail)


@pytest.mark.parametrize(
    "url", ["file://host/x", "file:relative", "file:///a?b", "file:///a#b", "file:///a%00b", "file://["]
)
def test_what_names_no_local_path_is_invalid(url: str) -> None:
    with pytest.raises(InvalidInputError, match="no file URL"):
        path_of(url)


def test_the_etag_changes_with_the_time_stamp_and_the_size(root: Path) -> None:
    def etag() -> str:
        file = open_beneath(root, root.as_uri() + "/Import.txt")
        file.stream.close()
        return file.etag

    first = etag()
    assert etag() == first
    os.utime(root / "Import.txt", ns=(1, 1))
    second = etag()
    (root / "Import.txt").write_bytes(b"longer")
    os.utime(root / "Import.txt", ns=(1, 1))
    assert len({first, second, etag()}) == 3


def test_a_hard_link_is_refused_and_its_remedy_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"key")
    root = tmp_path / "links"
    root.mkdir()
    (root / "a.json").hardlink_to(secret)
    with pytest.raises(RefusedError, match="hard link, which may lead out of the feed's folder: put a copy there"):
        open_beneath(root, (root / "a.json").as_uri())
