"""Database and bucket, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from orchestration.canvas.media_gc.bucket import compare
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
