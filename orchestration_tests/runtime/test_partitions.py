"""Partition keys: any text becomes a key that Dagster and its UI can carry, and comes back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import dagster as dg
import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS
from hypothesis import example, given
from hypothesis import strategies as st

from orchestration.errors import InvalidInputError
from orchestration.runtime.partition_keys import decode_key, encode_key
from orchestration.runtime.partitions import add_partitions, prune_partitions

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "a_number"
# Texts of the characters that keys are made of or trip over, and texts of anything.
tricky = st.text(st.sampled_from("aZ0_-.~,/%|&+ '\"\\\n\t\x00é日🧦"), min_size=1)
texts = tricky | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.fixture
def ephemeral() -> Iterator[dg.DagsterInstance]:
    """An instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@given(texts)
@example("..")
@example("a...b")
@example("~2E")
@example("[a...b]")
def test_a_key_gives_its_text_back(text: str) -> None:
    assert decode_key(encode_key(text)) == text


@given(texts)
@example("...")
@example(".")
@example("a,b\n\tc")
def test_a_key_is_safe_in_urls_and_in_dagster(text: str) -> None:
    key = encode_key(text)
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", key)
    assert quote(key, safe="") == key
    assert not any(refused in key for refused in INVALID_PARTITION_SUBSTRINGS)
    assert ".." not in key  # in a path, a step up
    assert key != "."


@given(st.sets(texts, max_size=20))
def test_different_texts_have_different_keys(names: set[str]) -> None:
    assert len({encode_key(name) for name in names}) == len(names)


@given(st.text(st.sampled_from("aZ09~.2EFfé,"), max_size=12))
def test_only_keys_that_encoding_makes_are_decoded(key: str) -> None:
    try:
        text = decode_key(key)
    except InvalidInputError:
        return
    assert encode_key(text) == key


@pytest.mark.parametrize("key", ["", "a,b", "a b", "~2", "~zz", "~2e", "~41", "~FF", "..", ".a", "é", "a~"])
def test_what_encoding_never_makes_is_refused(key: str) -> None:
    with pytest.raises(InvalidInputError, match="is no partition key"):
        decode_key(key)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("A23-100804", "A23-100804"),
        ("A360-CMSOCK_CS01", "A360-CMSOCK_CS01"),
        ("A23-1.5", "A23-1.5"),
        ("a23-x", "a23-x"),
        ("Bottle 500ml+", "Bottle~20500ml~2B"),
        ("a,b", "a~2Cb"),
        ("é", "~C3~A9"),
        ("a..b", "a.~2Eb"),
        (".", "~2E"),
        ("~", "~7E"),
    ],
)
def test_plain_keys_stay_readable(text: str, key: str) -> None:
    assert encode_key(text) == key


@pytest.mark.parametrize("text", ["", "\ud800", "A23-\udcff"])
def test_a_text_that_cannot_be_a_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot be a partition key"):
        encode_key(text)


def test_dagster_takes_the_key_of_what_it_refuses_itself(ephemeral: dg.DagsterInstance) -> None:
    texts = [f"A1-{refused}" for refused in INVALID_PARTITION_SUBSTRINGS]
    add_partitions(ephemeral, NAME, texts)
    assert [decode_key(key) for key in ephemeral.get_dynamic_partitions(NAME)] == texts


def test_keys_are_added_once_and_encoded(ephemeral: dg.DagsterInstance) -> None:
    assert add_partitions(ephemeral, NAME, ["A1-1", "A1 2", "A1-1"]) == 2
    assert add_partitions(ephemeral, NAME, iter(["A1 2", "A1-3"])) == 1
    assert add_partitions(ephemeral, NAME, []) == 0
    assert sorted(ephemeral.get_dynamic_partitions(NAME)) == ["A1-1", "A1-3", "A1~202"]


def prune(instance: dg.DagsterInstance, texts: list[str], own_run: str = "") -> int:
    return prune_partitions(instance, NAME, texts, jobs=[_job.name, "other"], own_run=own_run)


def test_keys_that_are_gone_for_good_are_pruned(ephemeral: dg.DagsterInstance) -> None:
    add_partitions(ephemeral, NAME, ["A1-1", "A1 2", "A1-3"])
    assert prune(ephemeral, ["A1 2", "A1-3", "never there"]) == 2
    assert prune(ephemeral, ["A1 2"]) == 0
    assert prune(ephemeral, []) == 0
    assert list(ephemeral.get_dynamic_partitions(NAME)) == ["A1-1"]


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_no_key_is_pruned_while_another_run_may_use_it(
    ephemeral: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    add_partitions(ephemeral, NAME, ["A1-1"])
    own = ephemeral.create_run_for_job(_job, status=dg.DagsterRunStatus.STARTED)
    other = ephemeral.create_run_for_job(_job, status=status)
    assert prune(ephemeral, ["A1-1"], own.run_id) == 0
    ephemeral.report_run_canceled(other)
    assert prune(ephemeral, ["A1-1"], own.run_id) == 1
    ephemeral.report_run_canceled(own)


def test_a_run_of_a_job_that_does_not_use_the_keys_keeps_none(ephemeral: dg.DagsterInstance) -> None:
    add_partitions(ephemeral, NAME, ["A1-1"])
    own = ephemeral.create_run_for_job(_job, status=dg.DagsterRunStatus.STARTED)
    ephemeral.create_run_for_job(_unrelated, status=dg.DagsterRunStatus.STARTED)
    assert prune(ephemeral, ["A1-1"], own.run_id) == 1


@dg.job
def _unrelated() -> None:
    """A job that is always up, as a warm drain is."""


@dg.job
def _job() -> None:
    """A job without ops."""
