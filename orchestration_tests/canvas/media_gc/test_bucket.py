"""Database and bucket, to the byte."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.canvas.media_gc.bucket import compare
from orchestration.canvas.media_gc.health import difference_rows
from orchestration.canvas.media_gc.model import FOLDER
from orchestration_tests.canvas.media_gc.worlds import body_of, key_of

if TYPE_CHECKING:
    from orchestration_tests.canvas.media_gc.worlds import RealWorld

sizes = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 50))


@given(rows=sizes, condemned=sizes, objects=sizes)
def test_the_findings_explain_every_byte_of_the_difference(
    rows: dict[str, int], condemned: dict[str, int], objects: dict[str, int]
) -> None:
    bucket = compare(rows, condemned, objects)
    assert bucket.difference == sum(objects.values()) - sum(rows.values())
    assert bucket.unexplained == 0
    found = [set(kind) for kind in (bucket.orphans, bucket.missing, bucket.condemned, bucket.mismatched)]
    assert sum(map(len, found)) == len(set().union(*found)), "each object is one finding"


def test_each_kind_of_difference_is_told_apart(real: RealWorld) -> None:
    for name in ("sound", "missing", "cut"):
        real.add(name)
    real.lose_object(key_of("missing"))
    real.lose_object(key_of("cut"))
    real.put_object(key_of("cut"), 1)
    real.put_object(f"{FOLDER}/ab/orphan.bin", 9)
    real.put_object("prints/ab/not-ours.stl", 1000)
    bucket = real.collector.reconcile()
    assert bucket.orphans == {f"{FOLDER}/ab/orphan.bin": 9}
    assert bucket.missing == {key_of("missing"): len(body_of("missing"))}
    assert bucket.mismatched == {key_of("cut"): (len(body_of("cut")), 1)}
    assert (bucket.database_objects, bucket.objects, bucket.unexplained) == (3, 3, 0)


def test_rows_of_one_object_are_one_object(real: RealWorld) -> None:
    real.add("one", "same")
    real.add("two", "same")
    bucket = real.collector.reconcile()
    assert (bucket.database_objects, bucket.objects, bucket.difference) == (1, 1, 0)


@pytest.mark.parametrize("name", [b"line\nbreak.png", b"latin\xe9.png", b"hash#1", b"ab/left.png#1"])
def test_an_odd_name_is_named_and_the_others_go_on(real: RealWorld, name: bytes) -> None:
    for number in range(12):
        real.add(f"used-{number}")
        real.refer(f"place-{number}", f"used-{number}")
    real.add("dead")
    path = Path(real.services.objects.url.removeprefix("file://"), FOLDER, os.fsdecode(name))
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"12345")
    bucket = real.collector.reconcile()
    (odd,) = bucket.odd
    assert odd.startswith(FOLDER)
    assert odd.isprintable()
    assert (bucket.orphans, bucket.objects, bucket.unexplained) == ({}, 13, 0)
    rows = difference_rows(bucket)
    assert [(row[0], row[1].split(":")[0]) for row in rows] == [(odd, "odd name")]
    collected = real.collect().result
    assert collected is not None
    assert collected.marked == ["dead"]


@pytest.mark.parametrize("name", ["Screenshot 2024 (1).png", "50%.png", "a%2Fb.png", "ünïcode.png", 'quote".png'])
def test_a_name_of_other_programs_is_an_orphan_like_any_other(real: RealWorld, name: str) -> None:
    real.put_object(f"{FOLDER}/ab/orphan.bin", 9)
    root = Path(real.services.objects.url.removeprefix("file://")) / FOLDER
    (root / name).write_bytes(b"12345")
    assert real.collector.reconcile().orphans == {f"{FOLDER}/ab/orphan.bin": 9, f"{FOLDER}/{name}": 5}
    assert real.services.objects.delete(f"{FOLDER}/{name}")
