"""Several answers to one question, as one."""

from __future__ import annotations

from orchestration.observability.findings import SAMPLE, Finding, merge_findings

WELL = Finding(0, "look here", ("task",))


def test_together_counts_all_and_keeps_the_remedies_of_those_that_found_something() -> None:
    one = Finding(2, "mend this.", ("task",), [("a",), ("b",)])
    other = Finding(1, "mend that.", ("task",), [("c",)], [("it", b"png")])
    both = merge_findings(one, WELL, other)
    assert both == Finding(3, "mend this. mend that.", ("task",), [("a",), ("b",), ("c",)], [("it", b"png")])


def test_together_all_is_well_when_each_is() -> None:
    assert merge_findings(WELL, WELL).total == 0


def test_together_shows_no_more_examples_than_one() -> None:
    many = Finding(SAMPLE, "mend it.", ("task",), [(str(number),) for number in range(SAMPLE)])
    assert len(merge_findings(many, many).examples) == SAMPLE
