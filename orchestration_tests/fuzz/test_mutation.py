"""What changes inputs keeps their form, or nothing behind the first check would ever be reached."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from random import Random

from orchestration_tests.fuzz.mutation import of_json, of_lines, of_png, of_text, of_zip
from orchestration_tests.media.pictures import encode, scene


def test_json_stays_json_and_becomes_another() -> None:
    data, random, seen = json.dumps({"a": [1, {"b": "c"}], "d": None}).encode(), Random(1), set()
    for _ in range(200):
        changed = of_json(data, random)
        json.loads(changed)
        seen.add(changed)
    assert len(seen) > 100


def test_a_picture_keeps_its_checksums() -> None:
    data, random, sound = encode(scene(24, 16), "PNG"), Random(1), 0
    changed = [of_png(data, random) for _ in range(50)]
    for one in changed:
        at, right = 8, True
        while at < len(one) and right:
            end = at + 8 + int.from_bytes(one[at : at + 4], "big")
            right = zlib.crc32(one[at + 4 : end]) == int.from_bytes(one[end : end + 4], "big")
            at = end + 4
        sound += right
    assert sound > 30
    assert len(set(changed)) > 30


def test_an_archive_can_be_opened() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xml", "<a>1</a>")
        archive.writestr("b.xml", "<b>2</b>")
    changed = of_zip(packed.getvalue(), Random(3))
    with zipfile.ZipFile(io.BytesIO(changed)) as archive:
        assert archive.testzip() is None
        assert [archive.read("a.xml"), archive.read("b.xml")] != [b"<a>1</a>", b"<b>2</b>"]


def test_anything_can_be_changed() -> None:
    for change in (of_json, of_lines, of_png, of_text, of_zip):
        for data in (b"", b"{", b"PK", b"\x89PNG\r\n\x1a\n", b"\xff\n\n"):
            change(data, Random(5))
